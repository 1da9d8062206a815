//! L, cases 69, 71 and 76: what can be learnt from a sign-in, how often it can be tried, and what may be typed.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::{body::Body, http::Request};
use latchkey::{
    accounts::{self, NewAccount},
    protocol::{Lifetime, PlainSecret},
    store::login_failures,
};
use sha2::{Digest, Sha256};
use tokio::task::JoinSet;

use crate::{
    program::{self, Place},
    world::{Answer, Browser, ISSUER, MASTER_KEY, PASSWORD, World, database_url, encode, field},
};

/// A listening server behind a proxy, so that a test may come from anywhere.
async fn behind_a_proxy() -> World {
    let world = World::with(|settings| settings.proxy.trusted = vec!["127.0.0.1/32".parse().unwrap()]);
    world.await.listening()
}

/// A browser at that address that nobody knows.
fn stranger<'a>(world: &'a World, address: &str) -> Browser<'a> {
    let mut browser = world.browser();
    browser.headers = vec![("x-forwarded-for", address.to_owned())];
    browser
}

async fn tries(browser: &mut Browser<'_>, username: &str, password: &str) -> Answer {
    let page = browser.get("/login").await;
    browser.submits_only(&page, &[("username", username), ("password", password)]).await
}

/// Whether it was let in.
#[track_caller]
fn is_welcome(answer: &Answer) -> bool {
    assert!([200, 303, 401, 403, 422, 429].contains(&answer.status.as_u16()), "{answer:?}");
    answer.status == 303
}

/// All that an asker can see of an answer, but for what is different in every answer.
fn seen(answer: &Answer, username: &str) -> (u16, BTreeMap<String, String>, String) {
    let csrf = field(&answer.body, "csrf").expect("a form");
    let id = answer.header("x-request-id").to_owned();
    let body = answer.body.replace(&csrf, "CSRF").replace(&id, "ID").replace(username, "NAME");
    let headers =
        answer.headers.iter().filter(|(name, _)| !["x-request-id", "date", "set-cookie"].contains(&name.as_str()));
    let headers = headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
    (answer.status.as_u16(), headers, body)
}

#[tokio::test]
async fn case_69_nobody_learns_whether_there_is_an_account() {
    let world = behind_a_proxy().await;
    for username in ["alice", "dora1", "erika"] {
        world.user(username).await;
    }
    let store = &world.server.store;
    let find = async |name| accounts::find_by_username(&mut store.read().await.unwrap(), name).await.unwrap().unwrap();
    accounts::disable(store, &find("dora1").await.sub, world.now()).await.unwrap();
    let without = NewAccount { username: "ben_1".into(), ..NewAccount::default() };
    accounts::create(store, &world.server.passwords, without, world.now(), &world.server.random).await.unwrap();
    let tried = [
        ("alice", "wrong horse battery"),
        ("nobod", PASSWORD),
        ("nobod", "wrong horse battery"),
        ("dora1", PASSWORD),
        ("dora1", "wrong horse battery"),
        ("ben_1", PASSWORD),
    ];
    let mut all = Vec::new();
    for (n, (username, password)) in tried.iter().enumerate() {
        let before = world.server.passwords.runs();
        let answer = tries(&mut stranger(&world, &format!("192.0.{n}.1")), username, password).await;
        assert!(!is_welcome(&answer), "{username}");
        assert_eq!(world.server.passwords.runs() - before, 1, "{username}: it costs one hash");
        all.push(seen(&answer, username));
    }
    // As if they had been tried some more: of the next three, the first is free and the second locks.
    for (n, (username, more)) in [("alice", 2), ("nobod", 1), ("dora1", 1), ("ben_1", 2)].into_iter().enumerate() {
        count(&world, &key("account", username), more).await;
        let mut answers = Vec::new();
        for _ in 0..3 {
            let mut browser = stranger(&world, &format!("198.51.{n}.1"));
            answers.push(tries(&mut browser, username, "wrong horse battery").await);
        }
        let locked = answers.pop().unwrap();
        assert_eq!(locked.status, 429, "{username}");
        let before = world.server.passwords.runs();
        let right = tries(&mut stranger(&world, &format!("203.0.{n}.1")), username, PASSWORD).await;
        assert_eq!(seen(&right, username), seen(&locked, username), "{username}: the right password shows nothing");
        assert_eq!(world.server.passwords.runs(), before, "{username}: it is not even looked at");
        all.push(seen(&right, username));
    }
    let (first, locked) = (&all[0], &all[tried.len()]);
    assert!(all[..tried.len()].iter().all(|own| own == first), "{all:#?}");
    assert!(all[tried.len()..].iter().all(|own| own == locked), "{all:#?}");
}

#[tokio::test]
async fn case_71_a_stranger_who_forges_where_they_are_is_counted_where_they_are() {
    // Nobody is trusted to say where a request comes from.
    let world = World::new().await.listening();
    world.user("alice").await;
    count(&world, &key("address", "127.0.0.0/24"), 46).await;
    for n in 0..4 {
        let mut browser = world.browser();
        let from = format!("198.51.{n}.1");
        browser.headers = vec![
            ("x-forwarded-for", from.clone()),
            ("forwarded", format!("for={from}")),
            ("x-real-ip", from.clone()),
            ("true-client-ip", from.clone()),
            ("cf-connecting-ip", from),
        ];
        assert!(!is_welcome(&tries(&mut browser, &format!("victim{n}"), "wrong horse battery").await));
    }
    let answer = tries(&mut stranger(&world, "203.0.113.1"), "alice", PASSWORD).await;
    assert_eq!(answer.status, 429, "{answer:?}");
}

#[tokio::test]
async fn case_71_a_whole_ipv6_network_does_not_guess_for_ever() {
    let world = behind_a_proxy().await;
    world.user("alice").await;
    // What it has tried already, from blocks of its own.
    count(&world, &key("network", "2001:db8:7::/48"), 199).await;
    assert!(is_welcome(&tries(&mut stranger(&world, "2001:db8:7:1::1"), "alice", PASSWORD).await));
    assert!(!is_welcome(&tries(&mut stranger(&world, "2001:db8:7:2::1"), "victim", "wrong horse battery").await));
    let answer = tries(&mut stranger(&world, "2001:db8:7:3::1"), "alice", PASSWORD).await;
    assert_eq!(answer.status, 429, "another /64 of the same /48: {answer:?}");
    assert!(is_welcome(&tries(&mut stranger(&world, "2001:db8:8:1::1"), "alice", PASSWORD).await));
}

/// Count so many wrong tries, as if they had been made already.
async fn count(world: &World, key: &str, failures: usize) {
    let mut tx = world.server.store.write().await.unwrap();
    let later = (world.now() + Lifetime::hours(1)).0;
    for _ in 0..failures {
        login_failures::count(&mut tx, key, world.now().0, later).await.unwrap();
    }
    tx.commit().await.unwrap();
}

/// The counter of a name, an address block or a network, as the throttle calls it.
fn key(kind: &str, name: &str) -> String {
    let digest = Sha256::digest(format!("{kind}:{name}"));
    let bits = digest.iter().take(3).fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte));
    format!("{kind}:{:05x}", bits >> 4)
}

const EVERYBODY: &str = "everybody";

#[tokio::test]
async fn case_71_whoever_guesses_everywhere_has_fewer_tries_and_locks_nobody_out() {
    let world = behind_a_proxy().await;
    for username in ["alice", "bob"] {
        world.user(username).await;
    }
    let mut known = stranger(&world, "192.0.2.1");
    assert!(is_welcome(&tries(&mut known, "alice", PASSWORD).await));
    known.cookies.retain(|(name, _)| name == "latchkey-device-8080");
    // From everywhere, at every name, each once: below every other count.
    count(&world, EVERYBODY, 299).await;
    assert!(!is_welcome(&tries(&mut stranger(&world, "198.51.100.1"), "victim", "wrong horse battery").await));
    // Another node knows it, and so does one that was started afresh.
    let world = world.another_node().await.listening();
    // A name has one try that is free, wherever it comes from, and an address block has four.
    for (n, expected) in [200, 200, 429].into_iter().enumerate() {
        let mut browser = stranger(&world, &format!("198.51.{n}.1"));
        let answer = tries(&mut browser, "bob", "wrong horse battery").await;
        assert_eq!(answer.status == 429, expected == 429, "{n}: {answer:?}");
    }
    for n in 0..6 {
        let mut browser = stranger(&world, &format!("203.0.113.{n}"));
        let answer = tries(&mut browser, &format!("victim{n}"), "wrong horse battery").await;
        assert_eq!(answer.status == 429, n == 5, "{n}: {answer:?}");
    }
    // However much is guessed: who is right is let in, from a browser that nobody knows, after a mistake even.
    count(&world, EVERYBODY, 1_000).await;
    assert!(!is_welcome(&tries(&mut stranger(&world, "192.0.2.77"), "alice", "correct horse batter").await));
    assert!(is_welcome(&tries(&mut stranger(&world, "192.0.2.77"), "alice", PASSWORD).await));
    // And a known browser has all the tries it ever had.
    for _ in 0..5 {
        let mut browser = known.clone();
        browser.world = &world;
        assert!(!is_welcome(&tries(&mut browser, "alice", "wrong horse battery").await));
    }
    known.world = &world;
    assert!(is_welcome(&tries(&mut known, "alice", PASSWORD).await));
    // An hour later it is as it was.
    world.advance(Lifetime::hours(2));
    for n in 0..4 {
        let mut browser = stranger(&world, &format!("198.51.{n}.1"));
        assert!(!is_welcome(&tries(&mut browser, "carol", "wrong horse battery").await));
    }
    assert!(!is_welcome(&tries(&mut stranger(&world, "198.51.9.1"), "carol", "wrong horse battery").await));
}

#[tokio::test]
async fn case_71_whoever_looks_after_the_server_hears_of_guesses_everywhere() {
    let url = database_url().await;
    let world = World::of_today(&url).await;
    count(&world, EVERYBODY, 299).await;
    world.server.store.close().await;
    let place = Place::new().env("LATCHKEY_DATABASE_URL", &url).env("LATCHKEY_KEYS_MASTER_KEY", MASTER_KEY);
    let serving = place.serve(&[]);
    for n in 0..2 {
        let page = program::get(serving.main, "/login", "");
        let cookie = page.header("set-cookie").and_then(|cookie| cookie.split(';').next()).expect("a session");
        let csrf = field(&page.body, "csrf").expect("a token");
        let form = encode(&[("csrf", &csrf), ("username", &format!("victim{n}")), ("password", "wrong horse battery")]);
        program::post(serving.main, "/login", &format!("Cookie: {cookie}\r\n"), &form).expect("an answer");
    }
    let metrics = serving.get("/metrics").body;
    assert!(metrics.contains("latchkey_events_total{event=\"guessing_everywhere\"} 1"), "{metrics}");
    let log = serving.stop();
    assert_eq!(log.matches("\"event\":\"guessing_everywhere\"").count(), 1, "{log}");
}

#[tokio::test]
async fn case_76_whatever_is_typed_is_a_password_or_none_and_costs_one_hash() {
    let world = behind_a_proxy().await;
    let long = "x".repeat(1_024);
    let emoji = "\u{1f469}\u{200d}\u{1f680}\u{1f511}".repeat(8);
    let passwords = [
        ("caf\u{e9} au lait", "cafe\u{301} au lait", true),
        ("\u{ac00}\u{ac01}\u{ac02}\u{ac03}12345", "\u{1100}\u{1161}\u{ac01}\u{ac02}\u{ac03}12345", true),
        ("\u{fb01}sh and chips", "fish and chips", false),
        ("\u{ff50}\u{ff41}\u{ff53}\u{ff53}word1", "password1", false),
        ("pass\u{200b}word one", "password one", false),
        (emoji.as_str(), &emoji[..emoji.len() - 4], false),
        (long.as_str(), &long[1..], false),
        (" spaces around ", "spaces around", false),
        ("correct\u{a0}horse battery", "correct horse\u{3000}battery", true),
    ];
    for (n, (kept, other, are_the_same)) in passwords.into_iter().enumerate() {
        let username = format!("user{n}");
        let new =
            NewAccount { username: username.clone(), password: Some(PlainSecret::new(kept)), ..NewAccount::default() };
        let server = &world.server;
        accounts::create(&server.store, &server.passwords, new, world.now(), &server.random).await.expect(kept);
        let before = server.passwords.runs();
        let mut browser = stranger(&world, &format!("192.0.{n}.1"));
        assert_eq!(is_welcome(&tries(&mut browser, &username, other).await), are_the_same, "{kept:?} {other:?}");
        assert!(is_welcome(&tries(&mut stranger(&world, "198.51.100.1"), &username, kept).await), "{kept:?}");
        assert_eq!(server.passwords.runs() - before, 2, "{kept:?}");
    }
    // What nobody can have: too long, with a NUL, empty.
    world.user("alice").await;
    let before = world.server.passwords.runs();
    let unfit =
        ["x".repeat(4_096), "\u{1f511}".repeat(4_096), "x".repeat(60_000), String::new(), "a\u{301}".repeat(9_000)];
    for (n, password) in unfit.iter().enumerate() {
        let answer = tries(&mut stranger(&world, &format!("203.0.{n}.1")), &format!("nobody{n}"), password).await;
        assert!(!is_welcome(&answer), "{answer:?}");
    }
    assert!(world.server.passwords.runs() - before <= unfit.len() as u64);
    let nul = tries(&mut stranger(&world, "203.0.113.1"), "alice", "correct horse\0battery").await;
    assert_eq!(nul.status, 400, "{nul:?}");
    let endless = tries(&mut stranger(&world, "203.0.113.2"), "alice", &"x".repeat(1 << 20)).await;
    assert_eq!(endless.status, 413, "{endless:?}");
    assert!(is_welcome(&tries(&mut stranger(&world, "203.0.113.3"), "alice", PASSWORD).await));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn case_76_a_thousand_logins_at_once_keep_no_app_waiting() {
    let world = Arc::new(World::new().await);
    let app = world.app("wiki").await;
    let mut browser = world.browser();
    let page = browser.get("/login").await;
    let cookie = format!("latchkey-8080={}", browser.cookies[0].1);
    let csrf = field(&page.body, "csrf").expect("a token");
    let done = Arc::new(AtomicUsize::new(0));
    count(&world, &key("address", "127.0.0.0/24"), 30).await;
    let before = world.server.passwords.runs();
    let mut logins = JoinSet::new();
    for n in 0..1_000 {
        let (world, cookie, done) = (world.clone(), cookie.clone(), done.clone());
        let name = format!("victim{n}");
        let form = encode(&[("csrf", &csrf), ("username", &name), ("password", "wrong horse battery")]);
        logins.spawn(async move {
            let request = Request::post("/login")
                .header("cookie", cookie)
                .header("origin", ISSUER)
                .header("content-type", "application/x-www-form-urlencoded");
            let answer = world.send(request.body(Body::from(form)).unwrap()).await;
            done.fetch_add(1, Ordering::SeqCst);
            answer.status.as_u16()
        });
    }
    // One hash at least is under way, and so are the logins that wait behind it, while tokens are given.
    let mut meanwhile = 0;
    while done.load(Ordering::SeqCst) < 1_000 {
        app.token(&world, &[("grant_type", "client_credentials"), ("scope", "kb:read")]).await.refused("invalid_scope");
        app.post(&world, "/introspect", &[("token", "x")]).await.ok();
        meanwhile += usize::from(done.load(Ordering::SeqCst) < 1_000);
    }
    assert!(meanwhile > 1, "tokens waited for passwords");
    let statuses = logins.join_all().await;
    let count = |status: u16| statuses.iter().filter(|own| **own == status).count();
    let (told_to_wait, told_to_come_back) = (count(429), count(503));
    let hashed = usize::try_from(world.server.passwords.runs() - before).unwrap();
    assert_eq!(told_to_wait + told_to_come_back + hashed, 1_000, "nothing else has happened: {hashed} hashes");
    assert!(hashed <= 20, "no more than one address block may try: {hashed}");
}

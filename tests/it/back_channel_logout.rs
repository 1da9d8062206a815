//! Apps are told that a session has ended (OIDC Back-Channel Logout 1.0).

use axum::http::StatusCode;
use latchkey::{
    accounts,
    clients::{Logout, registration},
    jobs::SignOuts,
    protocol::{Lifetime, PlainSecret},
    store::{Access, Conn},
    tokens::id_token,
};
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;

use crate::logout_receiver::Receiver;
use crate::world::{App, Browser, ISSUER, World, claims, encode, field};

async fn world() -> World {
    let world = World::with(|settings| settings.outgoing.allow_private_addresses = true).await;
    world.user("alice").await;
    world
}

/// An app that is told there.
async fn app_at(world: &World, id: &str, host: &str, receiver: &Receiver) -> App {
    let uri = format!("http://{host}:{}/out?tenant=1", receiver.port);
    world.app_with(id, |wanted| wanted.logout = Logout { back_channel_uri: Some(uri), ..Logout::default() }).await
}

async fn app(world: &World, id: &str, receiver: &Receiver) -> App {
    app_at(world, id, "127.0.0.1", receiver).await
}

/// Alice signs in for an app; what it gets.
async fn signs_in(browser: &mut Browser<'_>, app: &App) -> Value {
    let code = browser.code(app, "openid", "alice").await;
    app.redeems(browser.world, &code).await.ok()
}

/// Alice signs in for an app and out again; the session's id.
async fn comes_and_goes(world: &World, app: &App) -> String {
    let mut browser = world.browser();
    let tokens = signs_in(&mut browser, app).await;
    let hint = tokens["id_token"].as_str().expect("an ID token");
    let answer = browser.get(&format!("/logout?{}", encode(&[("id_token_hint", hint)]))).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
    claims(hint)["sid"].as_str().expect("a sid").to_owned()
}

/// Deliver what is due, to the end.
async fn deliver(world: &World) {
    let sign_outs = SignOuts::new(world.server.clone());
    sign_outs.begin().await.expect("begun");
    sign_outs.settled().await;
}

/// How often a try has come to that outcome.
fn count(world: &World, outcome: &str) -> u64 {
    let text = world.server.metrics.text().expect("metrics");
    let line = format!("latchkey_logout_tokens_total{{outcome=\"{outcome}\"}} ");
    text.lines().find_map(|own| own.strip_prefix(&line)).map_or(0, |count| count.parse().expect("a number"))
}

#[tokio::test]
async fn a_sign_out_is_told_to_every_app_of_the_session_and_to_no_other() {
    let world = world().await;
    let (mut wiki_hears, mut desk_hears, mut other_hears) =
        (Receiver::new(200).await, Receiver::new(204).await, Receiver::new(200).await);
    let wiki = app(&world, "wiki", &wiki_hears).await;
    let desk = app(&world, "desk", &desk_hears).await;
    let other = app(&world, "other", &other_hears).await;
    let silent = world.app("silent").await;
    signs_in(&mut world.browser(), &other).await;
    let mut browser = world.browser();
    for app in [&desk, &silent, &wiki] {
        signs_in(&mut browser, app).await;
    }
    let tokens = signs_in(&mut browser, &wiki).await;
    let hint = tokens["id_token"].as_str().expect("an ID token");
    deliver(&world).await;
    assert!(wiki_hears.all().is_empty(), "nobody has signed out");
    world.advance(Lifetime::hours(1));
    browser.get(&format!("/logout?{}", encode(&[("id_token_hint", hint)]))).await;
    deliver(&world).await;

    let heard = wiki_hears.one();
    assert!(heard.head.starts_with("POST /out?tenant=1 HTTP/1.1\r\n"), "{}", heard.head);
    assert!(heard.head.contains("content-type: application/x-www-form-urlencoded\r\n"), "{}", heard.head);
    let verified = world.server.keyring.verify(&heard.token).expect("signed by a key of ours");
    assert_eq!(verified.typ.as_deref(), Some("logout+jwt"));
    let (told, user) = (claims(&heard.token), claims(hint));
    let jti = told["jti"].as_str().expect("a jti").to_owned();
    let expected = json!({
        "iss": ISSUER, "aud": "wiki", "iat": world.now().0, "exp": world.now().0 + 120, "jti": jti,
        "events": { "http://schemas.openid.net/event/backchannel-logout": {} }, "sub": user["sub"], "sid": user["sid"],
    });
    assert_eq!(told, expected);
    let others = claims(&desk_hears.one().token);
    assert_eq!((&others["aud"], &others["sid"]), (&json!("desk"), &user["sid"]));
    assert_ne!(others["jti"], told["jti"]);
    // Once, and to nobody else.
    world.advance(Lifetime::hours(1));
    deliver(&world).await;
    for receiver in [&mut wiki_hears, &mut desk_hears, &mut other_hears] {
        assert!(receiver.all().is_empty());
    }
    assert_eq!((count(&world, "delivered"), count(&world, "retried")), (2, 0));
}

#[tokio::test]
async fn it_is_told_however_the_session_ends() {
    let world = world().await;
    let mut hears = Receiver::new(200).await;
    let app = app(&world, "wiki", &hears).await;
    world.user("bob").await;
    let server = &world.server;
    let sub = accounts::find_by_username(&mut server.store.read().await.unwrap(), "alice").await.unwrap().unwrap().sub;
    for way in ["asked", "account", "everywhere", "operator", "another user", "password", "disabled", "deleted"] {
        let mut browser = world.browser();
        let tokens = signs_in(&mut browser, &app).await;
        let sid = claims(tokens["id_token"].as_str().expect("an ID token"))["sid"].clone();
        let own = sid.as_str().expect("a sid");
        let now = world.now();
        match way {
            "asked" => {
                let page = browser.get("/logout").await;
                browser.submits(&page, &[("action", "sign_out")]).await;
            }
            "account" | "everywhere" => {
                let page = browser.get("/account").await;
                let csrf = field(&page.body, "csrf").expect("a form");
                let action = if way == "account" { "end_session" } else { "sign_out_everywhere" };
                let done = browser.post("/account", &[("csrf", &csrf), ("action", action), ("id", own)]).await;
                assert_eq!(done.status, StatusCode::SEE_OTHER, "{way}: {done:?}");
            }
            "operator" => {
                let mut tx = server.store.write().await.unwrap();
                assert!(accounts::end_session(&mut tx, own, "session ended by the operator", now).await.unwrap());
                tx.commit().await.unwrap();
            }
            "another user" => {
                let page = browser.authorizes(&crate::authorize::asks(&app, "openid", &[("prompt", "login")])).await;
                browser.signs_in(&page, "bob").await;
            }
            "password" => {
                let new = PlainSecret::new("another correct horse battery");
                accounts::set_password(&server.store, &server.passwords, &sub, &new, now, &server.random)
                    .await
                    .unwrap();
                let old = PlainSecret::new(crate::world::PASSWORD);
                accounts::set_password(&server.store, &server.passwords, &sub, &old, now, &server.random)
                    .await
                    .unwrap();
            }
            "disabled" => {
                accounts::disable(&server.store, &sub, now).await.unwrap();
                accounts::enable(&server.store, &sub, now).await.unwrap();
            }
            _ => accounts::delete(&server.store, &sub, now).await.unwrap(),
        }
        deliver(&world).await;
        let all = hears.all();
        let told: Vec<Value> = all.iter().map(|heard| claims(&heard.token)).collect();
        assert_eq!(told.len(), 1, "{way}: {told:?}");
        assert_eq!((&told[0]["sid"], &told[0]["sub"]), (&sid, &json!(sub)), "{way}");
    }
}

#[tokio::test]
async fn proving_again_who_one_is_ends_no_session() {
    let world = world().await;
    let mut hears = Receiver::new(200).await;
    let app = app(&world, "wiki", &hears).await;
    let mut browser = world.browser();
    signs_in(&mut browser, &app).await;
    let page = browser.authorizes(&crate::authorize::asks(&app, "openid", &[("prompt", "login")])).await;
    browser.signs_in(&page, "alice").await;
    deliver(&world).await;
    assert!(hears.all().is_empty());
}

#[tokio::test]
async fn an_app_that_fails_is_told_again_later_and_later_under_the_same_id() {
    let world = world().await;
    let mut hears = Receiver::new(500).await;
    let app = app(&world, "wiki", &hears).await;
    comes_and_goes(&world, &app).await;
    let mut tokens = Vec::new();
    // A redirect is not followed.
    for (status, pause) in [(500, 15), (302, 30), (404, 60), (200, 120)] {
        hears.answers(status);
        deliver(&world).await;
        tokens.push(claims(&hears.one().token));
        world.advance(Lifetime::seconds(pause - 1));
        deliver(&world).await;
        assert!(hears.all().is_empty(), "too early after {status}");
        world.advance(Lifetime::seconds(1));
    }
    deliver(&world).await;
    assert!(hears.all().is_empty(), "it has heard it");
    for pair in tokens.windows(2) {
        assert_eq!(pair[0]["jti"], pair[1]["jti"]);
        assert!(pair[0]["iat"].as_i64() < pair[1]["iat"].as_i64(), "made anew: {pair:?}");
    }
    assert_eq!((count(&world, "delivered"), count(&world, "retried"), count(&world, "given_up")), (1, 3, 0));
}

#[tokio::test]
async fn an_app_that_says_no_is_not_told_again() {
    let world = world().await;
    let mut hears = Receiver::new(400).await;
    let app = app(&world, "wiki", &hears).await;
    comes_and_goes(&world, &app).await;
    deliver(&world).await;
    hears.one();
    world.advance(Lifetime::hours(1));
    deliver(&world).await;
    assert!(hears.all().is_empty());
    assert_eq!((count(&world, "given_up"), count(&world, "retried")), (1, 0));
}

#[tokio::test]
async fn an_app_that_goes_on_failing_is_given_up() {
    let world = world().await;
    let mut hears = Receiver::new(503).await;
    let app = app(&world, "wiki", &hears).await;
    comes_and_goes(&world, &app).await;
    for _ in 0..10 {
        deliver(&world).await;
        world.advance(Lifetime::minutes(30));
    }
    assert_eq!(hears.all().len(), 10);
    deliver(&world).await;
    assert!(hears.all().is_empty());
    assert_eq!((count(&world, "given_up"), count(&world, "retried")), (1, 9));
    // So is what nobody has come round to for hours.
    comes_and_goes(&world, &app).await;
    world.advance(Lifetime::hours(6));
    deliver(&world).await;
    assert!(hears.all().is_empty());
    assert_eq!(count(&world, "given_up"), 2);
}

#[tokio::test]
async fn what_an_app_does_not_want_to_hear_any_more_is_dropped() {
    let world = world().await;
    let mut hears = Receiver::new(200).await;
    let (wiki, desk) = (app(&world, "wiki", &hears).await, app(&world, "desk", &hears).await);
    comes_and_goes(&world, &wiki).await;
    comes_and_goes(&world, &desk).await;
    let logout = Logout { back_channel_uri: Some(String::new()), ..Logout::default() };
    let wanted = registration::Wanted { logout, ..registration::Wanted::default() };
    let server = &world.server;
    registration::update(&server.registry, "wiki", wanted, world.now(), &server.random).await.unwrap().unwrap();
    assert!(registration::disable(&server.registry, "desk", world.now()).await.unwrap());
    deliver(&world).await;
    assert!(registration::enable(&server.registry, "desk", world.now()).await.unwrap());
    world.advance(Lifetime::minutes(5));
    deliver(&world).await;
    assert!(hears.all().is_empty());
}

#[tokio::test]
async fn an_app_that_is_gone_leaves_the_others_their_turn_however_much_it_is_to_be_told() {
    let world = world().await;
    let gone = Receiver::new(500).await;
    let mut hears = Receiver::new(200).await;
    app_at(&world, "gone", "localhost", &gone).await;
    let wiki = app(&world, "wiki", &hears).await;
    waits(&world, "gone", 1_000).await;
    world.advance(Lifetime::seconds(1));
    comes_and_goes(&world, &wiki).await;
    deliver(&world).await;
    hears.one();
    // Nor does it get more tries than others for that.
    assert!(count(&world, "retried") <= 2, "{}", count(&world, "retried"));
}

/// So many sign-outs that an app is still to be told of.
async fn waits(world: &World, client_id: &str, many: usize) {
    let now = world.now().0;
    let rows: Vec<String> = (0..many)
        .map(|which| format!("('sid-{which}', '{client_id}', 'somebody', {now}, 0, {now}, {})", now + 21_600))
        .collect();
    let statement = AssertSqlSafe(format!(
        "INSERT INTO logout_notices (sid, client_id, user_id, created_at, attempts, next_at, expires_at) VALUES {}",
        rows.join(", ")
    ));
    let mut tx = world.server.store.write().await.expect("a transaction");
    let inserted = match tx.conn() {
        Conn::Sqlite(own) => sqlx::raw_sql(statement).execute(own).await.map(drop),
        Conn::Postgres(own) => sqlx::raw_sql(statement).execute(own).await.map(drop),
    };
    inserted.expect("they are written down");
    tx.commit().await.expect("committed");
}

#[tokio::test]
async fn two_nodes_tell_an_app_once() {
    let world = world().await;
    let node = world.another_node().await;
    let mut hears = Receiver::new(200).await;
    let app = app(&world, "wiki", &hears).await;
    for _ in 0..6 {
        comes_and_goes(&world, &app).await;
    }
    // One host has so many at a time: until all of them have heard.
    let mut all = Vec::new();
    while all.len() < 6 {
        tokio::join!(deliver(&world), deliver(&node));
        all.extend(hears.all());
        world.advance(Lifetime::seconds(3));
    }
    tokio::join!(deliver(&world), deliver(&node));
    all.extend(hears.all());
    let mut ids: Vec<String> = all.iter().map(|heard| claims(&heard.token)["jti"].to_string()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!((all.len(), ids.len()), (6, 6));
    assert_eq!(count(&world, "delivered") + count(&node, "delivered"), 6);
}

#[tokio::test]
async fn what_a_node_was_about_to_tell_when_it_ended_another_tells() {
    let world = world().await;
    let mut hears = Receiver::new(0).await;
    let app = app(&world, "wiki", &hears).await;
    comes_and_goes(&world, &app).await;
    let sign_outs = SignOuts::new(world.server.clone());
    sign_outs.begin().await.expect("begun");
    let first = hears.heard.recv().await.expect("it was told, and says nothing");
    drop(sign_outs);
    hears.answers(200);
    let restarted = world.another_node().await;
    deliver(&restarted).await;
    assert!(hears.all().is_empty(), "the first may still be at it");
    world.advance(Lifetime::seconds(15));
    deliver(&restarted).await;
    assert_eq!(claims(&hears.one().token)["jti"], claims(&first.token)["jti"]);
}

#[tokio::test]
async fn an_app_that_does_not_answer_keeps_neither_users_nor_other_apps_waiting() {
    let world = world().await;
    let (mut slow_hears, mut hears) = (Receiver::new(0).await, Receiver::new(200).await);
    let slow = app(&world, "slow", &slow_hears).await;
    let app = app_at(&world, "wiki", "localhost", &hears).await;
    for _ in 0..5 {
        comes_and_goes(&world, &slow).await;
    }
    comes_and_goes(&world, &app).await;
    let sign_outs = SignOuts::new(world.server.clone());
    sign_outs.begin().await.expect("begun");
    hears.heard.recv().await.expect("the other is told");
    for _ in 0..2 {
        slow_hears.heard.recv().await.expect("the slow one is told");
    }
    // It has enough to do.
    world.advance(Lifetime::seconds(3));
    sign_outs.begin().await.expect("begun");
    comes_and_goes(&world, &app).await;
    sign_outs.begin().await.expect("begun");
    hears.heard.recv().await.expect("the other is told again");
    assert!(slow_hears.all().is_empty());
}

#[tokio::test]
async fn nothing_inside_is_called_unless_the_operator_says_so() {
    let world = World::new().await;
    world.user("alice").await;
    let mut hears = Receiver::new(200).await;
    for (id, host) in [("wiki", "127.0.0.1"), ("desk", "localhost")] {
        let app = app_at(&world, id, host, &hears).await;
        comes_and_goes(&world, &app).await;
    }
    deliver(&world).await;
    assert!(hears.all().is_empty());
    assert_eq!(count(&world, "retried"), 2);
}

#[tokio::test]
async fn a_logout_token_is_good_for_nothing_else() {
    let world = world().await;
    let mut hears = Receiver::new(200).await;
    let app = app(&world, "wiki", &hears).await;
    comes_and_goes(&world, &app).await;
    deliver(&world).await;
    let token = hears.one().token;
    assert_eq!(id_token::read_hint(&world.server.keyring, ISSUER, &token), None);
    let query = encode(&[("id_token_hint", token.as_str())]);
    assert_eq!(world.get(&format!("/logout?{query}")).await.status, StatusCode::BAD_REQUEST);
    let bearer = format!("Bearer {token}");
    let answer = world.post("/userinfo", &[("authorization", &bearer)], &[]).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert_eq!(app.post(&world, "/introspect", &[("token", &token)]).await.ok(), json!({ "active": false }));
    app.refreshes(&world, &token).await.refused("invalid_grant");
}

#[tokio::test]
async fn it_is_signed_as_the_id_tokens_of_the_app_are() {
    let algorithms = vec![latchkey::protocol::Algorithm::RS256, latchkey::protocol::Algorithm::ES256];
    let world = World::with(|settings| {
        settings.outgoing.allow_private_addresses = true;
        settings.keys.algorithms = algorithms;
    })
    .await;
    world.user("alice").await;
    let mut hears = Receiver::new(200).await;
    let uri = format!("http://127.0.0.1:{}/out", hears.port);
    let app = world
        .app_with("wiki", |wanted| {
            wanted.signing_algorithm = Some(latchkey::protocol::Algorithm::ES256);
            wanted.logout = Logout { back_channel_uri: Some(uri), ..Logout::default() };
        })
        .await;
    comes_and_goes(&world, &app).await;
    deliver(&world).await;
    let verified = world.server.keyring.verify(&hears.one().token).expect("signed by a key of ours");
    assert_eq!(verified.alg, latchkey::protocol::Algorithm::ES256);
}

#[tokio::test]
async fn an_app_that_knows_users_by_names_of_its_own_is_told_of_them_by_those() {
    let world = world().await;
    let mut hears = Receiver::new(200).await;
    let uri = format!("http://127.0.0.1:{}/out", hears.port);
    let app = world
        .app_with("wiki", |wanted| {
            wanted.subject_type = Some(latchkey::protocol::SubjectType::Pairwise);
            wanted.logout = Logout {
                back_channel_uri: Some(uri),
                front_channel_uri: Some("https://wiki.example/out".to_owned()),
                ..Logout::default()
            };
        })
        .await;
    let mut browser = world.browser();
    let tokens = signs_in(&mut browser, &app).await;
    let hint = tokens["id_token"].as_str().expect("an ID token");
    let page = browser.get(&format!("/logout?{}", encode(&[("id_token_hint", hint)]))).await;
    deliver(&world).await;
    let (known, told) = (claims(hint), claims(&hears.one().token));
    assert_eq!((&told["sub"], &told["sid"]), (&known["sub"], &known["sid"]));
    let sid = known["sid"].as_str().expect("a sid");
    assert!(page.body.contains(&format!("sid={sid}\"")), "{}", page.body);
}

#[test]
fn an_operator_says_on_the_command_line_where_an_app_is_told() {
    let place = crate::program::Place::new();
    let [back, front] = ["https://wiki.example/out", "https://wiki.example/frame"];
    let create = ["client", "create", "--json", "--id", "wiki", "--name", "Wiki"];
    let uris = ["--redirect-uri", "https://wiki.example/cb", "--backchannel-logout-uri", back];
    let more = ["--backchannel-logout-session-required", "--frontchannel-logout-uri", front];
    let told = place.run(&[&create[..], &uris, &more, &["--frontchannel-logout-session-required"]].concat()).ok();
    let told: Value = serde_json::from_str(&told).expect("JSON");
    for (member, value) in [
        ("backchannel_logout_uri", json!(back)),
        ("backchannel_logout_session_required", json!(true)),
        ("frontchannel_logout_uri", json!(front)),
        ("frontchannel_logout_session_required", json!(true)),
    ] {
        assert_eq!(told[member], value, "{member}");
    }
    let shown = place.run(&["client", "show", "wiki"]).ok();
    assert!(shown.contains(back) && shown.contains(front), "{shown}");
    let refused =
        place.run(&["client", "update", "wiki", "--frontchannel-logout-uri", "https://evil.example/"]).refused();
    assert!(refused.contains("frontchannel_logout_uri"), "{refused}");
    let told = place.run(&["client", "update", "wiki", "--json", "--backchannel-logout-uri", ""]).ok();
    assert!(!told.contains("backchannel_logout") && told.contains(front), "{told}");
}

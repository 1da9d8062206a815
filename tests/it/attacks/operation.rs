//! N, cases 82, 87, 88 and 90: what a server shows before and besides its work, and what it does when keys, databases and
//! clocks are changed under it.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use axum::http::StatusCode;
use latchkey::{
    accounts,
    clients::registration,
    keys::Mode,
    protocol::{Algorithm, Lifetime},
};
use serde_json::Value;
use tokio::task::JoinSet;

use super::{is_alive, member, site};
use crate::{
    program::{Place, Reply, get},
    stage::Stage,
    world::{PASSWORD, World, attribute, claims, encode, field},
};

#[tokio::test]
async fn case_82_a_fresh_server_has_nothing_to_take_over() {
    let world = World::new().await.listening();
    for path in [
        "/setup",
        "/install",
        "/init",
        "/bootstrap",
        "/admin",
        "/admin/",
        "/console",
        "/dashboard",
        "/debug",
        "/debug/pprof/",
        "/debug/vars",
        "/actuator",
        "/actuator/env",
        "/server-status",
        "/.env",
        "/.git/config",
        "/latchkey.toml",
        "/latchkey.db",
        "/keys/master.key",
        "/keys",
        "/api",
        "/api/v1",
        "/api/v1/users",
        "/api/v1/openapi.json",
        "/swagger",
        "/graphql",
        "/register",
        "/par",
        "/device",
        "/test",
        "/phpmyadmin",
        "/assets/",
        "/assets/..%2f..%2fkeys%2fmaster.key",
        "/assets/%2e%2e/%2e%2e/latchkey.toml",
        "/assets/../latchkey.db",
        "/assets/..\\..\\latchkey.toml",
        "/assets/%00",
        "/errors/..%2f..%2flatchkey.toml",
        "/errors/%3Cscript%3E",
        "//",
        "/./login",
        "/login/",
        "/LOGIN",
        "/login%2f",
        "/login;x=1",
        "/authorize/",
        "/token/",
        "/%6cogin/x",
    ] {
        for method in ["GET", "POST"] {
            let bytes = format!(
                "{method} {path} HTTP/1.1\r\nHost: localhost:8080\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
            );
            let answer = world.sends(bytes.as_bytes()).await;
            let expected = [StatusCode::NOT_FOUND, StatusCode::METHOD_NOT_ALLOWED, StatusCode::BAD_REQUEST];
            assert!(expected.contains(&answer.status), "{method} {path}: {answer:?}");
            assert!(!answer.body.contains("script>") && !answer.body.contains("issuer ="), "{path}: {answer:?}");
        }
    }
    for (username, password) in [
        ("admin", "admin"),
        ("admin", "password"),
        ("root", "root"),
        ("admin", "latchkey"),
        ("latchkey", "latchkey"),
        ("administrator", "changeme"),
        ("alice", PASSWORD),
        ("", ""),
    ] {
        let mut browser = world.browser();
        let page = browser.get("/login").await;
        let answer = browser.submits_only(&page, &[("username", username), ("password", password)]).await;
        assert_ne!(answer.status, StatusCode::SEE_OTHER, "{username} {password}: {answer:?}");
    }
    let mut db = world.server.store.read().await.unwrap();
    assert!(accounts::list(&mut db, "", 10).await.unwrap().is_empty());
    drop(db);
    assert!(registration::list(&world.server.registry).await.unwrap().is_empty());
}

#[tokio::test]
async fn case_82_a_server_that_fails_shows_none_of_its_inside() {
    let (world, app) = site().await;
    let mut browser = world.browser();
    let page = browser.authorizes(&app.asks("openid")).await;
    let action = attribute(&page.body, "<form", "action").unwrap();
    let csrf = field(&page.body, "csrf").unwrap();
    world.server.store.close().await;
    let mut answers = vec![
        world.get("/readyz").await,
        browser.get("/account").await,
        browser.get(&format!("/authorize?{}", encode(&app.asks("openid")))).await,
        browser.post(&action, &[("csrf", &csrf), ("username", "alice"), ("password", PASSWORD)]).await,
        app.redeems(&world, "lkc_x").await,
        app.post(&world, "/introspect", &[("token", "lko_x")]).await,
        app.post(&world, "/revoke", &[("token", "lko_x")]).await,
        browser.get("/logout?client_id=wiki").await,
    ];
    for answer in &mut answers {
        assert!(answer.status.is_server_error(), "{answer:?}");
        let body = answer.body.to_lowercase();
        for inside in [
            "sqlx",
            "sqlite",
            "postgres",
            "select ",
            "pool",
            "src/",
            ".rs",
            "panicked",
            "backtrace",
            "/target",
            "tokio",
        ] {
            assert!(!body.contains(inside), "{inside}: {}", answer.body);
        }
    }
}

#[tokio::test]
async fn case_82_those_who_look_after_it_are_not_mistaken_for_others() {
    let place = Place::new();
    let serving = place.serve(&[]);
    assert_eq!(serving.get("/metrics").status, 200);
    for forwarding in [
        "X-Forwarded-For: 127.0.0.1",
        "X-Forwarded-For: ",
        "X-Real-IP: 127.0.0.1",
        "Forwarded: for=127.0.0.1",
        "Via: 1.1 proxy",
        "X-Forwarded-Host: localhost",
        "X-Forwarded-Proto: http",
    ] {
        let answer = get(serving.main, "/metrics", &format!("{forwarding}\r\n"));
        assert_ne!(answer.status, 200, "{forwarding}: a proxy has passed it on");
    }
}

async fn published(world: &World) -> BTreeSet<String> {
    let set = world.get("/jwks").await.ok();
    set["keys"].as_array().unwrap().iter().map(|key| member(key, "kid")).collect()
}

fn kid(token: &str) -> String {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let head = URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap();
    member(&serde_json::from_slice::<Value>(&head).unwrap(), "kid")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn case_87_under_load_no_token_is_signed_by_a_key_that_nobody_could_know() {
    let (world, _) = site().await;
    let app = &world.app_with("machine", |wanted| wanted.scope = Some("openid kb:read".to_owned())).await;
    let other = world.another_node().await.listening();
    let nodes = [Arc::new(world), Arc::new(other)];
    let done = Arc::new(AtomicBool::new(false));
    let mut load = JoinSet::new();
    for node in nodes.iter().cycle().take(4) {
        let (node, app, done) = (node.clone(), app.clone(), done.clone());
        load.spawn(async move {
            let mut tokens = Vec::new();
            while !done.load(Ordering::SeqCst) {
                // What a resource server knew before it saw the token.
                let known = published(&node).await;
                let answer = app.token(&node, &[("grant_type", "client_credentials"), ("scope", "kb:read")]).await.ok();
                let token = member(&answer, "access_token");
                assert!(known.contains(&kid(&token)), "{} was not in {known:?}", kid(&token));
                tokens.push(token);
            }
            tokens
        });
    }
    let (store, now) = (&nodes[0].server.store, nodes[0].now());
    for turn in 0..6 {
        let node = &nodes[turn % 2];
        node.server.keyring.rotate(store, Algorithm::RS256, Mode::Now, now).await.expect("rotated");
        for node in &nodes {
            node.server.store.look_for_changes().await.unwrap();
            node.server.keyring.reload(store).await.expect("reloaded");
        }
    }
    done.store(true, Ordering::SeqCst);
    let tokens: Vec<String> = load.join_all().await.into_iter().flatten().collect();
    assert!(!tokens.is_empty());
    // Until they expire, all are good everywhere, whichever key has signed them.
    let mut kids = BTreeSet::new();
    for token in &tokens {
        if kids.insert(kid(token)) {
            for node in &nodes {
                assert!(published(node).await.contains(&kid(token)));
                assert_eq!(app.post(node, "/introspect", &[("token", token)]).await.ok()["active"], true);
            }
        }
    }
    // A key that is lost goes at once, and with it what it signed.
    let fresh = app.token(&nodes[0], &[("grant_type", "client_credentials"), ("scope", "kb:read")]).await.ok();
    let fresh = member(&fresh, "access_token");
    nodes[0].server.keyring.rotate(store, Algorithm::RS256, Mode::Emergency, now).await.expect("dropped");
    nodes[1].server.store.look_for_changes().await.unwrap();
    nodes[1].server.keyring.reload(store).await.expect("reloaded");
    for node in &nodes {
        assert!(!published(node).await.contains(&kid(&fresh)));
        assert_eq!(app.post(node, "/introspect", &[("token", &fresh)]).await.body, r#"{"active":false}"#);
    }
    // And what old keys signed is no good once they are gone.
    nodes[0].advance(Lifetime::hours(1));
    nodes[0].server.keyring.rotate_if_due(store, nodes[0].now()).await.expect("tidied");
    let left = published(&nodes[0]).await;
    assert_eq!(left.len(), 2, "{left:?}");
    assert_eq!(app.post(&nodes[0], "/introspect", &[("token", &tokens[0])]).await.body, r#"{"active":false}"#);
}

#[track_caller]
pub(super) fn ok(reply: Option<Reply>) -> Value {
    let reply = reply.expect("an answer");
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.json()
}

#[tokio::test]
async fn case_88_a_restored_copy_revives_nothing_that_was_spent_or_ended_since() {
    let place = Place::new();
    let url = format!("sqlite:{}", place.path("latchkey.db").display());
    let stage = Stage::new(place, &url, 4).await;
    let serving = stage.place.serve(&[]);
    let caller = stage.caller(serving.main);
    let [one, unspent, late, lost] = [(); 4].map(|()| stage.approval());
    let first = ok(caller.redeems(&one.code));
    stage.place.run(&["backup", "copy.db"]).ok();
    // Since then: a rotation, a redemption, a revocation.
    let second = ok(caller.refreshes(&member(&first, "refresh_token")));
    let of_late = ok(caller.redeems(&late.code));
    ok(caller.refreshes(&member(&of_late, "refresh_token")));
    assert_eq!(
        caller.asks("/revoke", &[("token", &member(&of_late, "refresh_token"))]).expect("an answer").status,
        200
    );
    serving.stop();
    stage.place.run(&["restore", "copy.db"]).ok();
    let serving = stage.place.serve(&[]);
    let caller = stage.caller(serving.main);
    for code in [&one.code, &unspent.code, &late.code, &lost.code] {
        let refused = caller.redeems(code).expect("an answer");
        assert_eq!((refused.status, refused.json()["error"].as_str()), (400, Some("invalid_grant")), "{refused:?}");
    }
    for tokens in [&first, &second, &of_late] {
        let refused = caller.refreshes(&member(tokens, "refresh_token")).expect("an answer");
        assert_eq!((refused.status, refused.json()["error"].as_str()), (400, Some("invalid_grant")), "{refused:?}");
        for name in ["access_token", "refresh_token"] {
            let told = caller.asks("/introspect", &[("token", &member(tokens, name))]).expect("an answer");
            assert_eq!(told.body, r#"{"active":false}"#, "{name}");
        }
    }
    serving.stop();
}

#[tokio::test]
async fn case_90_a_clock_that_jumps_revives_nothing_and_locks_nobody_out_for_ever() {
    let (world, app) = site().await;
    let mut browser = world.browser();
    let code = browser.code(&app, "openid offline_access", "alice").await;
    let tokens = app.redeems(&world, &code).await.ok();
    let next = app.refreshes(&world, &member(&tokens, "refresh_token")).await.ok();
    let spent = browser.code(&app, "openid", "alice").await;
    app.redeems(&world, &spent).await.ok();
    let back = Lifetime(-300);
    // Five minutes back: what was made a moment ago comes from the future, and is as good as it was.
    world.advance(back);
    assert!(is_alive(&world, &app, &member(&next, "access_token")).await);
    assert_eq!(browser.get("/account").await.status, StatusCode::OK);
    let third = app.refreshes(&world, &member(&next, "refresh_token")).await.ok();
    let issued = claims(&member(&third, "access_token"));
    assert_eq!(issued["exp"].as_i64().unwrap() - issued["iat"].as_i64().unwrap(), 900);
    // What was spent stays spent, and coming back with it ends what it gave.
    app.redeems(&world, &spent).await.refused("invalid_grant");
    app.refreshes(&world, &member(&tokens, "refresh_token")).await.refused("invalid_grant");
    assert!(!is_alive(&world, &app, &member(&third, "access_token")).await);
    // A guesser wins nothing by it: a block that stands, stands.
    let mut guesser = world.browser();
    let page = guesser.get("/login").await;
    for _ in 0..6 {
        guesser.submits_only(&page, &[("username", "alice"), ("password", "wrong horse battery")]).await;
    }
    world.advance(back);
    let right = guesser.submits_only(&page, &[("username", "alice"), ("password", PASSWORD)]).await;
    assert_eq!(right.status, StatusCode::TOO_MANY_REQUESTS, "{right:?}");
    // Far ahead and back again: what was ended meanwhile is not alive again, and nobody waits for years.
    let code = browser.code(&app, "openid", "alice").await;
    let held = app.redeems(&world, &code).await.ok();
    let year = Lifetime::days(365);
    world.advance(year);
    assert!(!is_alive(&world, &app, &member(&held, "access_token")).await);
    app.refreshes(&world, &member(&held, "refresh_token")).await.refused("invalid_grant");
    latchkey::jobs::tidy(&world.server.store, &world.server.settings.tokens, world.now()).await.unwrap();
    for _ in 0..3 {
        let page = guesser.get("/login").await;
        guesser.submits_only(&page, &[("username", "bob"), ("password", "wrong horse battery")]).await;
    }
    world.advance(Lifetime(-year.0));
    app.refreshes(&world, &member(&held, "refresh_token")).await.refused("invalid_grant");
    let mut later = world.browser();
    assert!(later.code(&app, "openid", "alice").await.starts_with("lkc_"), "life goes on");
}

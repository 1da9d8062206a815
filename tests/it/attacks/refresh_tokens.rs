//! G: refresh tokens.

use std::time::{Duration, Instant};

use latchkey::{
    accounts,
    clients::registration,
    protocol::{AuthMethod, Lifetime},
};
use serde_json::Value;

use super::{at_once, member, site, site_of_another, written};
use crate::{
    program::{Place, Reply},
    stage::Stage,
    world::{Answer, App, Browser, ISSUER, PASSWORD, World, claims, database_url, field},
};

const SCOPE: &str = "openid profile email offline_access";

/// The refresh token of an approval by alice.
async fn token(browser: &mut Browser<'_>, app: &App, scope: &str) -> String {
    let code = browser.code(app, scope, "alice").await;
    member(&app.redeems(browser.world, &code).await.ok(), "refresh_token")
}

async fn refreshes_with(world: &World, app: &App, token: &str, more: &[(&str, &str)]) -> Answer {
    app.token(world, &[&[("grant_type", "refresh_token"), ("refresh_token", token)], more].concat()).await
}

#[tokio::test]
async fn case_44_an_old_token_that_comes_back_ends_the_family_and_is_told_of() {
    let stage = Stage::new(Place::new(), &database_url().await, 1).await;
    let serving = stage.place.serve(&[]);
    let caller = stage.caller(serving.main);
    let ok = |reply: Option<Reply>| -> Value {
        let reply = reply.expect("an answer");
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.json()
    };
    let first = ok(caller.redeems(&stage.approval().code));
    let second = ok(caller.refreshes(&member(&first, "refresh_token")));
    let third = ok(caller.refreshes(&member(&second, "refresh_token")));
    for tokens in [&first, &second, &third] {
        assert_eq!(ok(caller.asks("/introspect", &[("token", &member(tokens, "access_token"))]))["active"], true);
    }
    // The thief's first, then everybody's: the one that was stolen, the one in between, the newest.
    for tokens in [&first, &second, &third, &first] {
        let refused = caller.refreshes(&member(tokens, "refresh_token")).expect("an answer");
        assert_eq!((refused.status, &refused.json()["error"]), (400, &"invalid_grant".into()), "{refused:?}");
    }
    for tokens in [&first, &second, &third] {
        for name in ["access_token", "refresh_token"] {
            let told = caller.asks("/introspect", &[("token", &member(tokens, name))]).expect("an answer");
            assert_eq!(told.body, r#"{"active":false}"#, "{name}");
        }
        let bearer = format!("Authorization: Bearer {}\r\n", member(tokens, "access_token"));
        assert_eq!(crate::program::get(serving.main, "/userinfo", &bearer).status, 401);
    }
    let log = serving.stop();
    assert_eq!(log.matches("\"event\":\"refresh_token_reused\"").count(), 1, "once, however often: {log}");
    assert!(!log.contains(&member(&first, "refresh_token")), "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn case_45_of_fifty_refreshes_at_once_one_lineage_goes_on() {
    let (world, app) = site().await;
    let other = world.another_node().await.listening();
    let mut browser = world.browser();
    for nodes in [&[&world][..], &[&world, &other]] {
        let mut present = token(&mut browser, &app, SCOPE).await;
        for _ in 0..2 {
            let form = [("grant_type", "refresh_token"), ("refresh_token", present.as_str())];
            let answers = at_once(nodes, 50, written(&app, &form).await).await;
            let mut next: Vec<String> = answers.iter().map(|answer| member(&answer.ok(), "refresh_token")).collect();
            next.dedup();
            assert_eq!(next.len(), 1, "all were given the same successor: {next:?}");
            assert_ne!(next[0], present);
            present = next.remove(0);
        }
        // Whoever lost the answer asks again, soon or late, and goes on.
        app.refreshes(&world, &present).await.ok();
        world.advance(Lifetime::minutes(2));
        let recovered = member(&app.refreshes(&other, &present).await.ok(), "refresh_token");
        app.refreshes(&world, &recovered).await.ok();
        app.refreshes(&other, &present).await.refused("invalid_grant");
    }
}

#[tokio::test]
async fn case_46_no_refresh_gets_more_than_was_granted_or_for_another_client() {
    let (world, app) = site().await;
    let thief = world.app("thief").await;
    let public = world.app_with("spa", |wanted| wanted.token_endpoint_auth_method = Some(AuthMethod::None)).await;
    world.resource("https://kb.example", "kb:read", |_| {}).await;
    let mut browser = world.browser();
    let mut present = token(&mut browser, &app, SCOPE).await;
    for scope in [
        "phone",
        "openid phone",
        "openid profile email offline_access phone",
        "kb:read",
        "kb:*",
        "org",
        "org:acme",
        "orgs",
        "OPENID",
        "openid\u{e9}",
        "openid \"email\"",
        "unheard_of",
    ] {
        refreshes_with(&world, &app, &present, &[("scope", scope)]).await.refused("invalid_scope");
    }
    for resource in ["https://kb.example", "https://nobody.example", "kb", "https://kb.example#x", "javascript:x"] {
        refreshes_with(&world, &app, &present, &[("resource", resource)]).await.refused("invalid_target");
    }
    let two = [("resource", ISSUER), ("resource", "https://kb.example")];
    refreshes_with(&world, &app, &present, &two).await.refused("invalid_target");
    thief.refreshes(&world, &present).await.refused("invalid_grant");
    public.refreshes(&world, &present).await.refused("invalid_grant");
    // The thief's own name beside somebody else's token, or the other way round.
    refreshes_with(&world, &thief, &present, &[("client_id", "thief")]).await.refused("invalid_grant");
    refreshes_with(&world, &thief, &present, &[("client_id", "wiki")]).await.refused("invalid_request");
    for narrow in ["openid", "email openid"] {
        let answer = refreshes_with(&world, &app, &present, &[("scope", narrow)]).await.ok();
        assert_eq!(
            (member(&answer, "scope").as_str(), &claims(&member(&answer, "access_token"))["scope"]),
            (narrow, &narrow.into())
        );
        present = member(&answer, "refresh_token");
    }
    let whole = app.refreshes(&world, &present).await.ok();
    assert_eq!(member(&whole, "scope"), SCOPE, "the grant is as it was");
}

#[tokio::test]
async fn case_47_what_ends_the_grant_ends_its_refresh_token() {
    let (world, app) = site().await;
    let (store, now) = (&world.server.store, world.now());
    let gone = world.app("gone").await;
    let disabled = world.app("disabled").await;
    let mut browser = world.browser();
    let sub = accounts::find_by_username(&mut store.read().await.unwrap(), "alice").await.unwrap().unwrap().sub;
    let account = async |browser: &mut Browser<'_>, fields: &[(&str, &str)]| {
        let csrf = field(&browser.get("/account").await.body, "csrf").expect("a signed-in page");
        let done = browser.post("/account", &[&[("csrf", csrf.as_str())], fields].concat()).await;
        let done = browser.follow(done).await;
        assert!(done.body.contains("role=\"status\""), "{fields:?}: {}", done.body);
    };

    // The session, of which one token is free and one is not.
    let (bound, free) = (token(&mut browser, &app, "openid").await, token(&mut browser, &app, SCOPE).await);
    let page = browser.get("/logout").await;
    browser.submits(&page, &[("action", "sign_out")]).await;
    app.refreshes(&world, &bound).await.refused("invalid_grant");
    let free = member(&app.refreshes(&world, &free).await.ok(), "refresh_token");

    // The consent.
    token(&mut browser, &app, SCOPE).await;
    account(&mut browser, &[("action", "end_access"), ("id", &app.id)]).await;
    app.refreshes(&world, &free).await.refused("invalid_grant");

    // The password.
    let (one, other) = (token(&mut browser, &app, SCOPE).await, token(&mut browser, &gone, SCOPE).await);
    let change = [("action", "change_password"), ("password", PASSWORD), ("new_password", PASSWORD)];
    account(&mut browser, &change).await;
    app.refreshes(&world, &one).await.refused("invalid_grant");
    gone.refreshes(&world, &other).await.refused("invalid_grant");

    // The user, the client, the client's being enabled; none of it comes back.
    let one = token(&mut browser, &app, SCOPE).await;
    accounts::disable(store, &sub, now).await.unwrap();
    app.refreshes(&world, &one).await.refused("invalid_grant");
    accounts::enable(store, &sub, now).await.unwrap();
    app.refreshes(&world, &one).await.refused("invalid_grant");
    let (one, other) = (token(&mut browser, &gone, SCOPE).await, token(&mut browser, &disabled, SCOPE).await);
    registration::delete(&world.server.registry, &gone.id, now).await.unwrap();
    registration::disable(&world.server.registry, &disabled.id, now).await.unwrap();
    gone.refreshes(&world, &one).await.refused("invalid_client");
    disabled.refreshes(&world, &other).await.refused("invalid_client");
    registration::enable(&world.server.registry, &disabled.id, now).await.unwrap();
    disabled.refreshes(&world, &other).await.refused("invalid_grant");
    let heir = world.app("gone").await;
    heir.refreshes(&world, &one).await.refused("invalid_grant");

    // Time, used or not.
    let idle = token(&mut browser, &app, SCOPE).await;
    let mut busy = token(&mut browser, &app, SCOPE).await;
    for _ in 0..8 {
        world.advance(Lifetime::days(11));
        busy = member(&app.refreshes(&world, &busy).await.ok(), "refresh_token");
    }
    app.refreshes(&world, &idle).await.refused("invalid_grant");
    world.advance(Lifetime::days(2));
    app.refreshes(&world, &busy).await.refused("invalid_grant");
}

#[tokio::test]
async fn case_48_a_token_of_another_kind_or_server_or_changed_in_one_letter_is_refused() {
    let (world, app) = site().await;
    let (there, app_there) = site_of_another().await;
    let mut browser = world.browser();
    let code = browser.code(&app, SCOPE, "alice").await;
    let tokens = app.redeems(&world, &code).await.ok();
    let (refresh, access) = (member(&tokens, "refresh_token"), member(&tokens, "access_token"));
    // As an access token; and everything else as a refresh token.
    let bearer = format!("Bearer {refresh}");
    let answer = world.post("/userinfo", &[("authorization", &bearer)], &[]).await;
    assert_eq!(answer.status, 401, "{answer:?}");
    assert!(answer.header("www-authenticate").contains("error=\"invalid_token\""), "{answer:?}");
    let unused = browser.code(&app, SCOPE, "alice").await;
    for other in [&access, &member(&tokens, "id_token"), &unused, &code, app.secret.as_ref().unwrap()] {
        app.refreshes(&world, other).await.refused("invalid_grant");
    }
    app.token(&world, &[("grant_type", "refresh_token"), ("code", &unused)]).await.refused("invalid_request");
    // Another server's, even under one master key.
    let mut abroad = there.browser();
    let foreign = token(&mut abroad, &app_there, SCOPE).await;
    app.refreshes(&world, &foreign).await.refused("invalid_grant");
    app_there.refreshes(&there, &refresh).await.refused("invalid_grant");
    for (at, letter) in refresh.char_indices() {
        let other = if letter == 'A' { 'B' } else { 'A' };
        let flipped = format!("{}{other}{}", &refresh[..at], &refresh[at + 1..]);
        app.refreshes(&world, &flipped).await.refused("invalid_grant");
        if at > 0 {
            app.refreshes(&world, &refresh[..at]).await.refused("invalid_grant");
        }
    }
    let higher = refresh.replacen(".0.", ".1.", 1);
    assert_ne!(higher, refresh);
    for other in [
        higher.as_str(),
        &refresh.replacen(".0.", ".00.", 1),
        &refresh.replacen(".0.", ".+0.", 1),
        &refresh.replacen(".0.", ".-1.", 1),
        &refresh.replacen("lkr_", "lkc_", 1),
        &format!("{refresh}="),
        &format!("{refresh} "),
        &format!(" {refresh}"),
        &format!("{refresh}.{refresh}"),
        &"x".repeat(60_000),
    ] {
        app.refreshes(&world, other).await.refused("invalid_grant");
    }
    let answer = app.refreshes(&world, &"x".repeat(1 << 20)).await;
    assert_eq!(answer.status, 413, "{answer:?}");
    app.refreshes(&world, &refresh).await.ok();
}

#[tokio::test]
async fn case_48_a_forged_token_costs_no_look_into_the_database() {
    for _ in 0..20 {
        let (world, app) = site().await;
        let good = token(&mut world.browser(), &app, SCOPE).await;
        let began = Instant::now();
        world.server.store.look_for_changes().await.unwrap();
        app.refreshes(&world, "lkr_x").await.refused("invalid_grant");
        world.server.store.close().await;
        let forged = app.refreshes(&world, &good.replacen(".0.", ".1.", 1)).await;
        let real = app.refreshes(&world, &good).await;
        // What is known of the client is believed for half a second; a machine that was slower proves nothing.
        if began.elapsed() < Duration::from_millis(400) {
            assert_eq!(real.status, 500, "there is no database any more: {real:?}");
            forged.refused("invalid_grant");
            return;
        }
    }
    panic!("never fast enough to tell");
}

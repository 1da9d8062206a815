//! What a request asks to be told, and how well, and of whom: `claims`, `acr_values`, `id_token_hint` (OIDC Core §3.1.2.1,
//! §5.5).

use latchkey::{
    accounts::{self, Changes},
    protocol::Lifetime,
};
use serde_json::{Value, json};

use crate::{
    authorize::asks,
    registration::{open, registers, told},
    world::{App, Browser, World, claims},
};

/// A user of whom something is known.
async fn alice(world: &World) -> String {
    let alice = world.user("alice").await;
    let Value::Object(known) = json!({ "nickname": "al", "name#ja": "アリス", "department": "Research" }) else {
        unreachable!()
    };
    let changes = Changes { claims: known, ..Changes::default() };
    accounts::update(&world.server.store, &alice, changes, world.now()).await.expect("an account");
    alice
}

/// What the ID token and userinfo say after a request with these parameters.
async fn hears(browser: &mut Browser<'_>, app: &App, more: &[(&str, &str)]) -> (Value, Value) {
    let world = browser.world;
    let answer = browser.goes_through(&asks(app, "openid", more), "alice").await;
    let tokens = app.redeems(world, &answer.param("code").expect("a code")).await.ok();
    let bearer = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
    let userinfo = world.post("/userinfo", &[("authorization", &bearer)], &[]).await.ok();
    (claims(tokens["id_token"].as_str().unwrap()), userinfo)
}

#[tokio::test]
async fn claims_come_where_they_were_asked_for_whatever_was_said_of_their_values() {
    let world = World::new().await;
    let alice = alice(&world).await;
    let app = world.app("wiki").await;
    let asked = json!({
        "id_token": {
            "nickname": { "essential": true }, "email": { "value": "somebody@else.example" },
            "birthdate": { "essential": true }, "auth_time": { "essential": true }, "name#ja": null,
        },
        "userinfo": {
            "department": { "values": ["Sales", "Research"], "unknown": 1 }, "phone_number": null, "nosuch": null,
            "iss": { "value": "https://evil.example" },
        },
    });
    let (id_token, userinfo) = hears(&mut world.browser(), &app, &[("claims", &asked.to_string())]).await;
    // OIDC Core §5.5.1: what is not known is left out, essential or not; what is known is as it is.
    assert_eq!((&id_token["nickname"], &id_token["name#ja"]), (&json!("al"), &json!("アリス")));
    assert_eq!(id_token["email"], "alice@example.com");
    assert_eq!(id_token["auth_time"], world.now().0);
    for absent in ["birthdate", "department", "phone_number", "name"] {
        assert!(id_token.get(absent).is_none(), "{absent}");
    }
    assert_eq!(userinfo, json!({ "sub": alice, "department": "Research" }));
}

#[tokio::test]
async fn languages_that_are_wished_for_are_no_error() {
    let world = World::new().await;
    alice(&world).await;
    let app = world.app("wiki").await;
    let more = [("claims_locales", "ja de-CH"), ("claims", r#"{"userinfo":{"nickname":null}}"#)];
    assert_eq!(hears(&mut world.browser(), &app, &more).await.1["nickname"], "al");
}

#[tokio::test]
async fn an_acr_that_is_wished_for_is_no_error_and_the_one_that_was_reached_is_told() {
    let world = open().await;
    alice(&world).await;
    let mut body = json!({ "redirect_uris": ["https://stranger.example/cb"] });
    body["default_acr_values"] = json!(["urn:mace:incommon:iap:silver", "urn:latchkey:acr:password"]);
    let registered = registers(&world, body).await.json();
    assert_eq!(registered["default_acr_values"][0], "urn:mace:incommon:iap:silver");
    let app = App {
        id: told(&registered, "client_id").to_owned(),
        secret: Some(told(&registered, "client_secret").to_owned()),
        redirect_uri: "https://stranger.example/cb".to_owned(),
    };
    let mut browser = world.browser();
    for more in [
        &[][..],
        &[("acr_values", "urn:latchkey:acr:password")],
        &[("acr_values", "urn:mace:incommon:iap:gold")],
        &[("claims", r#"{"id_token":{"acr":{"values":["urn:mace:incommon:iap:gold"]}}}"#)],
        &[("claims", r#"{"id_token":{"acr":{"essential":true}}}"#)],
    ] {
        assert_eq!(hears(&mut browser, &app, more).await.0["acr"], "urn:latchkey:acr:password", "{more:?}");
    }
    let bad = json!({ "redirect_uris": ["https://stranger.example/cb"], "default_acr_values": ["gold\nsilver"] });
    registers(&world, bad).await.refused("invalid_client_metadata");
}

#[tokio::test]
async fn whom_a_client_expects_is_heard_together_with_prompt_and_max_age() {
    let world = World::new().await;
    let (alice, bob) = (alice(&world).await, world.user("bob").await);
    let app = world.app("wiki").await;
    let mut browser = world.browser();
    let hint = |tokens: Value| tokens["id_token"].as_str().expect("an ID token").to_owned();
    let code = browser.code(&app, "openid", "alice").await;
    let of_alice = hint(app.redeems(&world, &code).await.ok());
    let code = world.browser().code(&app, "openid", "bob").await;
    let of_bob = hint(app.redeems(&world, &code).await.ok());
    world.advance(Lifetime::seconds(100));
    let values = |subs: &[&str]| json!({ "id_token": { "sub": { "values": subs } } }).to_string();
    let (either, neither) = (values(&[&bob, &alice]), values(&["usr_x", &bob]));
    for (more, expected) in [
        (&[("id_token_hint", of_alice.as_str()), ("prompt", "none")][..], "code"),
        (&[("id_token_hint", &of_alice), ("max_age", "100"), ("prompt", "none")], "code"),
        (&[("id_token_hint", &of_alice), ("max_age", "99"), ("prompt", "none")], "login_required"),
        (&[("id_token_hint", &of_alice), ("max_age", "99")], "page"),
        (&[("id_token_hint", &of_alice), ("prompt", "login")], "page"),
        (&[("id_token_hint", &of_bob), ("prompt", "none")], "login_required"),
        (&[("id_token_hint", &of_bob), ("max_age", "1000")], "page"),
        (&[("id_token_hint", &of_bob)], "page"),
        (&[("claims", &either), ("prompt", "none")], "code"),
        (&[("claims", &neither), ("prompt", "none")], "login_required"),
        (&[("claims", &neither)], "page"),
        (&[("claims", &either), ("id_token_hint", &of_alice), ("prompt", "none")], "code"),
        (&[("claims", &either), ("id_token_hint", &of_bob), ("prompt", "none")], "login_required"),
        (&[("claims", &neither), ("id_token_hint", &of_alice)], "invalid_request"),
        (&[("id_token_hint", "nonsense")], "invalid_request"),
    ] {
        let answer = browser.authorizes(&asks(&app, "openid", more)).await;
        let outcome = match answer.status.as_u16() {
            200 => "page".to_owned(),
            _ => answer.param("error").unwrap_or_else(|| "code".to_owned()),
        };
        let names: Vec<_> = more.iter().map(|(name, value)| format!("{name}={value:.12}")).collect();
        assert_eq!(outcome, expected, "{names:?}");
    }
    // Who is asked to sign in and is somebody else is not let through.
    let page = browser.authorizes(&asks(&app, "openid", &[("id_token_hint", &of_bob)])).await;
    let answer = browser.signs_in(&page, "alice").await;
    assert_eq!(answer.param("error").as_deref(), Some("login_required"));
}

//! The UserInfo endpoint.

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use latchkey::{
    accounts::{self, Changes},
    clients::AccessTokenFormat,
    protocol::{GrantType, Lifetime},
    store::browser_sessions,
};
use serde_json::{Value, json};

use crate::{
    approval::{approve, approve_in, approve_with},
    world::{Answer, ISSUER, World, encode},
};

const KB: &str = "https://kb.example";

pub(crate) async fn asks(world: &World, authorization: &str) -> Answer {
    let request = Request::get("/userinfo").header("authorization", authorization);
    world.send(request.body(Body::empty()).expect("a request")).await
}

async fn tells(world: &World, token: &str) -> Value {
    asks(world, &format!("Bearer {token}")).await.ok()
}

/// A token with these scopes for somebody of whom everything is known.
async fn token(world: &World, scope: &str) -> (String, String) {
    let (app, alice) = (world.app("app").await, world.user("alice").await);
    let Value::Object(claims) = json!({
        "name": "Alice Example", "given_name": "Alice", "family_name": "Example", "middle_name": "B.",
        "nickname": "al", "profile": "https://alice.example", "picture": "https://alice.example/me.png",
        "website": "https://alice.example/blog", "gender": "female", "birthdate": "1990-02-03",
        "zoneinfo": "Europe/Berlin", "locale": "de-DE", "phone_number": "+49 30 1234567",
        "phone_number_verified": true, "address": { "locality": "Berlin", "country": "DE" },
    }) else {
        unreachable!()
    };
    let changes = Changes { claims, ..Changes::default() };
    accounts::update(&world.server.store, &alice, changes, world.now()).await.expect("an account");
    let tokens = app.redeems(world, &approve(world, &app, &alice, scope).await.code).await.ok();
    (tokens["access_token"].as_str().unwrap().to_owned(), alice)
}

#[tokio::test]
async fn every_scope_brings_its_claims_rightly_typed() {
    let world = World::new().await;
    let (token, alice) = token(&world, "openid profile email address phone").await;
    let answer = asks(&world, &format!("bearer {token}")).await;
    let told = answer.ok();
    assert_eq!(told["sub"], alice);
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("cache-control"), "no-store");
    insta::assert_json_snapshot!("userinfo_with_every_scope", told, { ".sub" => "[sub]" });
}

#[tokio::test]
async fn without_scopes_only_the_subject_is_told() {
    let world = World::new().await;
    let (token, alice) = token(&world, "openid").await;
    assert_eq!(tells(&world, &token).await, json!({ "sub": alice }));
}

#[tokio::test]
async fn single_claims_come_where_they_were_asked_for() {
    let world = World::new().await;
    let (app, alice) = (world.app("app").await, world.user("alice").await);
    let approval = approve_with(&world, &app, &alice, "openid", |grant| {
        grant.claims =
            Some(r#"{"userinfo":{"name":{"essential":true},"nickname":null},"id_token":{"email":null}}"#.into());
    })
    .await;
    let tokens = app.redeems(&world, &approval.code).await.ok();
    let told = tells(&world, tokens["access_token"].as_str().unwrap()).await;
    assert_eq!(told, json!({ "sub": alice, "name": "alice Example" }));
}

#[tokio::test]
async fn a_token_bound_to_an_organisation_tells_the_role_of_today() {
    let world = World::new().await;
    world.resource(KB, "kb:read kb:delete", |_| {}).await;
    let (app, alice, bob) = (world.app("app").await, world.user("alice").await, world.user("bob").await);
    let acme = world.org("acme", &[(&alice, "owner"), (&bob, "owner")]).await;
    world.org("globex", &[(&bob, "owner"), (&alice, "viewer")]).await;
    let approval = approve_in(&world, &app, &alice, "openid org:acme orgs kb:read kb:delete", &acme, KB).await;
    let tokens = app.redeems(&world, &approval.code).await.ok();
    let token = tokens["access_token"].as_str().unwrap();
    insta::assert_json_snapshot!("userinfo_in_an_organisation", tells(&world, token).await, {
        ".sub" => "[sub]", ".org_id" => "[org]", ".role_id" => "[role]", ".organizations[].id" => "[org]",
    });
    latchkey::orgs::set_member_role(&world.server.store, &acme, &alice, "viewer", world.now()).await.unwrap();
    assert_eq!(tells(&world, token).await["permissions"], json!(["kb:read"]));
}

#[tokio::test]
async fn a_token_travels_in_the_header_or_the_form_and_not_in_the_url_or_twice() {
    let world = World::new().await;
    let (token, alice) = token(&world, "openid").await;
    let bearer = format!("Bearer {token}");
    let own = json!({ "sub": alice });
    assert_eq!(world.post("/userinfo", &[("authorization", &bearer)], &[]).await.ok(), own);
    assert_eq!(world.post("/userinfo", &[], &[("access_token", &token)]).await.ok(), own);
    let both = world.post("/userinfo", &[("authorization", &bearer)], &[("access_token", &token)]).await;
    assert_eq!(both.status, StatusCode::BAD_REQUEST);
    both.refused("invalid_request");
    let in_url = world.get(&format!("/userinfo?{}", encode(&[("access_token", &token)]))).await;
    assert_eq!(in_url.status, StatusCode::BAD_REQUEST);
    in_url.refused("invalid_request");
}

#[tokio::test]
async fn whoever_sends_no_token_is_asked_for_one() {
    let world = World::new().await;
    for answer in [world.get("/userinfo").await, asks(&world, "Basic eDp5").await] {
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        assert_eq!(answer.header("www-authenticate"), format!("Bearer realm=\"{ISSUER}\""));
    }
}

#[tokio::test]
async fn a_token_that_does_not_count_is_an_invalid_token() {
    let world = World::new().await;
    let (app, alice) = (world.app("app").await, world.user("alice").await);
    let approval = approve(&world, &app, &alice, "openid").await;
    let tokens = app.redeems(&world, &approval.code).await.ok();
    let (access, id_token) = (tokens["access_token"].as_str().unwrap(), tokens["id_token"].as_str().unwrap());
    let refresh = tokens["refresh_token"].as_str().unwrap();
    for bad in ["x", id_token, refresh, &access[..access.len() - 4], "lko_x"] {
        let answer = asks(&world, &format!("Bearer {bad}")).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{bad}");
        answer.refused("invalid_token");
        assert!(answer.header("www-authenticate").contains("error=\"invalid_token\""), "{:?}", answer.headers);
        assert_eq!(answer.header("access-control-allow-origin"), "*");
    }
    tells(&world, access).await;
    let mut tx = world.server.store.write().await.unwrap();
    browser_sessions::end(&mut tx, &approval.sid, world.now().0).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(asks(&world, &format!("Bearer {access}")).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_token_ends_to_the_second() {
    let world = World::new().await;
    let (token, _) = token(&world, "openid").await;
    world.advance(Lifetime::seconds(899));
    tells(&world, &token).await;
    world.advance(Lifetime::seconds(1));
    asks(&world, &format!("Bearer {token}")).await.refused("invalid_token");
}

#[tokio::test]
async fn a_token_for_another_api_or_without_a_user_opens_nothing() {
    let world = World::new().await;
    world.resource(KB, "kb:read", |api| api.gate = Some(latchkey::clients::Gate::Consent)).await;
    let (app, alice) = (world.app("app").await, world.user("alice").await);
    let foreign = approve_with(&world, &app, &alice, "kb:read", |grant| grant.resources = format!("[\"{KB}\"]")).await;
    let tokens = app.redeems(&world, &foreign.code).await.ok();
    asks(&world, &format!("Bearer {}", tokens["access_token"].as_str().unwrap())).await.refused("invalid_token");
    let bare = approve(&world, &app, &alice, "email").await;
    let tokens = app.redeems(&world, &bare.code).await.ok();
    let answer = asks(&world, &format!("Bearer {}", tokens["access_token"].as_str().unwrap())).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    answer.refused("insufficient_scope");
    assert!(answer.header("www-authenticate").contains("scope=\"openid\""), "{:?}", answer.headers);
    let robot = world.app_with("robot", |robot| robot.grant_types = Some(vec![GrantType::ClientCredentials])).await;
    let tokens = robot.token(&world, &[("grant_type", "client_credentials")]).await.ok();
    asks(&world, &format!("Bearer {}", tokens["access_token"].as_str().unwrap())).await.refused("insufficient_scope");
}

#[tokio::test]
async fn an_opaque_token_opens_it_too() {
    let world = World::new().await;
    world
        .resource(KB, "kb:read", |api| {
            api.gate = Some(latchkey::clients::Gate::Consent);
            api.access_token = Some(AccessTokenFormat::Opaque);
        })
        .await;
    let (app, alice) = (world.app("app").await, world.user("alice").await);
    let approval = approve_with(&world, &app, &alice, "openid email kb:read", |grant| {
        grant.resources = format!("[\"{KB}\",\"{ISSUER}\"]");
    })
    .await;
    let tokens = app.redeems(&world, &approval.code).await.ok();
    let token = tokens["access_token"].as_str().unwrap();
    assert!(token.starts_with("lko_"), "{token}");
    assert_eq!(tells(&world, token).await["email"], "alice@example.com");
}

#[tokio::test]
async fn a_change_of_the_account_is_told_at_once() {
    let world = World::new().await;
    let (token, alice) = token(&world, "openid email").await;
    assert_eq!(tells(&world, &token).await["email"], "alice@example.com");
    let changes = Changes { email: Some(Some("new@example.com".into())), ..Changes::default() };
    accounts::update(&world.server.store, &alice, changes, world.now()).await.unwrap();
    let told = tells(&world, &token).await;
    assert_eq!((&told["email"], &told["email_verified"]), (&json!("new@example.com"), &json!(false)));
}

#[tokio::test]
async fn a_browser_app_may_ask_first() {
    let world = World::new().await;
    let request = Request::options("/userinfo")
        .header("origin", "https://spa.example")
        .header("access-control-request-method", "GET")
        .header("access-control-request-headers", "authorization");
    let answer = world.send(request.body(Body::empty()).expect("a request")).await;
    assert!(answer.status.is_success(), "{}", answer.status);
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    assert!(answer.header("access-control-allow-headers").to_ascii_lowercase().contains("authorization"));
}

//! Introspection: what a token is worth right now, told to those it concerns.

use axum::http::StatusCode;
use latchkey::{
    clients::AccessTokenFormat,
    orgs,
    protocol::{AuthMethod, Lifetime},
};
use serde_json::json;

use crate::{
    approval::{approve, approve_in},
    world::{Answer, App, ISSUER, World},
};

const KB: &str = "https://kb.example";
const INACTIVE: &str = r#"{"active":false}"#;

async fn asks(world: &World, asker: &App, token: &str) -> Answer {
    asker.post(world, "/introspect", &[("token", token)]).await
}

async fn is_inactive(world: &World, asker: &App, token: &str) {
    let answer = asks(world, asker, token).await;
    assert_eq!((answer.status, answer.body.as_str()), (StatusCode::OK, INACTIVE), "{token}");
}

/// An API, the resource server behind it, an app, and a token of alice's for it.
async fn token_for_kb(world: &World, format: AccessTokenFormat) -> (App, App, String, String, String) {
    let rs = world.app("kb-server").await;
    world
        .resource(KB, "kb:read kb:delete", |api| {
            api.introspected_by = Some(vec![rs.id.clone()]);
            api.access_token = Some(format);
        })
        .await;
    let (app, alice, bob) = (world.app("app").await, world.user("alice").await, world.user("bob").await);
    let acme = world.org("acme", &[(&alice, "owner"), (&bob, "owner")]).await;
    let approval = approve_in(world, &app, &alice, "openid org:acme kb:read kb:delete", &acme, KB).await;
    let tokens = app.redeems(world, &approval.code).await.ok();
    (app, rs, tokens["access_token"].as_str().unwrap().to_owned(), alice, acme)
}

#[tokio::test]
async fn those_a_token_concerns_learn_what_it_says_and_all_others_nothing() {
    let world = World::new().await;
    for format in [AccessTokenFormat::Jwt, AccessTokenFormat::Opaque] {
        let world = if format == AccessTokenFormat::Jwt { &world } else { &World::new().await };
        let (app, rs, token, ..) = token_for_kb(world, format).await;
        let stranger = world.app("stranger").await;
        let told = asks(world, &app, &token).await;
        assert_eq!(told.header("cache-control"), "no-store");
        assert_eq!(told.ok(), asks(world, &rs, &token).await.ok());
        is_inactive(world, &stranger, &token).await;
        insta::assert_json_snapshot!(format!("introspection_of_an_access_token_{format}"), told.json(), {
            ".sub" => "[sub]", ".jti" => "[jti]", ".sid" => "[sid]", ".org_id" => "[org]", ".role_id" => "[role]",
        });
    }
}

#[tokio::test]
async fn whatever_is_no_live_token_is_the_same_nothing() {
    let world = World::new().await;
    let (app, alice) = (world.app("app").await, world.user("alice").await);
    let tokens = app.redeems(&world, &approve(&world, &app, &alice, "openid").await.code).await.ok();
    let (access, id_token) = (tokens["access_token"].as_str().unwrap(), tokens["id_token"].as_str().unwrap());
    assert_eq!(asks(&world, &app, access).await.ok()["active"], true);
    let (head, rest) = access.split_once('.').unwrap();
    let unsigned = format!("eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0.{}.", rest.split_once('.').unwrap().0);
    let cut = &access[..access.len() - 3];
    for nothing in ["x", "a.b.c", "lko_x", "lkr_x.0.x", id_token, &unsigned, cut, &format!("{head}.{rest}=")] {
        is_inactive(&world, &app, nothing).await;
    }
    world.advance(Lifetime::minutes(15));
    is_inactive(&world, &app, access).await;
}

#[tokio::test]
async fn a_role_that_is_lost_shows_at_once() {
    let world = World::new().await;
    let (_, rs, token, alice, acme) = token_for_kb(&world, AccessTokenFormat::Jwt).await;
    orgs::set_member_role(&world.server.store, &acme, &alice, "viewer", world.now()).await.unwrap();
    let told = asks(&world, &rs, &token).await.ok();
    assert_eq!(told["scope"], "openid org:acme kb:read");
    assert_eq!((&told["role"], &told["permissions"]), (&json!("viewer"), &json!(["kb:read"])));
    orgs::suspend_member(&world.server.store, &acme, &alice, world.now()).await.unwrap();
    is_inactive(&world, &rs, &token).await;
}

#[tokio::test]
async fn a_refresh_token_is_told_to_its_own_client_alone() {
    let world = World::new().await;
    let (app, other, alice) = (world.app("app").await, world.app("other").await, world.user("alice").await);
    let tokens = app.redeems(&world, &approve(&world, &app, &alice, "openid offline_access").await.code).await.ok();
    let token = tokens["refresh_token"].as_str().unwrap();
    let told = asks(&world, &app, token).await.ok();
    assert_eq!((&told["active"], &told["client_id"], &told["sub"]), (&json!(true), &json!("app"), &json!(alice)));
    is_inactive(&world, &other, token).await;
    let next = app.refreshes(&world, token).await.ok();
    app.refreshes(&world, next["refresh_token"].as_str().unwrap()).await.ok();
    is_inactive(&world, &app, token).await;
}

#[tokio::test]
async fn nobody_introspects_without_proving_who_they_are() {
    let world = World::new().await;
    let spa = world.app_with("spa", |app| app.token_endpoint_auth_method = Some(AuthMethod::None)).await;
    let unproven = world.post("/introspect", &[], &[("token", "x")]).await;
    assert_eq!(unproven.status, StatusCode::UNAUTHORIZED);
    unproven.refused("invalid_client");
    let public = asks(&world, &spa, "x").await;
    assert_eq!(public.status, StatusCode::UNAUTHORIZED);
    public.refused("invalid_client");
    let app = world.app("app").await;
    app.post(&world, "/introspect", &[]).await.refused("invalid_request");
}

#[tokio::test]
async fn a_token_of_another_server_is_nothing_here() {
    let (world, elsewhere) = (World::new().await, World::with_keys_of_its_own().await);
    let (app, other) = (world.app("app").await, elsewhere.app("app").await);
    let alice = elsewhere.user("alice").await;
    let tokens =
        other.redeems(&elsewhere, &approve(&elsewhere, &other, &alice, "openid offline_access").await.code).await.ok();
    is_inactive(&world, &app, tokens["access_token"].as_str().unwrap()).await;
    is_inactive(&world, &app, tokens["refresh_token"].as_str().unwrap()).await;
    assert_eq!(world.server.settings.issuer, ISSUER);
}

#[tokio::test]
async fn what_is_remembered_is_forgotten_as_soon_as_anything_changes_on_any_node() {
    let world = World::new().await;
    let node = world.another_node().await;
    let (app, rs, token, alice, acme) = token_for_kb(&world, AccessTokenFormat::Jwt).await;
    let scope = async |world: &World| {
        world.server.store.look_for_changes().await.expect("the database answers");
        asks(world, &rs, &token).await.ok()["scope"].clone()
    };
    for world in [&world, &node] {
        assert_eq!(scope(world).await, "openid org:acme kb:read kb:delete");
        assert_eq!(scope(world).await, "openid org:acme kb:read kb:delete");
    }
    orgs::set_member_role(&world.server.store, &acme, &alice, "viewer", world.now()).await.unwrap();
    // Here at the commit, there when the node next looks.
    assert_eq!(asks(&world, &rs, &token).await.ok()["scope"], "openid org:acme kb:read");
    assert_eq!(scope(&node).await, "openid org:acme kb:read");
    app.post(&world, "/revoke", &[("token", &token)]).await;
    is_inactive(&world, &rs, &token).await;
    node.server.store.look_for_changes().await.unwrap();
    is_inactive(&node, &rs, &token).await;
}

#[tokio::test]
async fn what_is_remembered_still_ends_by_the_clock() {
    let world = World::with(|settings| settings.tokens.access_token = Lifetime::hours(24)).await;
    let (app, alice) = (world.app("app").await, world.user("alice").await);
    let tokens = app.redeems(&world, &approve(&world, &app, &alice, "openid").await.code).await.ok();
    let token = tokens["access_token"].as_str().unwrap();
    world.server.store.look_for_changes().await.unwrap();
    assert_eq!(asks(&world, &app, token).await.ok()["active"], true);
    // The session it was given in ends after twelve idle hours, and the token with it.
    world.advance(Lifetime::hours(12));
    world.server.store.look_for_changes().await.unwrap();
    is_inactive(&world, &app, token).await;
}

//! Revocation (RFC 7009).

use axum::http::StatusCode;
use latchkey::{
    clients::AccessTokenFormat,
    protocol::{AuthMethod, GrantType},
};
use serde_json::Value;

use crate::{
    approval::approve,
    world::{App, World},
};

async fn tokens(world: &World, app: &App, sub: &str) -> (String, String) {
    let tokens = app.redeems(world, &approve(world, app, sub, "openid offline_access").await.code).await.ok();
    let text = |name: &str| tokens[name].as_str().unwrap().to_owned();
    (text("access_token"), text("refresh_token"))
}

async fn revokes(world: &World, app: &App, token: &str) {
    let answer = app.post(world, "/revoke", &[("token", token)]).await;
    assert_eq!((answer.status, answer.body.as_str()), (StatusCode::OK, ""));
    assert_eq!(answer.header("cache-control"), "no-store");
}

async fn is_active(world: &World, app: &App, token: &str) -> Value {
    app.post(world, "/introspect", &[("token", token)]).await.ok()["active"].clone()
}

#[tokio::test]
async fn a_refresh_token_takes_its_access_tokens_with_it() {
    let world = World::new().await;
    let (app, alice) = (world.app("app").await, world.user("alice").await);
    let (access, refresh) = tokens(&world, &app, &alice).await;
    revokes(&world, &app, &refresh).await;
    app.refreshes(&world, &refresh).await.refused("invalid_grant");
    assert_eq!(is_active(&world, &app, &access).await, false);
    revokes(&world, &app, &refresh).await;
}

#[tokio::test]
async fn an_older_refresh_token_of_the_family_revokes_it_too() {
    let world = World::new().await;
    let (app, alice) = (world.app("app").await, world.user("alice").await);
    let (_, refresh) = tokens(&world, &app, &alice).await;
    let next = app.refreshes(&world, &refresh).await.ok();
    revokes(&world, &app, &refresh).await;
    app.refreshes(&world, next["refresh_token"].as_str().unwrap()).await.refused("invalid_grant");
}

#[tokio::test]
async fn an_access_token_goes_alone() {
    let world = World::new().await;
    let (app, alice) = (world.app("app").await, world.user("alice").await);
    let (access, refresh) = tokens(&world, &app, &alice).await;
    assert_eq!(is_active(&world, &app, &access).await, true);
    let hinted = [("token", access.as_str()), ("token_type_hint", "refresh_token")];
    assert_eq!(app.post(&world, "/revoke", &hinted).await.status, StatusCode::OK);
    assert_eq!(is_active(&world, &app, &access).await, false);
    let next = app.refreshes(&world, &refresh).await.ok();
    assert_eq!(is_active(&world, &app, next["access_token"].as_str().unwrap()).await, true);
}

#[tokio::test]
async fn a_client_gives_back_what_it_got_for_itself() {
    let world = World::new().await;
    let kb = "https://kb.example";
    world.resource(kb, "kb:read", |api| api.access_token = Some(AccessTokenFormat::Opaque)).await;
    world.resource("https://wiki.example", "wiki:read", |_| {}).await;
    for scope in ["kb:read", "wiki:read"] {
        let robot = world
            .app_with(&scope.replace(':', "-"), |robot| {
                robot.grant_types = Some(vec![GrantType::ClientCredentials]);
                robot.scope = Some(scope.into());
            })
            .await;
        let tokens = robot.token(&world, &[("grant_type", "client_credentials")]).await.ok();
        let token = tokens["access_token"].as_str().unwrap();
        assert_eq!(is_active(&world, &robot, token).await, true);
        revokes(&world, &robot, token).await;
        assert_eq!(is_active(&world, &robot, token).await, false);
    }
}

#[tokio::test]
async fn another_clients_tokens_live_on_and_nobody_learns_that_they_exist() {
    let world = World::new().await;
    let (app, other, alice) = (world.app("app").await, world.app("other").await, world.user("alice").await);
    let (access, refresh) = tokens(&world, &app, &alice).await;
    for token in [access.as_str(), &refresh, "nobody's", "lkr_x.0.y", "a.b.c"] {
        revokes(&world, &other, token).await;
    }
    assert_eq!(is_active(&world, &app, &access).await, true);
    app.refreshes(&world, &refresh).await.ok();
}

#[tokio::test]
async fn a_public_client_gives_back_its_own_and_nobody_without_a_name() {
    let world = World::new().await;
    let spa = world.app_with("spa", |app| app.token_endpoint_auth_method = Some(AuthMethod::None)).await;
    let alice = world.user("alice").await;
    let (_, refresh) = tokens(&world, &spa, &alice).await;
    let unproven = world.post("/revoke", &[], &[("token", &refresh)]).await;
    assert_eq!(unproven.status, StatusCode::UNAUTHORIZED);
    unproven.refused("invalid_client");
    spa.post(&world, "/revoke", &[]).await.refused("invalid_request");
    revokes(&world, &spa, &refresh).await;
    spa.refreshes(&world, &refresh).await.refused("invalid_grant");
}

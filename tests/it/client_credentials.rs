//! The client credentials grant: a client acts for itself.

use latchkey::{
    clients::{AccessTokenFormat, registration},
    protocol::{AuthMethod, GrantType},
};

use crate::world::{Answer, App, ISSUER, World, claims};

const KB: &str = "https://kb.example";

async fn robot(world: &World) -> App {
    world.resource(KB, "kb:read kb:write", |_| {}).await;
    world.resource("https://wiki.example", "wiki:read", |_| {}).await;
    world
        .app_with("robot", |robot| {
            robot.grant_types = Some(vec![GrantType::ClientCredentials]);
            robot.scope = Some("openid offline_access profile org kb:* kb:read wiki:read".into());
        })
        .await
}

async fn acts(world: &World, robot: &App, more: &[(&str, &str)]) -> Answer {
    robot.token(world, &[&[("grant_type", "client_credentials")], more].concat()).await
}

#[tokio::test]
async fn a_client_acts_for_itself() {
    let world = World::new().await;
    let robot = robot(&world).await;
    let answer = acts(&world, &robot, &[("scope", "kb:read")]).await;
    let tokens = answer.ok();
    assert_eq!(answer.header("cache-control"), "no-store");
    assert!(tokens.get("refresh_token").is_none() && tokens.get("id_token").is_none(), "{tokens}");
    assert_eq!((&tokens["scope"], &tokens["expires_in"]), (&"kb:read".into(), &900.into()));
    let access = claims(tokens["access_token"].as_str().unwrap());
    assert_eq!(access["sub"], robot.id.as_str());
    insta::assert_json_snapshot!("access_token_of_a_client", access, { ".jti" => "[jti]" });
}

#[tokio::test]
async fn only_scopes_literally_registered_count_and_none_of_openid_connect() {
    let world = World::new().await;
    let robot = robot(&world).await;
    for refused in
        ["openid", "kb:read openid", "offline_access", "org", "org:acme", "kb:write", "kb:*", "*", "nothing", "\"x"]
    {
        acts(&world, &robot, &[("scope", refused)]).await.refused("invalid_scope");
    }
}

#[tokio::test]
async fn scopes_of_two_apis_need_a_resource() {
    let world = World::new().await;
    let robot = robot(&world).await;
    acts(&world, &robot, &[]).await.refused("invalid_scope");
    acts(&world, &robot, &[("scope", "kb:read wiki:read")]).await.refused("invalid_scope");
    let tokens = acts(&world, &robot, &[("resource", KB)]).await.ok();
    assert_eq!(tokens["scope"], "kb:read");
    assert_eq!(claims(tokens["access_token"].as_str().unwrap())["aud"], KB);
    acts(&world, &robot, &[("scope", "wiki:read"), ("resource", KB)]).await.refused("invalid_scope");
    for unknown in ["https://nobody.example", "kb", "https://kb.example#", "https://kb.example/"] {
        acts(&world, &robot, &[("resource", unknown)]).await.refused("invalid_target");
    }
}

#[tokio::test]
async fn no_token_for_another_api_is_one_for_the_servers_own() {
    let world = World::new().await;
    let robot = robot(&world).await;
    let tokens = acts(&world, &robot, &[("scope", "kb:read")]).await.ok();
    let aud = claims(tokens["access_token"].as_str().unwrap())["aud"].to_string();
    assert!(!aud.contains(ISSUER), "{aud}");
}

#[tokio::test]
async fn a_public_client_has_nothing_to_act_with() {
    let world = World::new().await;
    let spa = world.app_with("spa", |app| app.token_endpoint_auth_method = Some(AuthMethod::None)).await;
    acts(&world, &spa, &[]).await.refused("unauthorized_client");
}

#[tokio::test]
async fn an_api_that_asks_for_it_gets_a_reference() {
    let world = World::new().await;
    world.resource(KB, "kb:read", |api| api.access_token = Some(AccessTokenFormat::Opaque)).await;
    let robot = world.app_with("robot", |robot| {
        robot.grant_types = Some(vec![GrantType::ClientCredentials]);
        robot.scope = Some("kb:read".into());
    });
    let robot = robot.await;
    let tokens = acts(&world, &robot, &[]).await.ok();
    let token = tokens["access_token"].as_str().unwrap();
    assert!(token.starts_with("lko_"), "{token}");
    let told = robot.post(&world, "/introspect", &[("token", token)]).await.ok();
    assert_eq!((&told["active"], &told["aud"], &told["scope"]), (&true.into(), &KB.into(), &"kb:read".into()));
}

#[tokio::test]
async fn a_clients_tokens_end_when_it_is_disabled_and_do_not_come_back() {
    let world = World::new().await;
    let robot = robot(&world).await;
    let other = world.app("other").await;
    let tokens = acts(&world, &robot, &[("scope", "kb:read")]).await.ok();
    let token = tokens["access_token"].as_str().unwrap();
    assert_eq!(robot.post(&world, "/introspect", &[("token", token)]).await.ok()["active"], true);
    registration::disable(&world.server.registry, &robot.id, world.now()).await.unwrap();
    other.post(&world, "/introspect", &[("token", token)]).await.ok();
    acts(&world, &robot, &[("scope", "kb:read")]).await.refused("invalid_client");
    registration::enable(&world.server.registry, &robot.id, world.now()).await.unwrap();
    assert_eq!(robot.post(&world, "/introspect", &[("token", token)]).await.ok()["active"], false);
    acts(&world, &robot, &[("scope", "kb:read")]).await.ok();
}

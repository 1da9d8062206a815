//! The refresh token grant: one lineage, whatever is lost, repeated or stolen.

use latchkey::{
    accounts,
    clients::registration,
    orgs,
    protocol::{AuthMethod, GrantType, Lifetime},
    store::{browser_sessions, grants},
};
use serde_json::{Value, json};

use crate::{
    approval::{Approval, approve, approve_in, approve_with},
    world::{Answer, App, ISSUER, World, claims},
};

const KB: &str = "https://kb.example";

fn refresh_of(tokens: &Value) -> String {
    tokens["refresh_token"].as_str().expect("a refresh token").to_owned()
}

fn access_of(tokens: &Value) -> Value {
    claims(tokens["access_token"].as_str().expect("an access token"))
}

async fn first(world: &World, app: &App, approval: &Approval) -> String {
    refresh_of(&app.redeems(world, &approval.code).await.ok())
}

async fn refreshes_with(world: &World, app: &App, token: &str, more: &[(&str, &str)]) -> Answer {
    app.token(world, &[&[("grant_type", "refresh_token"), ("refresh_token", token)], more].concat()).await
}

#[tokio::test]
async fn a_refresh_gives_new_tokens_for_the_same_login() {
    let world = World::new().await;
    let (app, alice) = (world.app("app").await, world.user("alice").await);
    let before = app.redeems(&world, &approve(&world, &app, &alice, "openid offline_access").await.code).await.ok();
    world.advance(Lifetime::minutes(10));
    let answer = app.refreshes(&world, &refresh_of(&before)).await;
    let after = answer.ok();
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_ne!(refresh_of(&after), refresh_of(&before));
    let (old, new) = (claims(before["id_token"].as_str().unwrap()), claims(after["id_token"].as_str().unwrap()));
    for same in ["iss", "sub", "aud", "auth_time", "acr", "amr", "sid"] {
        assert_eq!(old[same], new[same], "{same}");
    }
    assert_eq!(new["iat"], world.now().0);
    assert!(new.get("nonce").is_none(), "{new}");
    assert_eq!(access_of(&after)["exp"], world.now().0 + 900);
    app.refreshes(&world, &refresh_of(&after)).await.ok();
}

#[tokio::test]
async fn a_repeat_within_ten_seconds_gets_the_identical_successor() {
    let world = World::new().await;
    let (app, alice) = (world.app("app").await, world.user("alice").await);
    let token = first(&world, &app, &approve(&world, &app, &alice, "openid offline_access").await).await;
    let once = refresh_of(&app.refreshes(&world, &token).await.ok());
    world.advance(Lifetime::seconds(10));
    let again = refresh_of(&app.refreshes(&world, &token).await.ok());
    assert_eq!(once, again);
    app.refreshes(&world, &again).await.ok();
}

#[tokio::test]
async fn a_lost_answer_signs_nobody_out_and_the_lost_token_is_worth_nothing() {
    let world = World::new().await;
    let (app, alice) = (world.app("app").await, world.user("alice").await);
    let token = first(&world, &app, &approve(&world, &app, &alice, "openid offline_access").await).await;
    let lost = refresh_of(&app.refreshes(&world, &token).await.ok());
    world.advance(Lifetime::minutes(5));
    let found = refresh_of(&app.refreshes(&world, &token).await.ok());
    assert_ne!(lost, found);
    // Whoever has the lost one is somebody else: nobody goes on.
    app.refreshes(&world, &lost).await.refused("invalid_grant");
    app.refreshes(&world, &found).await.refused("invalid_grant");
}

#[tokio::test]
async fn a_lost_answer_is_given_again_only_once() {
    let world = World::new().await;
    let (app, alice) = (world.app("app").await, world.user("alice").await);
    let token = first(&world, &app, &approve(&world, &app, &alice, "openid offline_access").await).await;
    for _ in 0..2 {
        app.refreshes(&world, &token).await.ok();
        world.advance(Lifetime::minutes(1));
    }
    app.refreshes(&world, &token).await.refused("invalid_grant");
}

#[tokio::test]
async fn a_token_that_comes_back_after_its_successor_was_used_ends_the_family() {
    let world = World::new().await;
    let (app, alice) = (world.app("app").await, world.user("alice").await);
    let stolen = first(&world, &app, &approve(&world, &app, &alice, "openid offline_access").await).await;
    let second = refresh_of(&app.refreshes(&world, &stolen).await.ok());
    let tokens = app.refreshes(&world, &second).await.ok();
    app.refreshes(&world, &stolen).await.refused("invalid_grant");
    app.refreshes(&world, &refresh_of(&tokens)).await.refused("invalid_grant");
    let told = app.post(&world, "/introspect", &[("token", tokens["access_token"].as_str().unwrap())]).await;
    assert_eq!(told.body, r#"{"active":false}"#);
}

#[tokio::test]
async fn a_refresh_token_is_of_no_use_to_another_client() {
    let world = World::new().await;
    let (app, thief, alice) = (world.app("app").await, world.app("thief").await, world.user("alice").await);
    let token = first(&world, &app, &approve(&world, &app, &alice, "openid offline_access").await).await;
    thief.refreshes(&world, &token).await.refused("invalid_grant");
    app.refreshes(&world, &token).await.ok();
}

#[tokio::test]
async fn a_forged_token_is_refused_without_the_database() {
    let world = World::new().await;
    let (app, alice) = (world.app("app").await, world.user("alice").await);
    let token = first(&world, &app, &approve(&world, &app, &alice, "openid offline_access").await).await;
    let (cut, long) = (&token[..token.len() - 1], "x".repeat(60_000));
    let flipped = token.replace(".0.", ".1.");
    for bad in [cut, &flipped, &long, "lkr_", "x"] {
        app.refreshes(&world, bad).await.refused("invalid_grant");
    }
    app.refreshes(&world, &token).await.ok();
}

#[tokio::test]
async fn a_narrower_scope_narrows_the_access_token_alone() {
    let world = World::new().await;
    let (app, alice) = (world.app("app").await, world.user("alice").await);
    let scope = "openid profile email offline_access";
    let token = first(&world, &app, &approve(&world, &app, &alice, scope).await).await;
    let narrow = refreshes_with(&world, &app, &token, &[("scope", "email openid")]).await.ok();
    assert_eq!(narrow["scope"], "email openid");
    assert_eq!(access_of(&narrow)["scope"], "email openid");
    let wide = app.refreshes(&world, &refresh_of(&narrow)).await.ok();
    assert_eq!(wide["scope"], scope);
    let token = refresh_of(&wide);
    for wider in ["openid phone", "kb:read", "org:acme", "no_such_scope"] {
        refreshes_with(&world, &app, &token, &[("scope", wider)]).await.refused("invalid_scope");
    }
    // A refused request costs nothing.
    app.refreshes(&world, &token).await.ok();
}

#[tokio::test]
async fn a_resource_narrows_the_audience_and_never_widens_it() {
    let world = World::new().await;
    world.resource(KB, "kb:read", |_| {}).await;
    world.resource("https://wiki.example", "wiki:read", |_| {}).await;
    let app = world
        .app_with("app", |app| {
            app.resources = Some(vec!["https://wiki.example".into()]);
        })
        .await;
    let alice = world.user("alice").await;
    let acme = world.org("acme", &[(&alice, "owner")]).await;
    let approval = approve_in(&world, &app, &alice, "org:acme kb:read offline_access openid", &acme, KB).await;
    let token = first(&world, &app, &approval).await;
    for foreign in ["https://wiki.example", "https://nobody.example", "kb", "https://kb.example#x"] {
        refreshes_with(&world, &app, &token, &[("resource", foreign)]).await.refused("invalid_target");
    }
    let own = refreshes_with(&world, &app, &token, &[("resource", ISSUER)]).await.ok();
    assert_eq!(access_of(&own)["aud"], ISSUER);
    assert_eq!(own["scope"], "org:acme offline_access openid");
    let kb = refreshes_with(&world, &app, &refresh_of(&own), &[("resource", KB)]).await.ok();
    assert_eq!(access_of(&kb)["aud"], json!([KB, ISSUER]));
}

#[tokio::test]
async fn without_offline_access_the_refresh_token_ends_with_the_session() {
    let world = World::new().await;
    let (app, alice) = (world.app("app").await, world.user("alice").await);
    let (bound, free) =
        (approve(&world, &app, &alice, "openid").await, approve(&world, &app, &alice, "openid offline_access").await);
    let (bound_token, free_token) = (first(&world, &app, &bound).await, first(&world, &app, &free).await);
    let bound_token = refresh_of(&app.refreshes(&world, &bound_token).await.ok());
    let mut tx = world.server.store.write().await.unwrap();
    browser_sessions::end(&mut tx, &bound.sid, world.now().0).await.unwrap();
    browser_sessions::end(&mut tx, &free.sid, world.now().0).await.unwrap();
    tx.commit().await.unwrap();
    app.refreshes(&world, &bound_token).await.refused("invalid_grant");
    app.refreshes(&world, &free_token).await.ok();
}

#[tokio::test]
async fn a_refresh_token_ends_when_nobody_uses_it_and_after_ninety_days_whatever_happens() {
    let world = World::new().await;
    let (app, alice) = (world.app("app").await, world.user("alice").await);
    let idle = first(&world, &app, &approve(&world, &app, &alice, "openid offline_access").await).await;
    let mut busy = first(&world, &app, &approve(&world, &app, &alice, "openid offline_access").await).await;
    for _ in 0..8 {
        world.advance(Lifetime::days(11));
        busy = refresh_of(&app.refreshes(&world, &busy).await.ok());
    }
    app.refreshes(&world, &idle).await.refused("invalid_grant");
    world.advance(Lifetime::days(2));
    app.refreshes(&world, &busy).await.refused("invalid_grant");
}

#[tokio::test]
async fn whatever_ends_a_grant_ends_its_refresh_token() {
    let world = World::new().await;
    let server = &world.server;
    let (app, other) = (world.app("app").await, world.app("other").await);
    let begin = async |app: &App, name: &str| {
        let sub = world.user(name).await;
        let token = first(&world, app, &approve(&world, app, &sub, "openid offline_access").await).await;
        (sub, token)
    };
    let (sub, token) = begin(&app, "a").await;
    accounts::disable(&server.store, &sub, world.now()).await.unwrap();
    app.refreshes(&world, &token).await.refused("invalid_grant");
    accounts::enable(&server.store, &sub, world.now()).await.unwrap();
    app.refreshes(&world, &token).await.refused("invalid_grant");

    let (sub, token) = begin(&app, "b").await;
    accounts::sign_out_everywhere(&server.store, &sub, world.now()).await.unwrap();
    app.refreshes(&world, &token).await.refused("invalid_grant");

    let (sub, token) = begin(&app, "c").await;
    accounts::delete(&server.store, &sub, world.now()).await.unwrap();
    app.refreshes(&world, &token).await.refused("invalid_grant");

    let (sub, token) = begin(&app, "d").await;
    let mut tx = server.store.write().await.unwrap();
    grants::end_of_client(&mut tx, &sub, &app.id, "unlinked", world.now().0).await.unwrap();
    tx.commit().await.unwrap();
    app.refreshes(&world, &token).await.refused("invalid_grant");

    let (_, token) = begin(&other, "e").await;
    registration::disable(&server.registry, &other.id, world.now()).await.unwrap();
    other.refreshes(&world, &token).await.refused("invalid_client");
    registration::enable(&server.registry, &other.id, world.now()).await.unwrap();
    other.refreshes(&world, &token).await.refused("invalid_grant");

    let (_, token) = begin(&app, "f").await;
    let mut tx = server.store.write().await.unwrap();
    latchkey::store::instance::raise_issuer_epoch(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    app.refreshes(&world, &token).await.refused("invalid_grant");
}

#[tokio::test]
async fn a_role_lost_acts_at_once_and_a_role_regained_returns() {
    let world = World::new().await;
    world.resource(KB, "kb:read kb:delete", |_| {}).await;
    let (app, alice, bob) = (world.app("app").await, world.user("alice").await, world.user("bob").await);
    let acme = world.org("acme", &[(&alice, "owner"), (&bob, "owner")]).await;
    let scope = "openid org:acme kb:read kb:delete offline_access";
    let mut token = first(&world, &app, &approve_in(&world, &app, &alice, scope, &acme, KB).await).await;
    for (role, permissions) in [("viewer", json!(["kb:read"])), ("owner", json!(["kb:read", "kb:delete"]))] {
        orgs::set_member_role(&world.server.store, &acme, &alice, role, world.now()).await.unwrap();
        let tokens = app.refreshes(&world, &token).await.ok();
        let access = access_of(&tokens);
        assert_eq!((&access["role"], &access["permissions"]), (&json!(role), &permissions));
        assert_eq!(claims(tokens["id_token"].as_str().unwrap())["permissions"], permissions);
        token = refresh_of(&tokens);
    }
    // A pattern asks for what was granted of it.
    let tokens = refreshes_with(&world, &app, &token, &[("scope", "org:acme kb:*")]).await.ok();
    assert_eq!(tokens["scope"], "org:acme kb:read kb:delete");
    token = refresh_of(&tokens);
    orgs::suspend_member(&world.server.store, &acme, &alice, world.now()).await.unwrap();
    app.refreshes(&world, &token).await.refused("invalid_grant");
}

#[tokio::test]
async fn a_suspended_organisation_stops_its_tokens() {
    let world = World::new().await;
    let (app, alice) = (world.app("app").await, world.user("alice").await);
    let acme = world.org("acme", &[(&alice, "owner")]).await;
    let approval = approve_in(&world, &app, &alice, "openid org:acme offline_access", &acme, ISSUER).await;
    let tokens = app.redeems(&world, &approval.code).await.ok();
    orgs::suspend(&world.server.store, &acme, world.now()).await.unwrap();
    app.refreshes(&world, &refresh_of(&tokens)).await.refused("invalid_grant");
    let told = app.post(&world, "/introspect", &[("token", tokens["access_token"].as_str().unwrap())]).await;
    assert_eq!(told.body, r#"{"active":false}"#);
}

#[tokio::test]
async fn a_scope_that_the_client_lost_is_gone_at_the_next_refresh() {
    let world = World::new().await;
    let (app, alice) = (world.app("app").await, world.user("alice").await);
    let token = first(&world, &app, &approve(&world, &app, &alice, "openid email offline_access").await).await;
    let wanted = registration::Wanted { scope: Some("openid offline_access".into()), ..Default::default() };
    registration::update(&world.server.registry, &app.id, wanted, world.now(), &world.server.random).await.unwrap();
    let tokens = app.refreshes(&world, &token).await.ok();
    assert_eq!(tokens["scope"], "openid offline_access");
}

#[tokio::test]
async fn a_public_client_refreshes_by_its_id_and_a_client_without_the_grant_does_not() {
    let world = World::new().await;
    let spa = world.app_with("spa", |app| app.token_endpoint_auth_method = Some(AuthMethod::None)).await;
    let alice = world.user("alice").await;
    let token = first(&world, &spa, &approve(&world, &spa, &alice, "openid offline_access").await).await;
    spa.refreshes(&world, &token).await.ok();
    let once = world.app_with("once", |app| app.grant_types = Some(vec![GrantType::AuthorizationCode])).await;
    let tokens = once.redeems(&world, &approve(&world, &once, &alice, "openid").await.code).await.ok();
    assert!(tokens.get("refresh_token").is_none());
    once.refreshes(&world, &token).await.refused("unauthorized_client");
}

#[tokio::test]
async fn a_code_that_was_never_exchanged_has_no_refresh_token() {
    let world = World::new().await;
    let (app, alice) = (world.app("app").await, world.user("alice").await);
    let approval = approve_with(&world, &app, &alice, "openid offline_access", |_| {}).await;
    let key = world.server.keyring.refresh_key();
    let guessed = latchkey::tokens::refresh_token::mint(&key, &approval.grant_id, 0);
    app.refreshes(&world, guessed.expose()).await.refused("invalid_grant");
    app.redeems(&world, &approval.code).await.ok();
}

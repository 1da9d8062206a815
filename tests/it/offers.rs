//! What an app is offered: what the page asks is what the app gets, today and later.

use latchkey::{
    clients::{AccessTokenFormat, Gate, resource},
    orgs,
};

use crate::{
    authorize::asks,
    world::{App, ISSUER, World, claims},
};

const KB: &str = "https://kb.example";

/// Alice, an editor of acme and a viewer of globex, and an app that wants to edit the knowledge base.
async fn two_organisations() -> (World, App, [String; 2]) {
    let world = World::new().await;
    let alice = world.user("alice").await;
    let acme = world.org("acme", &[(&alice, "editor")]).await;
    let globex = world.org("globex", &[(&alice, "viewer")]).await;
    world.resource(KB, "kb:read kb:update", |_| {}).await;
    let app = world.app("wiki").await;
    (world, app, [acme, globex])
}

#[tokio::test]
async fn an_organisation_where_the_role_gives_nothing_is_not_offered() {
    let (world, app, [acme, globex]) = two_organisations().await;
    let mut browser = world.browser();
    let page = browser.authorizes(&app.asks("kb:update")).await;
    let page = browser.signs_in(&page, "alice").await;
    assert!(page.body.contains("acme") && !page.body.contains("globex"), "{}", page.body);
    let answer = browser.submits(&page, &[("action", "allow"), ("org", &globex)]).await;
    let tokens = app.redeems(&world, &answer.param("code").expect("a code")).await.ok();
    assert_eq!(tokens["scope"], "kb:update");
    assert_eq!(told(&tokens)["org_slug"], "acme");

    // The role is lost after the consent: nothing is left to give, and the app hears it at once.
    let alice = told(&tokens)["sub"].as_str().unwrap().to_owned();
    orgs::set_member_role(&world.server.store, &acme, &alice, "viewer", world.now()).await.unwrap();
    let answer = browser.authorizes(&app.asks("kb:update")).await;
    assert_eq!(answer.param("error").as_deref(), Some("access_denied"), "{answer:?}");
    assert!(browser.authorizes(&app.asks("kb:read")).await.body.contains("globex"), "there both can be chosen");
}

#[tokio::test]
async fn a_refresh_token_is_told_to_be_good_for_what_it_is_good_for_today() {
    let (world, app, [acme, _]) = two_organisations().await;
    let mut browser = world.browser();
    let code = browser.code(&app, "kb:read kb:update org:acme offline_access", "alice").await;
    let tokens = app.redeems(&world, &code).await.ok();
    let refresh_token = tokens["refresh_token"].as_str().unwrap();
    let scope = async || app.post(&world, "/introspect", &[("token", refresh_token)]).await.ok();
    assert_eq!(scope().await["scope"], "org:acme offline_access kb:read kb:update");
    let alice = told(&tokens)["sub"].as_str().unwrap().to_owned();
    orgs::set_member_role(&world.server.store, &acme, &alice, "viewer", world.now()).await.unwrap();
    assert_eq!(scope().await["scope"], "org:acme offline_access kb:read");
}

#[tokio::test]
async fn a_scope_that_is_no_permission_is_given_where_an_api_lists_it_and_its_users_consent() {
    let world = World::new().await;
    world.user("alice").await;
    world.resource(KB, "search", |wanted| wanted.gate = Some(Gate::Consent)).await;
    let app = world.app_with("wiki", |wanted| wanted.scope = Some("openid search find".into())).await;
    let mut browser = world.browser();
    let page = browser.authorizes(&app.asks("openid search find")).await;
    let page = browser.signs_in(&page, "alice").await;
    assert!(page.body.contains("search") && page.body.contains("Knowledge base"), "{}", page.body);
    let answer = browser.allows(&page).await;
    let tokens = app.redeems(&world, &answer.param("code").expect("a code")).await.ok();
    assert_eq!(tokens["scope"], "openid search", "nobody lists `find`");
    assert_eq!(told(&tokens)["aud"], serde_json::json!([ISSUER, KB]));
}

#[tokio::test]
async fn the_tokens_of_an_api_that_is_gone_become_nobody_elses() {
    let world = World::new().await;
    world.user("alice").await;
    world.resource(KB, "kb:read", |wanted| wanted.gate = Some(Gate::Consent)).await;
    let app = world.app("wiki").await;
    let code = world.browser().code(&app, "kb:read offline_access", "alice").await;
    let tokens = app.redeems(&world, &code).await.ok();
    assert_eq!(told(&tokens)["aud"], KB);
    assert!(resource::delete(&world.server.registry, KB).await.unwrap());
    app.refreshes(&world, tokens["refresh_token"].as_str().unwrap()).await.refused("invalid_target");
}

#[tokio::test]
async fn an_api_gets_the_kind_of_token_that_it_reads_whatever_the_issuer_reads() {
    let world = World::new().await;
    world.user("alice").await;
    world.resource(KB, "kb:read", |wanted| wanted.gate = Some(Gate::Consent)).await;
    let opaque = resource::Wanted { access_token: Some(AccessTokenFormat::Opaque), ..resource::Wanted::default() };
    resource::update(&world.server.registry, ISSUER, &opaque, world.now()).await.unwrap();
    let app = world.app("wiki").await;
    let mut browser = world.browser();
    let code = browser.code(&app, "openid kb:read", "alice").await;
    let for_both = app.redeems(&world, &code).await.ok();
    assert_eq!(told(&for_both)["aud"], serde_json::json!([ISSUER, KB]));
    let code = browser.code(&app, "openid profile", "alice").await;
    let for_the_issuer = app.redeems(&world, &code).await.ok();
    assert!(for_the_issuer["access_token"].as_str().is_some_and(|token| !token.contains('.')), "{for_the_issuer}");
}

#[tokio::test]
async fn a_claim_that_is_not_known_yet_is_on_the_page_that_asks_for_it() {
    let world = World::new().await;
    world.user("alice").await;
    let app = world.app("wiki").await;
    let wish = r#"{"userinfo":{"department":null}}"#;
    let mut browser = world.browser();
    let page = browser.authorizes(&asks(&app, "openid", &[("claims", wish)])).await;
    let page = browser.signs_in(&page, "alice").await;
    assert!(page.body.contains("consent-allow") && page.body.contains("department"), "{}", page.body);
}

/// What an access token says.
#[track_caller]
fn told(tokens: &serde_json::Value) -> serde_json::Value {
    claims(tokens["access_token"].as_str().expect("an access token"))
}

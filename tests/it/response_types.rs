//! Everything that an authorization request may ask for but a code alone (OIDC Core §3.2, §3.3): for old clients, where the
//! operator and the client's registration both say so.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use latchkey::{
    clients::AccessTokenFormat,
    config::RegistrationMode,
    protocol::{Lifetime, ResponseType},
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::{
    authorize::asks,
    registration, userinfo,
    world::{Answer, App, Browser, ISSUER, World, claims, field},
};

/// A server that gives every response type, and an app that is registered for all of them.
async fn world() -> (World, App) {
    let world = World::with(|settings| settings.registration.response_types = ResponseType::ALL.to_vec()).await;
    world.user("alice").await;
    let app = app(&world, "old").await;
    (world, app)
}

async fn app(world: &World, id: &str) -> App {
    world
        .app_with(id, |wanted| {
            wanted.grant_types = None;
            wanted.response_types = Some(ResponseType::ALL.to_vec());
        })
        .await
}

/// What comes back for that response type, with the user signed in and agreed.
async fn comes_back(browser: &mut Browser<'_>, app: &App, response_type: &str, scope: &str) -> Answer {
    browser.goes_through(&asks(app, scope, &[("response_type", response_type)]), "alice").await
}

fn left_half(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(&Sha256::digest(text.as_bytes())[..16])
}

async fn userinfo(world: &World, token: &str) -> Answer {
    userinfo::asks(world, &format!("Bearer {token}")).await
}

#[tokio::test]
async fn every_response_type_brings_what_it_names_and_binds_it_in_the_id_token() {
    let (world, app) = world().await;
    let mut browser = world.browser();
    for response_type in
        ["id_token", "id_token token", "code id_token", "code token", "code id_token token", "token id_token"]
    {
        let answer = comes_back(&mut browser, &app, response_type, "openid email").await;
        assert!(answer.location().starts_with("https://old.example/cb#"), "{response_type}: {}", answer.location());
        let asked = |word: &str| response_type.split(' ').any(|own| own == word);
        let (code, token) = (answer.param("code"), answer.param("access_token"));
        assert_eq!(code.is_some(), asked("code"), "{response_type}");
        assert_eq!(token.is_some(), asked("token"), "{response_type}");
        assert_eq!(answer.param("id_token").is_some(), asked("id_token"), "{response_type}");
        assert_eq!(answer.param("state").as_deref(), Some("s-t-a-t-e"), "{response_type}");
        assert_eq!(answer.param("iss").as_deref(), Some(ISSUER), "{response_type}");
        if let Some(id_token) = answer.param("id_token") {
            let told = claims(&id_token);
            assert_eq!((&told["nonce"], &told["aud"]), (&json!("n-o-n-c-e"), &json!("old")), "{response_type}");
            assert_eq!(told["at_hash"], json!(token.as_deref().map(left_half)), "{response_type}");
            assert_eq!(told["c_hash"], json!(code.as_deref().map(left_half)), "{response_type}");
            assert_eq!(told["s_hash"], left_half("s-t-a-t-e"), "{response_type}");
            // OIDC Core §5.4: where nobody can ask userinfo, the ID token tells what the scopes stand for.
            let is_told = response_type == "id_token";
            assert_eq!(told["email"].is_string(), is_told, "{response_type}: {told}");
        }
        if let Some(token) = token {
            assert_eq!(answer.param("token_type").as_deref(), Some("Bearer"), "{response_type}");
            assert_eq!(answer.param("expires_in").as_deref(), Some("900"), "{response_type}");
            assert_eq!(answer.param("scope").as_deref(), Some("openid email"), "{response_type}");
            assert_eq!(userinfo(&world, &token).await.ok()["email"], "alice@example.com", "{response_type}");
        }
        if let Some(code) = code {
            let tokens = app.redeems(&world, &code).await.ok();
            let told = claims(tokens["id_token"].as_str().expect("an ID token"));
            assert_eq!(told["nonce"], "n-o-n-c-e", "{response_type}");
            assert!(told.get("c_hash").is_none() && told["email"].is_null(), "{response_type}: {told}");
        }
    }
}

#[tokio::test]
async fn who_exchanges_nothing_needs_no_grant_type() {
    let world = World::with(|settings| {
        settings.registration.mode = RegistrationMode::Open;
        settings.registration.response_types = ResponseType::ALL.to_vec();
    })
    .await;
    world.user("alice").await;
    for (response_types, grants) in [
        (json!(["none"]), json!([])),
        (json!(["id_token"]), json!(["implicit"])),
        (json!(["none", "id_token token"]), json!(["implicit"])),
        (json!(["code", "none"]), json!(["authorization_code"])),
    ] {
        let response_type = response_types[0].as_str().unwrap();
        for asked in [Some(json!([])), None, Some(grants.clone())] {
            let mut body = registration::with("response_types", response_types.clone());
            if let Some(grants) = &asked {
                body["grant_types"] = grants.clone();
            }
            let registered = registration::registers(&world, body).await.json();
            assert_eq!((&registered["grant_types"], &registered["response_types"]), (&grants, &response_types));
            let id = registration::told(&registered, "client_id").to_owned();
            let app = App { id, secret: None, redirect_uri: "https://stranger.example/cb".to_owned() };
            let answer = comes_back(&mut world.browser(), &app, response_type, "openid").await;
            assert_eq!(answer.param("error"), None, "{response_type}: {}", answer.location());
            assert_eq!(answer.param("id_token").is_some(), response_type == "id_token", "{}", answer.location());
        }
    }
    let own = world
        .app_with("own", |wanted| {
            wanted.grant_types = None;
            wanted.response_types = Some(vec![ResponseType::None]);
        })
        .await;
    let answer = comes_back(&mut world.browser(), &own, "none", "openid").await;
    assert_eq!((answer.param("error"), answer.param("state").as_deref()), (None, Some("s-t-a-t-e")));
    let mut without = registration::with("grant_types", json!([]));
    without["response_types"] = json!([]);
    let refused = registration::registers(&world, without).await.refused("invalid_client_metadata");
    assert!(registration::told(&refused, "error_description").contains("`grant_types`"), "{refused}");
}

#[tokio::test]
async fn none_brings_nothing_but_that_the_user_agrees() {
    let (world, app) = world().await;
    let mut browser = world.browser();
    let answer = comes_back(&mut browser, &app, "none", "openid").await;
    let begins = "https://old.example/cb?state=s-t-a-t-e&iss=http%3A%2F%2Flocalhost%3A8080&session_state=";
    assert!(answer.location().starts_with(begins), "{}", answer.location());
    for name in ["code", "id_token", "access_token"] {
        assert_eq!(answer.param(name), None, "{name}");
    }
    let silent = asks(&app, "openid", &[("response_type", "none"), ("prompt", "none")]);
    assert!(browser.authorizes(&silent).await.param("error").is_none());
    assert_eq!(world.browser().authorizes(&silent).await.param("error").as_deref(), Some("login_required"));
}

#[tokio::test]
async fn an_answer_that_holds_tokens_never_travels_in_a_query() {
    let (world, app) = world().await;
    let mut browser = world.browser();
    browser.goes_through(&app.asks("openid"), "alice").await;
    for response_type in ["id_token", "code token"] {
        let query = [("response_type", response_type), ("response_mode", "query")];
        let answer = browser.authorizes(&asks(&app, "openid", &query)).await;
        assert!(answer.location().starts_with("https://old.example/cb#error=invalid_request"), "{}", answer.location());
        let form = [("response_type", response_type), ("response_mode", "form_post")];
        let answer = browser.authorizes(&asks(&app, "openid", &form)).await;
        let name = if response_type == "id_token" { "id_token" } else { "access_token" };
        assert!(field(&answer.body, name).is_some_and(|token| token.contains('.')), "{}", answer.body);
        assert_eq!(field(&answer.body, "state").as_deref(), Some("s-t-a-t-e"));
    }
}

#[tokio::test]
async fn what_is_wrong_with_such_a_request_is_said_in_the_fragment() {
    let (world, app) = world().await;
    let plain = world.app("plain").await;
    for (app, change, expected) in [
        (&app, &[("response_type", "id_token"), ("nonce", "")][..], "invalid_request"),
        (&app, &[("response_type", "code id_token"), ("nonce", "")], "invalid_request"),
        (&app, &[("response_type", "id_token"), ("scope", "email")], "invalid_scope"),
        (&app, &[("response_type", "id_token"), ("prompt", "none")], "login_required"),
        (
            &app,
            &[("response_type", "code id_token"), ("code_challenge", ""), ("code_challenge_method", "")],
            "invalid_request",
        ),
        (&plain, &[("response_type", "id_token token")], "unauthorized_client"),
        (&app, &[("response_type", "token")], "unsupported_response_type"),
    ] {
        let answer = world.browser().authorizes(&asks(app, "openid", change)).await;
        let at = format!("https://{}.example/cb#error={expected}&", app.id);
        assert!(answer.location().starts_with(&at), "{change:?}: {}", answer.location());
    }
    let mut browser = world.browser();
    // A nonce is only for who is given an ID token at once, a challenge only for who is given a code.
    for change in [
        &[("response_type", "code token"), ("nonce", "")][..],
        &[("response_type", "id_token"), ("code_challenge", ""), ("code_challenge_method", "")],
    ] {
        let answer = browser.goes_through(&asks(&app, "openid", change), "alice").await;
        assert_eq!(answer.param("error"), None, "{change:?}");
    }
}

#[tokio::test]
async fn an_operator_who_has_not_opened_a_response_type_gives_it_to_nobody() {
    let (world, _) = world().await;
    let narrow = World::new().await;
    narrow.user("alice").await;
    // Registered while it was open, and closed since.
    let app = app(&narrow, "old").await;
    for response_type in ["id_token", "code id_token token", "none"] {
        let answer = comes_back(&mut narrow.browser(), &app, response_type, "openid").await;
        assert_eq!(answer.param("error").as_deref(), Some("unsupported_response_type"), "{response_type}");
    }
    let told = narrow.get("/.well-known/openid-configuration").await.ok();
    assert_eq!(told["response_types_supported"], json!(["code"]));
    assert_eq!(told["grant_types_supported"], json!(["authorization_code", "refresh_token", "client_credentials"]));
    let told = world.get("/.well-known/openid-configuration").await.ok();
    let all: Vec<&str> = ResponseType::ALL.iter().map(|own| own.as_str()).collect();
    assert_eq!(told["response_types_supported"], json!(all));
    assert!(told["grant_types_supported"].as_array().is_some_and(|all| all.contains(&json!("implicit"))));
}

#[tokio::test]
async fn the_token_endpoint_knows_no_implicit_grant() {
    let (world, app) = world().await;
    let refused = app.token(&world, &[("grant_type", "implicit"), ("scope", "openid")]).await;
    refused.refused("unsupported_grant_type");
    assert!(!refused.json()["error_description"].as_str().unwrap_or_default().contains("credentials, implicit"));
}

#[tokio::test]
async fn what_came_through_the_browser_ends_with_the_session_and_cannot_be_refreshed() {
    let (world, app) = world().await;
    let mut browser = world.browser();
    let answer = comes_back(&mut browser, &app, "code token", "openid offline_access").await;
    let (code, token) = (answer.param("code").expect("a code"), answer.param("access_token").expect("a token"));
    assert_eq!(answer.param("scope").as_deref(), Some("openid"), "nobody refreshes what comes through a browser");
    let refresh = app.redeems(&world, &code).await.ok()["refresh_token"].as_str().expect("a refresh token").to_owned();
    assert_eq!(userinfo(&world, &token).await.status, 200);
    let page = browser.get("/logout").await;
    browser.submits(&page, &[]).await;
    assert_eq!(userinfo(&world, &token).await.status, 401, "the session has ended");
    app.refreshes(&world, &refresh).await.ok();
    // OIDC Core §11: offline_access is no wish that an answer without code could fulfil.
    let answer = comes_back(&mut browser, &app, "id_token token", "openid offline_access").await;
    assert_eq!(answer.param("scope").as_deref(), Some("openid"));
}

#[tokio::test]
async fn a_token_from_the_browser_works_before_and_after_its_code_but_not_past_its_time() {
    let (world, app) = world().await;
    let answer = comes_back(&mut world.browser(), &app, "code token", "openid").await;
    let token = answer.param("access_token").expect("a token");
    world.advance(Lifetime::minutes(14));
    assert_eq!(userinfo(&world, &token).await.status, 200, "the code has long expired, the token not");
    world.advance(Lifetime::minutes(1));
    assert_eq!(userinfo(&world, &token).await.status, 401);
}

#[tokio::test]
async fn a_second_press_of_allow_is_answered_with_the_same_grants() {
    let (world, app) = world().await;
    let mut browser = world.browser();
    browser.goes_through(&app.asks("openid"), "alice").await;
    for response_type in ["code id_token token", "id_token token", "id_token", "none"] {
        let change = [("response_type", response_type), ("prompt", "consent")];
        let page = browser.authorizes(&asks(&app, "openid", &change)).await;
        let first = browser.submits_only(&page, &[("action", "allow")]).await;
        let second = browser.submits_only(&page, &[("action", "allow")]).await;
        assert!(first.location().starts_with("https://old.example/cb"), "{response_type}: {}", first.location());
        assert!(second.location().starts_with("https://old.example/cb"), "{response_type}: {}", second.location());
        assert_eq!(second.param("code"), first.param("code"), "{response_type}");
        let grant = |answer: &Answer| {
            let token = answer.param("access_token")?;
            claims(&token)["jti"].as_str()?.split_once('.').map(|(grant, _)| grant.to_owned())
        };
        assert_eq!(grant(&second), grant(&first), "{response_type}");
        assert_eq!(grant(&first).is_some(), response_type.ends_with(" token"), "{response_type}");
        // What was answered with a yes is not answered with a no afterwards.
        let denied = browser.submits(&page, &[("action", "deny")]).await;
        assert!(denied.body.contains("consent-allow"), "{response_type}: it is asked anew: {denied:?}");
        world.advance(Lifetime::minutes(1));
        let late = browser.submits(&page, &[("action", "allow")]).await;
        assert!(late.body.contains("consent-allow"), "{response_type}: past its time it is asked anew");
    }
}

#[tokio::test]
async fn an_opaque_access_token_from_the_browser_can_be_introspected() {
    let (world, app) = world().await;
    world
        .resource("https://kb.example", "kb:read", |wanted| {
            wanted.access_token = Some(AccessTokenFormat::Opaque);
            wanted.gate = Some(latchkey::clients::Gate::Consent);
        })
        .await;
    let mut browser = world.browser();
    let change = [("response_type", "code token"), ("prompt", "consent")];
    let mut page = browser.authorizes(&asks(&app, "kb:read", &change)).await;
    page = browser.signs_in(&page, "alice").await;
    let presses = [browser.submits_only(&page, &[("action", "allow")]).await];
    let again = browser.submits_only(&page, &[("action", "allow")]).await;
    for answer in presses.iter().chain([&again]) {
        let token = answer.param("access_token").expect("a token");
        assert!(!token.contains('.'), "opaque: {token}");
        let told = app.post(&world, "/introspect", &[("token", &token)]).await.ok();
        assert_eq!((&told["active"], &told["scope"]), (&json!(true), &json!("kb:read")));
    }
}

#[tokio::test]
async fn strangers_register_what_the_operator_has_opened() {
    let world = World::with(|settings| {
        settings.registration.mode = latchkey::config::RegistrationMode::Open;
        settings.registration.response_types =
            vec![ResponseType::Code, ResponseType::IdToken, ResponseType::CodeIdToken];
    })
    .await;
    let registers = async |types: Value, grants: Value, uri: &str| {
        let body = json!({ "redirect_uris": [uri], "response_types": types, "grant_types": grants });
        registration::registers(&world, body).await
    };
    let uri = "https://stranger.example/cb";
    let registered = registers(json!(["id_token code"]), json!(["authorization_code", "implicit"]), uri).await;
    assert_eq!(registered.status, 201, "{}", registered.body);
    assert_eq!(registered.json()["response_types"], json!(["code id_token"]));
    for (types, grants, uri, expected) in [
        (json!(["code token"]), json!(["authorization_code", "implicit"]), uri, "invalid_client_metadata"),
        (json!(["id_token"]), json!(["authorization_code"]), uri, "invalid_client_metadata"),
        (json!(["code"]), json!(["authorization_code", "implicit"]), uri, "invalid_client_metadata"),
        (json!(["id_token"]), json!(["implicit"]), "http://localhost/cb", "invalid_redirect_uri"),
    ] {
        let refused = registers(types.clone(), grants, uri).await;
        assert_eq!((refused.status.as_u16(), &refused.json()["error"]), (400, &json!(expected)), "{types}");
    }
}

//! What a client registers of itself, and what comes of it (OIDC Registration §2, RFC 7591, RFC 7592).

use axum::http::StatusCode;
use latchkey::protocol::Lifetime;
use serde_json::{Value, json};

use super::{
    checks,
    client::{self, KEY, OTHER_KEY},
    plans::Variant,
    play::{Play, each},
};
use crate::forms;

/// The same run with a client that has registered that as well.
pub(super) async fn registers(play: &mut Play<'_>, name: &str, value: Value) {
    let mut metadata = client::metadata(play.variant);
    metadata[name] = value;
    play.client.leaves(play.site).await;
    play.client = client::register(play.site, &metadata).await;
}

/// Play a module in which the sign-in page shows what was registered.
async fn shows(module: &str, member: &str, tag: &str, attribute: &str) {
    each(module, async |play| {
        let uri = format!("https://app.example/{member}.png");
        registers(play, member, uri.clone().into()).await;
        let page = play.browser.opens(&play.url_of(&play.asks("openid"))).await.here();
        assert!(page.has("login-submit"), "{page:?}");
        let mut tags = page.answer.body.split(tag).skip(1).filter_map(|rest| rest.split('>').next());
        assert!(tags.any(|tag| forms::attribute(tag, attribute).as_deref() == Some(uri.as_str())), "{page:?}");
        // A browser loads the logo only where the page's own policy says so.
        let policy = page.answer.header("content-security-policy");
        assert!(tag != "<img" || policy.contains("https://app.example"), "{policy}");
    })
    .await;
}

#[tokio::test]
async fn oidcc_registration_logo_uri() {
    shows("oidcc-registration-logo-uri", "logo_uri", "<img", "src").await;
}

#[tokio::test]
async fn oidcc_registration_policy_uri() {
    shows("oidcc-registration-policy-uri", "policy_uri", "<a", "href").await;
}

#[tokio::test]
async fn oidcc_registration_tos_uri() {
    shows("oidcc-registration-tos-uri", "tos_uri", "<a", "href").await;
}

/// The same run with a client that proves itself by keys of its own, kept at an address of its own.
async fn keeps_its_keys(play: &mut Play<'_>, uri: &str) {
    play.variant = Variant { auth: "private_key_jwt", ..play.variant };
    let mut metadata = client::metadata(play.variant);
    metadata.as_object_mut().expect("an object").remove("jwks");
    metadata["jwks_uri"] = uri.into();
    metadata["grant_types"].as_array_mut().expect("a list").push("refresh_token".into());
    play.client.leaves(play.site).await;
    play.client = client::register(play.site, &metadata).await;
}

#[tokio::test]
async fn oidcc_registration_jwks_uri() {
    each("oidcc-registration-jwks-uri", async |play| {
        let receiver = play.site.receiver();
        let uri = receiver.has("/jwks", "application/json", KEY.set().to_string());
        keeps_its_keys(play, &uri).await;
        play.succeeds(&play.asks("openid")).await;
        assert!(receiver.received().iter().all(|read| read.path == "/jwks"));
        assert!(!receiver.received().is_empty());
    })
    .await;
}

#[tokio::test]
async fn oidcc_refresh_token_rp_key_rotation() {
    each("oidcc-refresh-token-rp-key-rotation", async |play| {
        let receiver = play.site.receiver();
        let uri = receiver.has("/jwks", "application/json", KEY.set().to_string());
        keeps_its_keys(play, &uri).await;
        let request = play.asks("openid offline_access").with("prompt", "consent");
        let flow = play.succeeds(&request).await;
        let token = checks::text(flow.tokens.as_ref().expect("tokens"), "refresh_token");
        receiver.has("/jwks", "application/json", OTHER_KEY.set().to_string());
        play.site.world.advance(Lifetime::seconds(60));
        let fields = [("grant_type", "refresh_token"), ("refresh_token", token)];
        let audience = json!(play.site.at("token_endpoint"));
        let answer = play.client.asks_with(play.site, "token_endpoint", &fields, &OTHER_KEY, audience.clone()).await;
        let tokens = checks::tokens(&answer);
        // The key that was taken away counts for nothing.
        let token = tokens.get("refresh_token").and_then(Value::as_str).unwrap_or(token);
        let fields = [("grant_type", "refresh_token"), ("refresh_token", token)];
        let answer = play.client.asks_with(play.site, "token_endpoint", &fields, &KEY, audience).await;
        checks::refused(&answer, StatusCode::UNAUTHORIZED, "invalid_client");
    })
    .await;
}

#[tokio::test]
async fn oidcc_ensure_client_assertion_with_iss_aud_succeeds() {
    each("oidcc-ensure-client-assertion-with-iss-aud-succeeds", async |play| {
        play.variant = Variant { auth: "private_key_jwt", ..play.variant };
        super::core::with_client_of(play, play.variant).await;
        let params = play.is_answered(&play.asks("openid")).await;
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", params.get("code").expect("a code")),
            ("redirect_uri", client::CALLBACK),
        ];
        let audience = json!(play.site.issuer);
        checks::tokens(&play.client.asks_with(play.site, "token_endpoint", &fields, &KEY, audience).await);
    })
    .await;
}

#[tokio::test]
async fn oidcc_3rd_party_init_login() {
    each("oidcc-3rd_party-init-login", async |play| {
        let uri = "https://app.example/initiate_login";
        registers(play, "initiate_login_uri", uri.into()).await;
        assert_eq!(play.client.registered.as_ref().expect("it is registered")["initiate_login_uri"], uri);
        let read = play.client.looks_after(play.site, reqwest::Method::GET).await;
        let read = checks::json(&read, StatusCode::OK);
        assert_eq!((&read["initiate_login_uri"], &read["client_id"]), (&uri.into(), &play.client.id.clone().into()));
        play.succeeds(&play.asks("openid")).await;
    })
    .await;
}

#[tokio::test]
async fn oidcc_3rd_party_init_login_nohttps() {
    each("oidcc-3rd_party-init-login-nohttps", async |play| {
        let mut metadata = client::metadata(play.variant);
        metadata["initiate_login_uri"] = "http://app.example/initiate_login".into();
        let answer = client::asks_to_register(play.site, &metadata).await;
        checks::refused(&answer, StatusCode::BAD_REQUEST, "invalid_client_metadata");
    })
    .await;
}

/// A client that is to know its users by names of its sector's own (OIDC Core §8.1).
fn pairwise(play: &Play<'_>, sector: &str) -> Value {
    assert!(play.site.has("subject_types_supported", "pairwise"));
    let mut metadata = client::metadata(play.variant);
    metadata["subject_type"] = "pairwise".into();
    metadata["sector_identifier_uri"] = sector.into();
    metadata
}

#[tokio::test]
async fn oidcc_registration_sector_uri() {
    each("oidcc-registration-sector-uri", async |play| {
        let receiver = play.site.receiver();
        let sector = receiver.has("/redirect_uris.json", "application/json", json!([client::CALLBACK]).to_string());
        let public = play.succeeds(&play.asks("openid")).await;
        play.client.leaves(play.site).await;
        play.client = client::register(play.site, &pairwise(play, &sector)).await;
        assert_eq!(play.client.registered.as_ref().expect("it is registered")["sector_identifier_uri"], sector);
        assert_eq!(receiver.received().len(), 1);
        let own = play.succeeds(&play.asks("openid")).await;
        assert_ne!(own.claims["sub"], public.claims["sub"]);
    })
    .await;
}

#[tokio::test]
async fn oidcc_registration_sector_bad() {
    each("oidcc-registration-sector-bad", async |play| {
        let receiver = play.site.receiver();
        let others = json!(["https://app.example/another"]).to_string();
        let sector = receiver.has("/redirect_uris.json", "application/json", others);
        let answer = client::asks_to_register(play.site, &pairwise(play, &sector)).await;
        checks::refused(&answer, StatusCode::BAD_REQUEST, "invalid_client_metadata");
        assert_eq!(receiver.received().len(), 1);
    })
    .await;
}

//! The metadata that a client finds, for those who look closer than every module does, and the keys beside it.

use axum::http::StatusCode;
use latchkey::{
    keys::Mode,
    protocol::{Algorithm, Lifetime},
};
use serde_json::Value;

use super::{
    browser, checks, plans,
    play::{Play, each},
    site::Site,
};

/// The metadata of a server, asked for as its discovery says (OIDC Discovery §4); every endpoint is under TLS.
async fn site(module: &str) -> Site {
    assert!(!plans::variants(module).is_empty(), "no plan has {module}");
    let site = Site::new().await;
    let address = format!("{}/.well-known/openid-configuration", site.issuer);
    assert!(address.starts_with("https://"));
    let answer = browser::answer(site.http.get(address)).await;
    assert_eq!(checks::json(&answer, StatusCode::OK), site.metadata);
    checks::metadata(&site.metadata, &site.issuer);
    site
}

#[tokio::test]
async fn oidcc_discovery_endpoint_verification() {
    let site = site("oidcc-discovery-endpoint-verification").await;
    for response_type in plans::RESPONSE_TYPES {
        assert!(site.has("response_types_supported", response_type), "{response_type}");
    }
    for grant in ["authorization_code", "implicit", "refresh_token"] {
        assert!(site.has("grant_types_supported", grant), "{grant}");
    }
    for switch in ["claims_parameter_supported", "request_parameter_supported", "request_uri_parameter_supported"] {
        assert!(site.metadata[switch].is_boolean(), "{switch} is said");
    }
    for locale in checks::list(&site.metadata, "ui_locales_supported").expect("they are listed") {
        let tag: unic_langid::LanguageIdentifier = locale.parse().expect("a language tag");
        assert_eq!(tag.to_string(), locale, "in its canonical form");
    }
    assert!(site.has("code_challenge_methods_supported", "S256"));
    assert!(site.has("response_modes_supported", "form_post"));
}

#[tokio::test]
async fn oidcc_rp_initiated_logout_discovery_endpoint_verification() {
    let site = site("oidcc-rp-initiated-logout-discovery-endpoint-verification").await;
    checks::https(&site.at("end_session_endpoint"));
}

#[tokio::test]
async fn oidcc_session_management_discovery_endpoint_verification() {
    let site = site("oidcc-session-management-discovery-endpoint-verification").await;
    checks::https(&site.at("check_session_iframe"));
    checks::https(&site.at("end_session_endpoint"));
}

#[tokio::test]
async fn oidcc_frontchannel_logout_discovery_endpoint_verification() {
    let site = site("oidcc-frontchannel-logout-discovery-endpoint-verification").await;
    checks::https(&site.at("end_session_endpoint"));
    for name in ["frontchannel_logout_supported", "frontchannel_logout_session_supported"] {
        assert_eq!(site.metadata[name], true, "{name}");
    }
}

#[tokio::test]
async fn oidcc_backchannel_logout_discovery_endpoint_verification() {
    let site = site("oidcc-backchannel-logout-discovery-endpoint-verification").await;
    checks::https(&site.at("end_session_endpoint"));
    for name in ["backchannel_logout_supported", "backchannel_logout_session_supported"] {
        assert_eq!(site.metadata[name], true, "{name}");
    }
}

#[tokio::test]
async fn oidcc_server_rotate_keys() {
    each("oidcc-server-rotate-keys", async |play| {
        let before = play.site.jwks().await;
        let first = play.succeeds(&play.asks("openid")).await;
        let server = &play.site.world.server;
        play.site.world.advance(Lifetime::days(1));
        let now = play.site.world.now();
        server.keyring.rotate(&server.store, Algorithm::RS256, Mode::Now, now).await.expect("rotated");
        let after = play.site.jwks().await;
        assert!(names(&after).iter().any(|name| !names(&before).contains(name)), "no new key in {after}");
        let second = play.succeeds(&play.asks("openid")).await;
        assert_ne!(checks::header(&first.id_token)["kid"], checks::header(&second.id_token)["kid"]);
        is_gone_in_time(play, &checks::header(&first.id_token)["kid"]).await;
    })
    .await;
}

/// What the old key has signed is verified to the last; then it is not published any longer.
async fn is_gone_in_time(play: &Play<'_>, kid: &Value) {
    let server = &play.site.world.server;
    assert!(names(&play.site.jwks().await).contains(kid));
    play.site.world.advance(Lifetime::hours(1));
    server.keyring.rotate_if_due(&server.store, play.site.world.now()).await.expect("looked after");
    assert!(!names(&play.site.jwks().await).contains(kid));
}

fn names(jwks: &Value) -> Vec<Value> {
    jwks["keys"].as_array().into_iter().flatten().map(|key| key["kid"].clone()).collect()
}

//! Answers go where the client has registered that they may go, to the character, or nowhere.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::{
    checks,
    client::{self, CALLBACK},
    play::{Play, each},
};

/// The same run with a client of these redirect URIs.
async fn comes_back_to(play: &mut Play<'_>, redirect_uris: Value) {
    let mut metadata = client::metadata(play.variant);
    metadata["redirect_uris"] = redirect_uris;
    play.client.leaves(play.site).await;
    play.client = client::register(play.site, &metadata).await;
}

#[tokio::test]
async fn oidcc_ensure_registered_redirect_uri() {
    each("oidcc-ensure-registered-redirect-uri", async |play| {
        let other = format!("{CALLBACK}/{}", play.site.random(10));
        play.is_shown_an_error(&play.asks("openid").with("redirect_uri", other)).await;
    })
    .await;
}

#[tokio::test]
async fn oidcc_ensure_redirect_uri_in_authorization_request() {
    each("oidcc-ensure-redirect-uri-in-authorization-request", async |play| {
        comes_back_to(play, json!([CALLBACK, format!("{CALLBACK}2")])).await;
        play.is_shown_an_error(&play.asks("openid").without("redirect_uri")).await;
    })
    .await;
}

#[tokio::test]
async fn oidcc_redirect_uri_query_ok() {
    each("oidcc-redirect-uri-query-OK", async |play| {
        let own = format!("{CALLBACK}?foo=bar");
        comes_back_to(play, json!([own])).await;
        play.succeeds(&play.asks("openid").with("redirect_uri", own)).await;
    })
    .await;
}

#[tokio::test]
async fn oidcc_redirect_uri_query_mismatch() {
    each("oidcc-redirect-uri-query-mismatch", async |play| {
        comes_back_to(play, json!([format!("{CALLBACK}?foo=bar")])).await;
        for other in [format!("{CALLBACK}?bar=foo"), format!("{CALLBACK}?foo=bar&bar=foo"), CALLBACK.to_owned()] {
            play.is_shown_an_error(&play.asks("openid").with("redirect_uri", other)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn oidcc_redirect_uri_query_added() {
    each("oidcc-redirect-uri-query-added", async |play| {
        play.is_shown_an_error(&play.asks("openid").with("redirect_uri", format!("{CALLBACK}?foo=bar"))).await;
    })
    .await;
}

#[tokio::test]
async fn oidcc_redirect_uri_regfrag() {
    each("oidcc-redirect-uri-regfrag", async |play| {
        let mut metadata = client::metadata(play.variant);
        metadata["redirect_uris"] = json!([format!("{CALLBACK}#foo=bar")]);
        let told = checks::json(&client::asks_to_register(play.site, &metadata).await, StatusCode::BAD_REQUEST);
        let error = checks::text(&told, "error");
        assert!(["invalid_redirect_uri", "invalid_client_metadata"].contains(&error), "{told}");
    })
    .await;
}

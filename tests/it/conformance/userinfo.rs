//! Userinfo, asked in each of the ways there are.

use axum::http::StatusCode;

use super::{
    browser, checks, client,
    play::{Flow, Play, each},
};
use crate::world::encode;

const FORM: &str = "application/x-www-form-urlencoded";

fn token(flow: &Flow) -> &str {
    flow.access_token.as_deref().expect("an access token")
}

/// That userinfo answers as the ID token does.
async fn tells(flow: &Flow, request: reqwest::RequestBuilder) {
    let told = checks::json(&browser::answer(request).await, StatusCode::OK);
    checks::typed(&told);
    assert_eq!(told["sub"], flow.claims["sub"]);
    assert!(told["name"].is_string() && told["email_verified"].is_boolean(), "{told}");
}

fn scope(play: &Play<'_>) -> super::play::Request {
    play.asks("openid profile email address phone")
}

#[tokio::test]
async fn oidcc_userinfo_get() {
    each("oidcc-userinfo-get", async |play| {
        let flow = play.succeeds(&scope(play)).await;
        let request = play.site.http.get(play.site.at("userinfo_endpoint"));
        tells(&flow, request.bearer_auth(token(&flow))).await;
    })
    .await;
}

#[tokio::test]
async fn oidcc_userinfo_post_header() {
    each("oidcc-userinfo-post-header", async |play| {
        let flow = play.succeeds(&scope(play)).await;
        let request = play.site.http.post(play.site.at("userinfo_endpoint"));
        tells(&flow, request.header("content-type", FORM).body("").bearer_auth(token(&flow))).await;
    })
    .await;
}

#[tokio::test]
async fn oidcc_userinfo_post_body() {
    each("oidcc-userinfo-post-body", async |play| {
        let flow = play.succeeds(&scope(play)).await;
        let request = play.site.http.post(play.site.at("userinfo_endpoint"));
        let body = encode(&[("access_token", token(&flow))]);
        tells(&flow, request.header("content-type", FORM).body(body)).await;
    })
    .await;
}

#[tokio::test]
async fn oidcc_userinfo_rs256() {
    each("oidcc-userinfo-rs256", async |play| {
        assert!(play.site.has("userinfo_signing_alg_values_supported", "RS256"));
        // What it is told is no JSON from here on; what comes beside it is what it is for the client before.
        let sub = play.succeeds(&play.asks("openid")).await.claims["sub"].clone();
        let mut metadata = client::metadata(play.variant);
        metadata["userinfo_signed_response_alg"] = "RS256".into();
        play.client.leaves(play.site).await;
        play.client = client::register(play.site, &metadata).await;
        let params = play.is_answered(&play.asks("openid profile")).await;
        let access_token = match (params.get("access_token"), params.get("code")) {
            (Some(token), _) => token.to_owned(),
            (None, code) => {
                let tokens = checks::tokens(&play.redeems(code.expect("a code"), None).await);
                checks::text(&tokens, "access_token").to_owned()
            }
        };
        let request = play.site.http.get(play.site.at("userinfo_endpoint")).bearer_auth(access_token);
        let answer = browser::answer(request).await;
        assert_eq!((answer.status, answer.header("content-type")), (StatusCode::OK, "application/jwt"), "{answer:?}");
        let told = checks::signed(&answer.body, &play.site.jwks().await);
        assert_eq!((&told["iss"], &told["aud"]), (&play.site.issuer.clone().into(), &play.client.id.clone().into()));
        assert_eq!(told["sub"], sub);
        assert!(told["name"].is_string() && told.get("nonce").is_none(), "{told}");
        checks::typed(&told);
    })
    .await;
}

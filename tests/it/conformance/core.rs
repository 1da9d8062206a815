//! Ordinary requests, those in which something is missing, and ID tokens.

use axum::http::StatusCode;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

use super::{
    checks::{self, Expected},
    client::{self, Client},
    plans::{self, Variant},
    play::{Play, each, each_at, is_error_page},
    site::Site,
};

#[tokio::test]
async fn oidcc_server() {
    each("oidcc-server", async |play| {
        let flow = play.succeeds(&play.asks("openid")).await;
        checks::tells_of_the_sign_in_alone(&flow.claims);
        assert_eq!((play.asked_to_sign_in, play.asked_to_allow), (1, 1));
    })
    .await;
}

#[tokio::test]
async fn oidcc_server_client_secret_post() {
    each("oidcc-server-client-secret-post", async |play| {
        let variant = Variant { auth: "client_secret_post", ..play.variant };
        with_client_of(play, variant).await;
        play.succeeds(&play.asks("openid")).await;
    })
    .await;
}

/// The same run with another client.
pub(super) async fn with_client_of(play: &mut Play<'_>, variant: Variant) {
    play.client.leaves(play.site).await;
    play.client = Client::of(play.site, variant).await;
}

#[tokio::test]
async fn oidcc_alternate_happy_flow() {
    each("oidcc-alternate-happy-flow", async |play| {
        let mut request = play.asks("phone address email profile openid");
        request.0.reverse();
        let flow = play.succeeds(&request).await;
        if flow.access_token.is_some() {
            checks::tells_of_the_sign_in_alone(&flow.claims);
        }
    })
    .await;
}

#[tokio::test]
async fn oidcc_response_type_missing() {
    each("oidcc-response-type-missing", async |play| {
        let request = play.asks("openid").without("response_type");
        let visit = play.sends(&request).await;
        match visit {
            super::browser::Visit::Here(page) => is_error_page(&page, "Authorization error"),
            sent => play.is_told_no(&request, sent, &["unsupported_response_type", "invalid_request"]),
        }
    })
    .await;
}

#[tokio::test]
async fn oidcc_idtoken_signature() {
    each("oidcc-idtoken-signature", async |play| {
        let flow = play.succeeds(&play.asks("openid")).await;
        is_signed_by_one_key(play, &flow.id_token).await;
    })
    .await;
}

#[tokio::test]
async fn oidcc_idtoken_rs256() {
    each("oidcc-idtoken-rs256", async |play| {
        let mut metadata = client::metadata(play.variant);
        metadata["id_token_signed_response_alg"] = "RS256".into();
        let own = client::register(play.site, &metadata).await;
        assert_eq!(own.registered.as_ref().expect("it is registered")["id_token_signed_response_alg"], "RS256");
        play.client.leaves(play.site).await;
        play.client = own;
        let flow = play.succeeds(&play.asks("openid")).await;
        is_signed_by_one_key(play, &flow.id_token).await;
    })
    .await;
}

async fn is_signed_by_one_key(play: &Play<'_>, token: &str) {
    let (header, jwks) = (checks::header(token), play.site.jwks().await);
    assert_eq!(header["alg"], "RS256", "{header}");
    let named = jwks["keys"].as_array().into_iter().flatten().filter(|key| key["kid"] == header["kid"]);
    assert_eq!(named.count(), 1, "{header}");
}

#[tokio::test]
async fn oidcc_ensure_request_without_nonce_succeeds_for_code_flow() {
    each("oidcc-ensure-request-without-nonce-succeeds-for-code-flow", async |play| {
        let flow = play.succeeds(&play.asks("openid").without("nonce")).await;
        assert!(flow.claims.get("nonce").is_none(), "{}", flow.claims);
    })
    .await;
}

#[tokio::test]
async fn oidcc_ensure_request_without_nonce_fails() {
    each("oidcc-ensure-request-without-nonce-fails", async |play| {
        play.is_refused(&play.asks("openid").without("nonce"), &["invalid_request"]).await;
    })
    .await;
}

#[tokio::test]
async fn oidcc_ensure_post_request_succeeds() {
    each("oidcc-ensure-post-request-succeeds", async |play| {
        let request = play.asks("openid");
        let endpoint = play.site.at("authorization_endpoint");
        for times_asked in [1, 1] {
            let visit = play.browser.posts(&endpoint, &request.encoded()).await;
            let visit = play.goes_through(visit).await;
            play.gets(&request, visit).await;
            // The second time the user is known, though no cookie came with the form.
            assert_eq!(play.asked_to_sign_in, times_asked);
        }
    })
    .await;
}

#[tokio::test]
async fn oidcc_ensure_request_with_unknown_parameter_succeeds() {
    each("oidcc-ensure-request-with-unknown-parameter-succeeds", async |play| {
        play.succeeds(&play.asks("openid").with("extra", "foobar")).await;
    })
    .await;
}

#[tokio::test]
async fn oidcc_ensure_request_with_valid_pkce_succeeds() {
    each("oidcc-ensure-request-with-valid-pkce-succeeds", async |play| {
        let verifier = play.site.random(64);
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(&verifier));
        let request = play.asks("openid").with("code_challenge", challenge).with("code_challenge_method", "S256");
        play.verifier = Some(verifier);
        play.succeeds(&request).await;
        // It was looked at.
        if play.variant.gives("code") {
            play.verifier = Some(play.site.random(64));
            let params = play.is_answered(&request).await;
            let answer = play.redeems(params.get("code").expect("a code"), None).await;
            checks::refused(&answer, StatusCode::BAD_REQUEST, "invalid_grant");
        }
    })
    .await;
}

#[tokio::test]
async fn oidcc_idtoken_unsigned() {
    let site = Site::with(|settings| settings.registration.allow_unsigned = true).await;
    assert!(site.has("id_token_signing_alg_values_supported", "none"));
    each_at(&site, "oidcc-idtoken-unsigned", async |play| {
        let mut metadata = client::metadata(play.variant);
        metadata["id_token_signed_response_alg"] = "none".into();
        play.client.leaves(play.site).await;
        play.client = client::register(play.site, &metadata).await;
        let request = play.asks("openid");
        let params = play.is_answered(&request).await;
        let tokens = checks::tokens(&play.redeems(params.get("code").expect("a code"), None).await);
        let jwks = play.site.jwks().await;
        let access_token = checks::text(&tokens, "access_token");
        let expected = Expected { access_token: Some(access_token), ..play.expected(&request, &jwks) };
        let claims = checks::unsigned_id_token(checks::text(&tokens, "id_token"), expected);
        assert_eq!(play.is_told(access_token).await["sub"], claims["sub"]);
    })
    .await;
    // Where the operator does not say so, there is none.
    let site = Site::new().await;
    assert!(!site.has("id_token_signing_alg_values_supported", "none"));
    let mut metadata = client::metadata(plans::variants("oidcc-idtoken-unsigned")[0]);
    metadata["id_token_signed_response_alg"] = "none".into();
    let answer = client::asks_to_register(&site, &metadata).await;
    checks::refused(&answer, StatusCode::BAD_REQUEST, "invalid_client_metadata");
}

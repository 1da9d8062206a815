//! What becomes of codes that come twice, and of refresh tokens.

use axum::http::StatusCode;
use latchkey::protocol::Lifetime;
use serde_json::Value;

use super::{
    browser, checks,
    client::{self, Client},
    plans::Registration,
    play::{Flow, Play, each},
};

#[tokio::test]
async fn oidcc_codereuse() {
    each("oidcc-codereuse", async |play| {
        let flow = play.succeeds(&play.asks("openid")).await;
        is_refused_again(play, &flow).await;
    })
    .await;
}

#[tokio::test]
async fn oidcc_codereuse_30seconds() {
    each("oidcc-codereuse-30seconds", async |play| {
        let flow = play.succeeds(&play.asks("openid")).await;
        play.site.world.advance(Lifetime::seconds(30));
        is_refused_again(play, &flow).await;
        // RFC 6749 §4.1.2: whoever has the code may have the tokens.
        let token = flow.access_token.as_deref().expect("an access token");
        let request = play.site.http.get(play.site.at("userinfo_endpoint")).bearer_auth(token);
        let answer = browser::answer(request).await;
        assert!(answer.status.is_client_error(), "{answer:?}");
    })
    .await;
}

async fn is_refused_again(play: &Play<'_>, flow: &Flow) {
    let answer = play.redeems(flow.params.get("code").expect("a code"), None).await;
    checks::refused(&answer, StatusCode::BAD_REQUEST, "invalid_grant");
}

/// The same run with a client that asks for refresh tokens.
async fn may_refresh(play: &mut Play<'_>) {
    if play.variant.registration == Registration::Dynamic {
        play.client.leaves(play.site).await;
        play.client = client::register(play.site, &refreshing(play)).await;
    }
}

fn refreshing(play: &Play<'_>) -> Value {
    let mut metadata = client::metadata(play.variant);
    metadata["grant_types"].as_array_mut().expect("a list").push("refresh_token".into());
    metadata
}

async fn other_client(play: &Play<'_>) -> Client {
    match play.variant.registration {
        Registration::Dynamic => client::register(play.site, &refreshing(play)).await,
        _ => client::create(play.site, play.variant, |_| {}).await,
    }
}

#[tokio::test]
async fn oidcc_refresh_token() {
    each("oidcc-refresh-token", async |play| {
        may_refresh(play).await;
        assert!(play.site.has("scopes_supported", "offline_access"));
        assert!(play.site.has("grant_types_supported", "refresh_token"));
        let request = play.asks("openid offline_access").with("prompt", "consent");
        let flow = play.succeeds(&request).await;
        play.site.world.advance(Lifetime::seconds(5));
        let token = checks::text(flow.tokens.as_ref().expect("tokens"), "refresh_token").to_owned();
        let refreshed = is_refreshed(play, &flow, &token).await;
        let token = refreshed.get("refresh_token").and_then(Value::as_str).unwrap_or(&token).to_owned();
        // A refresh token is its client's alone, and somebody else's try does it no harm.
        let other = other_client(play).await;
        let fields = [("grant_type", "refresh_token"), ("refresh_token", token.as_str())];
        let stolen = other.asks(play.site, "token_endpoint", &fields).await;
        checks::refused(&stolen, StatusCode::BAD_REQUEST, "invalid_grant");
        checks::tokens(&play.client.asks(play.site, "token_endpoint", &fields).await);
        other.leaves(play.site).await;
    })
    .await;
}

/// That a refresh gives tokens of the same sign-in (OIDC Core §12.2).
pub(super) async fn is_refreshed(play: &Play<'_>, flow: &Flow, refresh_token: &str) -> Value {
    let fields = [("grant_type", "refresh_token"), ("refresh_token", refresh_token)];
    let tokens = checks::tokens(&play.client.asks(play.site, "token_endpoint", &fields).await);
    let access_token = checks::text(&tokens, "access_token");
    assert_ne!(flow.access_token.as_deref(), Some(access_token));
    let claims = checks::signed(checks::text(&tokens, "id_token"), &play.site.jwks().await);
    for name in ["iss", "sub", "aud", "azp", "auth_time", "sid"] {
        assert_eq!(claims.get(name), flow.claims.get(name), "{name}");
    }
    assert_eq!(claims["iat"], play.site.world.now().0);
    assert_ne!(claims["iat"], flow.claims["iat"]);
    if let Some(hash) = claims.get("at_hash") {
        assert_eq!(hash, &checks::half_hash(access_token));
    }
    assert_eq!(play.is_told(access_token).await["sub"], claims["sub"]);
    tokens
}

//! Token revocation (RFC 7009).

use std::sync::Arc;

use axum::{extract::State, http::StatusCode, response::Response};

use super::{
    dialect,
    request::{Call, context},
};
use crate::{
    clients::AuthenticatedClient,
    grants::{Context, presented},
    protocol::Result,
    server::Server,
    store::{self, access_tokens, grants},
    tokens::refresh_token,
};

/// Where clients give tokens back.
pub const REVOKE: &str = "/revoke";

/// `POST /revoke`.
pub async fn post(State(server): State<Arc<Server>>, call: Call) -> Response {
    dialect::token(&call.id, &server.settings.issuer, revoke(&server, &call).await)
}

/// RFC 7009 §2.2: "The authorization server responds with HTTP status code 200 if the token has been revoked
/// successfully or if the client submitted an invalid token." A token of somebody else is such a one: it lives on, and
/// whoever asks does not learn that it exists.
async fn revoke(server: &Server, call: &Call) -> Result<Response> {
    let now = server.clock.now();
    let params = call.form()?;
    let client = call.client(server, &params, now).await?;
    // `token_type_hint` only says where to look first; a token here tells by itself what it is.
    let token = params.need("token")?;
    let context = context(server, now);
    match refresh_token::read(&context.keyring.refresh_key(), token) {
        Some(refresh) => store::retried(|| end_grant(context, &client, &refresh.grant_id)).await?,
        None => store::retried(|| deny(context, &client, token)).await?,
    }
    Ok(dialect::empty(StatusCode::OK))
}

/// RFC 7009 §2.1: with a refresh token, the access tokens of the same grant go too.
async fn end_grant(context: Context<'_>, client: &AuthenticatedClient, id: &str) -> Result<()> {
    let grant = grants::find(&mut context.store.read().await?, id).await?;
    if grant.is_some_and(|grant| grant.client_id == client.id() && grant.ended_at.is_none()) {
        let mut tx = context.store.write().await?;
        grants::end(&mut tx, id, "revoked by its client", context.now.0).await?;
        tx.commit().await?;
    }
    Ok(())
}

async fn deny(context: Context<'_>, client: &AuthenticatedClient, token: &str) -> Result<()> {
    let Some(token) = presented::read(context, token).await? else { return Ok(()) };
    if token.claims.client_id == client.id() {
        let mut tx = context.store.write().await?;
        access_tokens::deny(&mut tx, &token.claims.jti, token.claims.exp).await?;
        tx.commit().await?;
    }
    Ok(())
}

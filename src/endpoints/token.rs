//! The token endpoint (RFC 6749 §3.2).

use std::sync::Arc;

use axum::{extract::State, http::StatusCode, response::Response};

use super::{
    dialect,
    request::{Call, context},
};
use crate::{grants, protocol::Result, server::Server};

/// Where clients exchange grants for tokens.
pub const TOKEN: &str = "/token";

/// `POST /token`.
pub async fn post(State(server): State<Arc<Server>>, call: Call) -> Response {
    dialect::token(&call.id, &server.settings.issuer, exchange(&server, &call).await)
}

async fn exchange(server: &Server, call: &Call) -> Result<Response> {
    let now = server.clock.now();
    let params = call.form()?;
    let client = call.client(server, &params, now).await?;
    let granted = grants::exchange(context(server, now), &client, &params).await?;
    Ok(dialect::json(StatusCode::OK, serde_json::to_vec(&granted)?))
}

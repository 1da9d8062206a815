//! The public keys (RFC 7517 §5): bytes made when the keys change, sent as they are.

use std::sync::Arc;

use axum::{
    extract::State,
    http::{HeaderMap, header},
    response::Response,
};

use super::document;
use crate::server::Server;

/// Where resource servers fetch the keys.
pub const JWKS: &str = "/.well-known/jwks.json";

/// The same, as some expect it.
pub const JWKS_ALIAS: &str = "/jwks";

/// `GET /.well-known/jwks.json`.
pub async fn get(State(server): State<Arc<Server>>, headers: HeaderMap) -> Response {
    let published = server.keyring.published();
    document::answer(headers.get(header::IF_NONE_MATCH), &published)
}

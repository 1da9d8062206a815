//! What a registration answers.

use serde::Serialize;

use super::{Client, Metadata};
use crate::{keys::shared_secret::HS256, protocol::PlainSecret};

/// What a registration answers (RFC 7591 §3.2.1), and what is shown of a client ever after, less the secret.
#[derive(Serialize)]
pub struct Information<'a> {
    client_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<&'a str>,
    client_id_issued_at: i64,
    /// 0: it does not expire by itself. Required where a secret is told.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret_expires_at: Option<i64>,
    #[serde(flatten)]
    metadata: &'a Metadata,
    /// Where a secret signs, there is but one, which is not among those that can be registered.
    #[serde(rename = "token_endpoint_auth_signing_alg", skip_serializing_if = "Option::is_none")]
    signs_with_secret_by: Option<&'static str>,
    enabled: bool,
    first_party: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    self_registered: bool,
    require_pkce: bool,
}

impl<'a> Information<'a> {
    /// The client's id.
    #[must_use]
    pub fn client_id(&self) -> &str {
        self.client_id
    }

    /// Of this client; with its secret when that was just made.
    #[must_use]
    pub fn of(client: &'a Client, secret: Option<&'a PlainSecret>) -> Self {
        Self {
            client_id: &client.id,
            client_secret: secret.map(PlainSecret::expose),
            client_id_issued_at: client.created_at.0,
            client_secret_expires_at: secret.map(|_| 0),
            metadata: &client.metadata,
            signs_with_secret_by: client.signs_with_secret().then_some(HS256),
            enabled: client.enabled,
            first_party: client.first_party,
            self_registered: client.self_registered,
            require_pkce: client.require_pkce,
        }
    }
}

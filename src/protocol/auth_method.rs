//! How a client proves itself at the token endpoint (RFC 7591 §2).

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{ErrorCode, Refusal, words};

words! {
    /// A client's `token_endpoint_auth_method`.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum AuthMethod {
        /// Its secret in an `Authorization: Basic` header (RFC 6749 §2.3.1).
        #[default]
        ClientSecretBasic = "client_secret_basic",
        /// Its secret in the form (RFC 6749 §2.3.1).
        ClientSecretPost = "client_secret_post",
        /// A JWT signed with its secret (OIDC Core §9).
        ClientSecretJwt = "client_secret_jwt",
        /// A JWT signed with its private key (OIDC Core §9, RFC 7523).
        PrivateKeyJwt = "private_key_jwt",
        /// The certificate of its connection, which an authority vouches for (RFC 8705 §2.1).
        TlsClientAuth = "tls_client_auth",
        /// The certificate of its connection, which it has registered (RFC 8705 §2.2).
        SelfSignedTlsClientAuth = "self_signed_tls_client_auth",
        /// Nothing: a public client has no secret (RFC 6749 §2.1).
        None = "none",
    }
}

impl AuthMethod {
    /// Whether the proof is the certificate of the connection (RFC 8705 §2).
    #[must_use]
    pub fn uses_certificate(self) -> bool {
        matches!(self, Self::TlsClientAuth | Self::SelfSignedTlsClientAuth)
    }
}

impl FromStr for AuthMethod {
    /// `invalid_client_metadata` (RFC 7591 §3.2.2).
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::of(text).ok_or_else(|| {
            Refusal::new(
                ErrorCode::InvalidClientMetadata,
                format!("`token_endpoint_auth_method` is `{text}`; this server takes {}", Self::listed()),
            )
        })
    }
}

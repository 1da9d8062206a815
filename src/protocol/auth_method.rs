//! How a client proves itself at the token endpoint (RFC 7591 §2).

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{Code, Refusal};

/// A client's `token_endpoint_auth_method`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthMethod {
    /// Its secret in an `Authorization: Basic` header (RFC 6749 §2.3.1).
    #[default]
    ClientSecretBasic,
    /// Its secret in the form (RFC 6749 §2.3.1).
    ClientSecretPost,
    /// Nothing: a public client has no secret (RFC 6749 §2.1).
    None,
}

impl AuthMethod {
    /// All of them, in the order they are advertised.
    pub const ALL: &[Self] = &[Self::ClientSecretBasic, Self::ClientSecretPost, Self::None];

    /// As it stands in metadata.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClientSecretBasic => "client_secret_basic",
            Self::ClientSecretPost => "client_secret_post",
            Self::None => "none",
        }
    }
}

impl fmt::Display for AuthMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for AuthMethod {
    /// `invalid_client_metadata` (RFC 7591 §3.2.2).
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.iter().copied().find(|own| own.as_str() == text).ok_or_else(|| {
            Refusal::new(
                Code::InvalidClientMetadata,
                format!(
                    "`token_endpoint_auth_method` is `{text}`; this server takes client_secret_basic, \
                     client_secret_post, none"
                ),
            )
        })
    }
}

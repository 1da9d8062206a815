//! The grants a client may be registered for (RFC 6749, RFC 7591 §2).

use std::{borrow::Cow, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{Code, Refusal};

/// What a client may exchange for tokens at the token endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "&'static str", try_from = "String")]
pub enum GrantType {
    /// RFC 6749 §4.1: a code that a user's browser brought.
    AuthorizationCode,
    /// RFC 6749 §6: a refresh token.
    RefreshToken,
    /// RFC 6749 §4.4: nothing but its own credentials; it acts for itself.
    ClientCredentials,
}

impl GrantType {
    /// All of them, in the order they are advertised.
    pub const ALL: [Self; 3] = [Self::AuthorizationCode, Self::RefreshToken, Self::ClientCredentials];

    /// As it stands in a `grant_type` parameter and in a client's `grant_types`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AuthorizationCode => "authorization_code",
            Self::RefreshToken => "refresh_token",
            Self::ClientCredentials => "client_credentials",
        }
    }
}

impl fmt::Display for GrantType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for GrantType {
    /// `unsupported_grant_type` (RFC 6749 §5.2).
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|own| own.as_str() == text).ok_or_else(|| {
            Refusal::new(
                Code::UnsupportedGrantType,
                format!("`grant_type` is `{text}`; this server takes {}", Self::ALL.map(Self::as_str).join(", ")),
            )
        })
    }
}

impl From<GrantType> for &'static str {
    fn from(grant_type: GrantType) -> Self {
        grant_type.as_str()
    }
}

impl TryFrom<String> for GrantType {
    type Error = Cow<'static, str>;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse().map_err(|refusal: Refusal| refusal.description)
    }
}

//! The grants a client may be registered for (RFC 6749, RFC 7591 §2).

use std::{borrow::Cow, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{ErrorCode, Refusal, words};

words! {
    /// What a client may get tokens by.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
    #[serde(into = "&'static str", try_from = "String")]
    pub enum GrantType {
        /// RFC 6749 §4.1: a code that a user's browser brought.
        AuthorizationCode = "authorization_code",
        /// RFC 6749 §6: a refresh token.
        RefreshToken = "refresh_token",
        /// RFC 6749 §4.4: nothing but its own credentials; it acts for itself.
        ClientCredentials = "client_credentials",
        /// RFC 6749 §4.2: the authorization endpoint's own answer; the token endpoint knows nothing of it.
        Implicit = "implicit",
    }
}

impl GrantType {
    /// The one that a token request names.
    ///
    /// # Errors
    /// `unsupported_grant_type` (RFC 6749 §5.2).
    pub fn of_token_request(text: &str) -> Result<Self, Refusal> {
        let taken = || Self::ALL.iter().copied().filter(|own| *own != Self::Implicit);
        taken().find(|own| own.as_str() == text).ok_or_else(|| {
            let taken = taken().map(Self::as_str).collect::<Vec<_>>().join(", ");
            Refusal::new(
                ErrorCode::UnsupportedGrantType,
                format!("`grant_type` is `{text}`; this server takes {taken}"),
            )
        })
    }
}

impl FromStr for GrantType {
    /// `invalid_client_metadata` (RFC 7591 §3.2.2).
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::of(text).ok_or_else(|| {
            Refusal::new(
                ErrorCode::InvalidClientMetadata,
                format!("`grant_types` has `{text}`; this server takes {}", Self::listed()),
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

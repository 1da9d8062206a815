//! The grants a client may be registered for (RFC 6749, RFC 7591 §2).

use std::{borrow::Cow, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{ErrorCode, Refusal, words};

words! {
    /// What a client may exchange for tokens at the token endpoint.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
    #[serde(into = "&'static str", try_from = "String")]
    pub enum GrantType {
        /// RFC 6749 §4.1: a code that a user's browser brought.
        AuthorizationCode = "authorization_code",
        /// RFC 6749 §6: a refresh token.
        RefreshToken = "refresh_token",
        /// RFC 6749 §4.4: nothing but its own credentials; it acts for itself.
        ClientCredentials = "client_credentials",
    }
}

impl FromStr for GrantType {
    /// `unsupported_grant_type` (RFC 6749 §5.2).
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::of(text).ok_or_else(|| {
            Refusal::new(
                ErrorCode::UnsupportedGrantType,
                format!("`grant_type` is `{text}`; this server takes {}", Self::listed()),
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

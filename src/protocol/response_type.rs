//! The `response_type` parameter (RFC 6749 §3.1.1, OAuth 2.0 Multiple Response Type Encoding Practices, OIDC Core §3).

use std::{borrow::Cow, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{ErrorCode, GrantType, Refusal, ResponseMode, words};

words! {
    /// What an authorization request asks the authorization endpoint for. There is no `token` alone: it would tell an app
    /// nothing of who signed in, and an access token that another app was given would do as well (OIDC Core §3).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
    #[serde(into = "&'static str", try_from = "String")]
    pub enum ResponseType {
        /// A code, and everything else at the token endpoint.
        #[default]
        Code = "code",
        /// OIDC Core §3.2: an ID token.
        IdToken = "id_token",
        /// OIDC Core §3.2: an ID token and an access token.
        IdTokenToken = "id_token token",
        /// OIDC Core §3.3: a code and an ID token.
        CodeIdToken = "code id_token",
        /// OIDC Core §3.3: a code and an access token.
        CodeToken = "code token",
        /// OIDC Core §3.3: all three.
        CodeIdTokenToken = "code id_token token",
        /// Multiple Response Types §4: that the user agrees, and nothing to go with it.
        None = "none",
    }
}

impl ResponseType {
    /// The one of these words, which may come in any order (RFC 6749 §3.1.1).
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let sorted = |text: &'_ str| {
            let mut words: Vec<String> = text.split(' ').map(str::to_owned).collect();
            words.sort_unstable();
            words
        };
        let asked = sorted(text);
        Self::ALL.iter().copied().find(|own| sorted(own.as_str()) == asked)
    }

    /// Whether the answer brings a code.
    #[must_use]
    pub fn has_code(self) -> bool {
        self.has("code")
    }

    /// Whether the answer itself brings an ID token.
    #[must_use]
    pub fn has_id_token(self) -> bool {
        self.has("id_token")
    }

    /// Whether the answer itself brings an access token.
    #[must_use]
    pub fn has_token(self) -> bool {
        self.has("token")
    }

    fn has(self, word: &str) -> bool {
        self.as_str().split(' ').any(|own| own == word)
    }

    /// How the answer travels where the request does not say (Multiple Response Types §5): what holds tokens is sent to no
    /// server, and so stands in none of their logs.
    #[must_use]
    pub fn default_mode(self) -> ResponseMode {
        if self.has_token() || self.has_id_token() { ResponseMode::Fragment } else { ResponseMode::Query }
    }

    /// The grants that a client needs for it (OIDC Registration §2, `response_types`).
    #[must_use]
    pub fn grants(self) -> Vec<GrantType> {
        let code = self.has_code().then_some(GrantType::AuthorizationCode);
        let implicit = (self.has_token() || self.has_id_token()).then_some(GrantType::Implicit);
        code.into_iter().chain(implicit).collect()
    }
}

impl From<ResponseType> for &'static str {
    fn from(response_type: ResponseType) -> Self {
        response_type.as_str()
    }
}

impl FromStr for ResponseType {
    /// `invalid_client_metadata` (RFC 7591 §3.2.2).
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::read(text).ok_or_else(|| {
            Refusal::new(
                ErrorCode::InvalidClientMetadata,
                format!("`response_types` has `{text}`; this server knows {}", Self::listed()),
            )
        })
    }
}

impl TryFrom<String> for ResponseType {
    type Error = Cow<'static, str>;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse().map_err(|refusal: Refusal| refusal.description)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_come_in_any_order_but_each_once() {
        assert_eq!(ResponseType::read("token id_token"), Some(ResponseType::IdTokenToken));
        assert_eq!(ResponseType::read("token code id_token"), Some(ResponseType::CodeIdTokenToken));
        for other in ["", "token", "code code", "code  token", " code", "code none", "Code", "id_token,token"] {
            assert_eq!(ResponseType::read(other), None, "{other}");
        }
    }

    #[test]
    fn what_holds_tokens_travels_in_the_fragment() {
        for (own, mode) in [("code", "query"), ("none", "query"), ("id_token", "fragment"), ("code token", "fragment")]
        {
            assert_eq!(ResponseType::read(own).map(ResponseType::default_mode), ResponseMode::of(mode), "{own}");
        }
    }
}

//! As whom a client knows its users (OIDC Core §8).

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{ErrorCode, Refusal, words};

words! {
    /// A client's `subject_type`.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum SubjectType {
        /// By the same name as every other public client.
        #[default]
        Public = "public",
        /// By a name that only the clients of its sector know.
        Pairwise = "pairwise",
    }
}

impl FromStr for SubjectType {
    /// `invalid_client_metadata` (RFC 7591 §3.2.2).
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::of(text).ok_or_else(|| {
            Refusal::new(
                ErrorCode::InvalidClientMetadata,
                format!("`subject_type` is `{text}`; this server takes {}", Self::listed()),
            )
        })
    }
}

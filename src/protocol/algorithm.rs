//! The signature algorithms tokens can be signed with (RFC 7518 §3.1, RFC 8037).

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::words;

words! {
    /// An asymmetric signature algorithm. There is no `none` here, and no HMAC.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
    pub enum Algorithm {
        /// RSASSA-PKCS1-v1_5 with SHA-256; every client library knows it.
        #[default]
        RS256 = "RS256",
        /// RSASSA-PSS with SHA-256.
        PS256 = "PS256",
        /// ECDSA on P-256 with SHA-256.
        ES256 = "ES256",
        /// EdDSA on Ed25519.
        EdDSA = "EdDSA",
    }
}

/// By an algorithm, or not at all. [`Algorithm`] has no `none`, so that nothing which checks a signature can ever be
/// content with that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Signing {
    /// `none`: everybody could have made it (RFC 7518 §3.6).
    Unsigned,
    /// By this algorithm.
    By(Algorithm),
}

impl Signing {
    /// What that word stands for.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        if text == UNSIGNED { Some(Self::Unsigned) } else { Algorithm::of(text).map(Self::By) }
    }

    /// The algorithm, if there is one.
    #[must_use]
    pub fn algorithm(self) -> Option<Algorithm> {
        match self {
            Self::Unsigned => None,
            Self::By(algorithm) => Some(algorithm),
        }
    }

    /// Its word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unsigned => UNSIGNED,
            Self::By(algorithm) => algorithm.as_str(),
        }
    }
}

impl Default for Signing {
    fn default() -> Self {
        Self::By(Algorithm::default())
    }
}

/// The `alg` of what is not signed.
pub const UNSIGNED: &str = "none";

impl FromStr for Signing {
    type Err = UnknownAlgorithm;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::of(text).ok_or_else(|| UnknownAlgorithm(text.to_owned()))
    }
}

impl TryFrom<String> for Signing {
    type Error = UnknownAlgorithm;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Signing> for String {
    fn from(signing: Signing) -> Self {
        signing.as_str().to_owned()
    }
}

/// The text names no algorithm that is known here.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not one of {known}", known = Algorithm::listed())]
pub struct UnknownAlgorithm(String);

impl FromStr for Algorithm {
    type Err = UnknownAlgorithm;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::of(text).ok_or_else(|| UnknownAlgorithm(text.to_owned()))
    }
}

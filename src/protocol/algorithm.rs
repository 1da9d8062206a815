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

//! What a key of this server is for (RFC 7517 §4.2, §4.4): `use` and `alg`.

use std::{fmt, str::FromStr};

use serde::Serialize;

use super::{Algorithm, KeyManagement};

/// To sign by that algorithm, or to read what others have encrypted by that one. No two of them share a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum KeyAlgorithm {
    /// It signs.
    Signature(Algorithm),
    /// Others encrypt for it.
    Encryption(KeyManagement),
}

impl KeyAlgorithm {
    /// Its word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Signature(algorithm) => algorithm.as_str(),
            Self::Encryption(algorithm) => algorithm.as_str(),
        }
    }

    /// The one of that word.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        let signature = Algorithm::of(word).map(Self::Signature);
        signature.or_else(|| KeyManagement::of(word).map(Self::Encryption))
    }

    /// What a JWK says that the key is for.
    #[must_use]
    pub const fn key_use(self) -> &'static str {
        match self {
            Self::Signature(_) => "sig",
            Self::Encryption(_) => "enc",
        }
    }
}

impl From<Algorithm> for KeyAlgorithm {
    fn from(algorithm: Algorithm) -> Self {
        Self::Signature(algorithm)
    }
}

impl From<KeyManagement> for KeyAlgorithm {
    fn from(algorithm: KeyManagement) -> Self {
        Self::Encryption(algorithm)
    }
}

impl fmt::Display for KeyAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for KeyAlgorithm {
    type Err = UnknownKeyAlgorithm;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::of(text).ok_or_else(|| UnknownKeyAlgorithm(text.to_owned()))
    }
}

/// The text names no algorithm for which a key could be kept here.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not one of {signature}, {encryption}", signature = Algorithm::listed(), encryption = KeyManagement::listed())]
pub struct UnknownKeyAlgorithm(String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_stands_for_one_algorithm() {
        let all = Algorithm::ALL.iter().copied().map(KeyAlgorithm::from);
        for algorithm in all.chain(KeyManagement::ALL.iter().copied().map(KeyAlgorithm::from)) {
            assert_eq!(KeyAlgorithm::of(algorithm.as_str()), Some(algorithm));
        }
        let told = "dir".parse::<KeyAlgorithm>().unwrap_err().to_string();
        assert_eq!(told, "`dir` is not one of RS256, PS256, ES256, EdDSA, RSA-OAEP-256, ECDH-ES, ECDH-ES+A256KW");
    }
}

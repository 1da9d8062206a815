//! The key by which a user goes by another name in each sector (OIDC Core §8.1).

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// An HMAC-SHA256 key, prepared. It is sealed in the database, so that every node gives the same names, also after a
/// backup was restored; and it is never replaced, since every app would take its users for new ones.
#[derive(Clone)]
pub struct PairwiseKey(Hmac<Sha256>);

impl PairwiseKey {
    /// From 32 random bytes.
    #[must_use]
    pub fn new(key: &[u8; 32]) -> Self {
        Self(Hmac::new_from_slice(key).expect("HMAC takes keys of any length"))
    }

    /// By what name something of that kind goes in a sector. Without the key nobody leads it back, or to the one of
    /// another sector. None of the three has a line break in it.
    #[must_use]
    pub fn name(&self, kind: &str, sector: &str, own: &str) -> String {
        let mut mac = self.0.clone();
        for part in [kind, "\n", sector, "\n", own] {
            mac.update(part.as_bytes());
        }
        URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
    }
}

impl fmt::Debug for PairwiseKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PairwiseKey")
    }
}

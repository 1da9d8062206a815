//! The key under which refresh tokens carry a MAC, and from which the code of an approval is made.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// An HMAC-SHA256 key, prepared: a MAC costs two compressions and no set-up. It is sealed in the database, so that every
/// node makes the identical token and the identical code.
#[derive(Clone)]
pub struct RefreshKey(Hmac<Sha256>);

impl RefreshKey {
    /// From 32 random bytes.
    #[must_use]
    pub fn new(key: &[u8; 32]) -> Self {
        Self(Hmac::new_from_slice(key).expect("HMAC takes keys of any length"))
    }

    /// The MAC of a text.
    #[must_use]
    pub fn mac(&self, text: &[u8]) -> [u8; 32] {
        let mut mac = self.0.clone();
        mac.update(text);
        mac.finalize().into_bytes().into()
    }

    /// Whether that is the MAC of the text; takes the same time whatever the answer.
    #[must_use]
    pub fn is_mac(&self, text: &[u8], claimed: &[u8]) -> bool {
        let mut mac = self.0.clone();
        mac.update(text);
        mac.verify_slice(claimed).is_ok()
    }
}

//! The JWK set (RFC 7517 §5), and other documents that are the same for everybody, ready to be sent.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Serialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

/// A document as bytes, with a validator. Made once when what it says changes, then only copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// The JSON.
    pub body: Vec<u8>,
    /// A strong entity tag (RFC 9110 §8.8.3), with its quotes.
    pub etag: String,
}

#[derive(Serialize)]
struct KeySet<'a> {
    keys: Vec<&'a Map<String, Value>>,
}

impl Published {
    pub(super) fn keys<'a>(keys: impl Iterator<Item = &'a Map<String, Value>>) -> Self {
        Self::new(&KeySet { keys: keys.collect() })
    }

    /// A document of strings, lists and maps of them, which always becomes JSON.
    #[must_use]
    pub fn new(document: &impl Serialize) -> Self {
        let body = serde_json::to_vec(document).unwrap_or_default();
        let mut digest = URL_SAFE_NO_PAD.encode(Sha256::digest(&body));
        digest.truncate(22);
        Self { body, etag: format!("\"{digest}\"") }
    }
}

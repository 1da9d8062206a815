//! The JWK set (RFC 7517 §5), ready to be sent.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Serialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

/// The public keys as bytes, with a validator. Made once when the keys change, then only copied.
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
    pub(super) fn new<'a>(keys: impl Iterator<Item = &'a Map<String, Value>>) -> Self {
        // What is a map of strings always becomes JSON.
        let body = serde_json::to_vec(&KeySet { keys: keys.collect() }).unwrap_or_default();
        let mut digest = URL_SAFE_NO_PAD.encode(Sha256::digest(&body));
        digest.truncate(22);
        Self { body, etag: format!("\"{digest}\"") }
    }
}

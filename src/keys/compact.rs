//! A JWS in compact serialization (RFC 7515 §7.1), taken apart: no padding, no white space, no stray bits at the end.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

/// The parts of a token, as they stand in it.
pub(super) struct Compact<'a> {
    /// What is signed: header and payload with the dot between them.
    pub(super) signed: &'a str,
    /// The header.
    pub(super) head: &'a str,
    payload: &'a str,
    signature: &'a str,
}

impl<'a> Compact<'a> {
    /// Take a token of at most so many bytes apart.
    pub(super) fn split(token: &'a str, longest: usize) -> Option<Self> {
        let (signed, signature) = token.rsplit_once('.').filter(|_| token.len() <= longest)?;
        let (head, payload) = signed.split_once('.')?;
        Some(Self { signed, head, payload, signature })
    }

    /// The JSON of the header.
    pub(super) fn header(&self) -> Option<Vec<u8>> {
        URL_SAFE_NO_PAD.decode(self.head).ok()
    }

    /// What is said. A payload with a dot in it, as in five parts, is none.
    pub(super) fn payload(&self) -> Option<Vec<u8>> {
        URL_SAFE_NO_PAD.decode(self.payload).ok()
    }

    /// The signature.
    pub(super) fn signature(&self) -> Option<Vec<u8>> {
        URL_SAFE_NO_PAD.decode(self.signature).ok()
    }
}

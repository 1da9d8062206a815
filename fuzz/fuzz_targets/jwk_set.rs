//! The public keys of a client, and what it says it has signed with them.
#![no_main]

use latchkey::{keys::JwkSet, protocol::Algorithm};
use libfuzzer_sys::fuzz_target;

/// The key of RFC 7515, appendix A.3.
const KEYS: &[u8] = br#"{"keys":[{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}"#;

fuzz_target!(|text: &str| {
    let (set, token) = text.split_once('\n').unwrap_or((text, text));
    if let Ok(set) = JwkSet::read(set.as_bytes()) {
        let _ = set.verify(token, Algorithm::ALL);
    }
    // Nothing but its owner's signature counts, whatever the header says of keys and algorithms.
    let known = JwkSet::read(KEYS).expect("a key");
    assert!(known.verify(text, Algorithm::ALL).is_err(), "{text}");
});

//! Keys that another tool made, as PEM or JWK, and the master key's text.
#![no_main]

use latchkey::{
    keys::{MasterKey, jwk::OwnKey},
    protocol::Algorithm,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    for wish in [None, Some(Algorithm::RS256), Some(Algorithm::ES256), Some(Algorithm::EdDSA)] {
        let _ = OwnKey::import(text, wish);
    }
    let _ = MasterKey::parse("https://id.example", text, None);
});

//! PKCE (RFC 7636), and the other parameters of a request that are one word or a list of them.
#![no_main]

use latchkey::protocol::{Prompt, ResponseMode, pkce};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (Option<&str>, Option<&str>)| {
    let (one, other) = input;
    if let Ok(Some(challenge)) = pkce::challenge(one, other) {
        assert_eq!((Some(challenge.as_str()), Some("S256")), (one, other));
        assert_eq!(challenge.len(), 43, "the length of a SHA-256 in base64url");
    }
    if let Some(verifier) = one.filter(|text| pkce::is_verifier(text)) {
        assert!(verifier.is_ascii() && (43..=128).contains(&verifier.len()));
    }
    let _ = (Prompt::parse(one), ResponseMode::parse(other));
});

//! Refresh tokens, and the other tokens that are read before any database is asked.
#![no_main]

use latchkey::{
    keys::RefreshKey,
    tokens::{access_token, opaque, refresh_token},
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&str, &str, i64, usize, u8)| {
    let (text, grant_id, generation, at, flip) = input;
    let key = RefreshKey::new(&[7; 32]);
    assert_eq!(refresh_token::read(&key, text), None, "a stranger's text has our MAC");
    let token = refresh_token::mint(&key, grant_id, generation).expose().to_owned();
    // A single other bit is another token; also in the last character, where base64 has bits to spare.
    let mut bytes = token.into_bytes();
    let at = at % bytes.len();
    bytes[at] ^= flip;
    if let Ok(text) = String::from_utf8(bytes) {
        let read = refresh_token::read(&key, &text);
        assert!(flip == 0 || read.is_none(), "{text}");
    }
    let _ = (opaque::hash_of(text), access_token::grant_of(text), access_token::Claims::parse(text.as_bytes()));
});

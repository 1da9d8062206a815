//! The `Authorization: Basic` header of RFC 6749 §2.3.1: base64 around form-encoded halves.
#![no_main]

use base64::{Engine, engine::general_purpose::STANDARD};
use latchkey::protocol::{ErrorCode, basic};
use libfuzzer_sys::fuzz_target;
use url::form_urlencoded::byte_serialize;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(header) = std::str::from_utf8(bytes) {
        let _ = basic::parse(header).map_err(|refusal| assert_eq!(refusal.code, ErrorCode::InvalidClient));
    }
    let _ = basic::parse(&format!("Basic {}", STANDARD.encode(bytes)));
    // What a library sends that does as it is told comes through to the letter.
    let Some((id, secret)) = std::str::from_utf8(bytes).ok().and_then(|text| text.split_once('\n')) else { return };
    let encode = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    let header = format!("Basic {}", STANDARD.encode(format!("{}:{}", encode(id), encode(secret))));
    if let Ok((read_id, read_secret)) = basic::parse(&header) {
        assert_eq!((read_id.as_str(), read_secret.expose()), (id, secret));
    }
});

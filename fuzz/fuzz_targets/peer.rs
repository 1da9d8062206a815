//! `X-Forwarded-For` and its kin: a stranger who is no trusted proxy is who the connection says.
#![no_main]

use std::net::{IpAddr, Ipv4Addr};

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use latchkey::server::{Peer, is_forwarded};
use libfuzzer_sys::fuzz_target;

const NAMES: [&str; 3] = ["x-forwarded-for", "x-forwarded-proto", "forwarded"];

fuzz_target!(|lines: Vec<(u8, &[u8])>| {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        let name = HeaderName::from_static(NAMES[usize::from(name) % NAMES.len()]);
        if let Ok(value) = HeaderValue::from_bytes(value) {
            headers.append(name, value);
        }
    }
    let connection = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 9));
    let trusted = ["10.0.0.0/8".parse().expect("a network")];
    assert_eq!(Peer::of(connection, true, &headers, &trusted), Peer { address: connection, is_secure: true });
    let proxy = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
    let peer = Peer::of(proxy, false, &headers, &trusted);
    assert!(headers.contains_key("x-forwarded-for") || peer.address == proxy);
    assert_eq!(is_forwarded(&headers), !headers.is_empty());
});

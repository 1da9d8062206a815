//! Who is at the other end of a request: the connection says it, or a proxy that the operator trusts.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Once,
};

use axum::http::HeaderMap;
use ipnet::IpNet;

use crate::clients::ClientCertificate;

/// Who is at the other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The address, by the connection or a trusted proxy's word.
    pub address: IpAddr,
    /// Whether the asker's side of it is TLS.
    pub is_secure: bool,
}

impl Peer {
    /// Who asks, when `connection` is the other end of the connection and `has_tls` says whether TLS ends here.
    ///
    /// `X-Forwarded-For` grows to the right, one entry per proxy: so the first entry from the right that is none of
    /// our proxies is the asker; what stands left of it the asker wrote, and it may say anything.
    #[must_use]
    pub fn of(connection: IpAddr, has_tls: bool, headers: &HeaderMap, trusted: &[IpNet]) -> Self {
        let connection = connection.to_canonical();
        if trusted.is_empty() || !is_trusted(connection, trusted) {
            return Self { address: connection, is_secure: has_tls };
        }
        let mut address = connection;
        for entry in words(headers, FORWARDED_FOR).into_iter().rev() {
            // A word that is no address ends it: the proxy that passed it on is as far as we know.
            let Some(said) = parse(entry) else { break };
            address = said;
            if !is_trusted(said, trusted) {
                break;
            }
        }
        // Each proxy appends or replaces; the last word is that of the one we are talking to.
        let proto = words(headers, FORWARDED_PROTO).pop();
        let is_secure = proto.map_or(has_tls, |proto| proto.eq_ignore_ascii_case("https"));
        Self { address, is_secure }
    }
}

/// The certificate that the asker has shown: in the handshake here, or, where a trusted proxy passes the request on, what
/// that says was shown to it. From nobody else: a certificate is no secret, and anybody could send somebody else's.
#[must_use]
pub(super) fn certificate(
    connection: IpAddr,
    shown: &[Vec<u8>],
    headers: &HeaderMap,
    trusted: &[IpNet],
) -> Option<ClientCertificate> {
    if !is_trusted(connection.to_canonical(), trusted) {
        return ClientCertificate::of_handshake(shown);
    }
    let mut said = headers.get_all(CLIENT_CERTIFICATE).iter();
    match (said.next(), said.next()) {
        (Some(only), None) => ClientCertificate::of_header(only.to_str().ok()?),
        // Of two, one may be what a client has sent through a proxy that adds its own.
        _ => None,
    }
}

/// Whether a request has been passed on by some proxy, trusted or not.
#[must_use]
pub fn is_forwarded(headers: &HeaderMap) -> bool {
    FORWARDING.iter().any(|name| headers.contains_key(*name))
}

/// Say once that somebody forwards requests whom `proxy.trusted` does not name. Once, since anybody can pretend to.
pub(super) fn warn_of_unnamed_proxy(connection: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) {
    static TOLD: Once = Once::new();
    let proxy = connection.to_canonical();
    if TOLD.is_completed() || !is_forwarded(headers) || is_trusted(proxy, trusted) {
        return;
    }
    TOLD.call_once(|| {
        tracing::warn!(
            event = "proxy_not_trusted",
            %proxy,
            hint = "if that is your proxy, name it in `proxy.trusted`; else somebody only pretends to be one",
            "a request was forwarded by somebody who is not believed: everybody behind them shares one address"
        );
    });
}

fn is_trusted(address: IpAddr, trusted: &[IpNet]) -> bool {
    trusted.iter().any(|network| network.contains(&address))
}

fn words<'a>(headers: &'a HeaderMap, name: &str) -> Vec<&'a str> {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim).collect()
}

/// An address, with or without a port.
fn parse(text: &str) -> Option<IpAddr> {
    let address = text.parse::<IpAddr>().or_else(|_| text.parse::<SocketAddr>().map(|socket| socket.ip()));
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse::<IpAddr>().ok();
    address.ok().or_else(bracketed).map(|address| address.to_canonical())
}

/// PEM, percent-encoded, as nginx has it in `$ssl_client_escaped_cert`.
const CLIENT_CERTIFICATE: &str = "x-client-cert";
const FORWARDED_FOR: &str = "x-forwarded-for";
const FORWARDED_PROTO: &str = "x-forwarded-proto";
const FORWARDING: &[&str] = &["forwarded", FORWARDED_FOR, FORWARDED_PROTO, "x-forwarded-host", "x-real-ip", "via"];

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(connection: &str, headers: &[(&'static str, &str)]) -> Peer {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        let trusted = ["10.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()];
        Peer::of(connection.parse().unwrap(), false, &map, &trusted)
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_stranger_cannot_pretend_to_be_forwarded() {
        let forged = peer("203.0.113.9", &[("x-forwarded-for", "127.0.0.1"), ("x-forwarded-proto", "https")]);
        assert_eq!(forged, Peer { address: address("203.0.113.9"), is_secure: false });
    }

    #[test]
    fn the_rightmost_address_that_is_no_proxy_of_ours_is_the_asker() {
        let headers = [("x-forwarded-for", "127.0.0.1, 198.51.100.7, 10.0.0.2"), ("x-forwarded-proto", "https")];
        assert_eq!(peer("10.0.0.1", &headers), Peer { address: address("198.51.100.7"), is_secure: true });
        let split = [("x-forwarded-for", "198.51.100.7"), ("x-forwarded-for", "10.0.0.2")];
        assert_eq!(peer("::ffff:10.0.0.1", &split).address, address("198.51.100.7"));
    }

    #[test]
    fn a_word_that_is_no_address_ends_the_search() {
        let headers = [("x-forwarded-for", "198.51.100.7, unknown, 10.0.0.2")];
        assert_eq!(peer("10.0.0.1", &headers).address, address("10.0.0.2"));
        assert_eq!(peer("10.0.0.1", &[]).address, address("10.0.0.1"));
    }

    #[test]
    fn ports_and_brackets_are_read_over() {
        for (text, expected) in [
            ("198.51.100.7:4711", "198.51.100.7"),
            ("[2001:db8::1]:4711", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
        ] {
            assert_eq!(peer("::1", &[("x-forwarded-for", text)]).address, address(expected), "{text}");
        }
    }
}

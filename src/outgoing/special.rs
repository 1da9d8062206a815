//! The addresses that are not meant for the whole Internet (RFC 6890, and IANA's special-purpose address registries).

use std::net::IpAddr;

use ipnet::IpNet;

/// Whether everybody on the Internet means the same host by this address. The standard library has `is_global` for it,
/// not yet stable. Blocks of which the registries call a part reachable are taken as a whole: nobody keeps keys there.
pub(super) fn is_public(address: IpAddr) -> bool {
    let address = address.to_canonical();
    // Nothing else of IPv6 has been given out (RFC 4291 §2.4).
    let is_unicast = match address {
        IpAddr::V4(_) => true,
        IpAddr::V6(address) => address.segments().first().is_some_and(|first| first >> 13 == 1),
    };
    is_unicast && !SPECIAL.iter().any(|block| block.parse().is_ok_and(|block: IpNet| block.contains(&address)))
}

const SPECIAL: &[&str] = &[
    // This network, private, shared, loopback, link-local (where clouds keep their credentials).
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.168.0.0/16",
    // Protocol assignments, documentation, 6to4 relays, AS112, AMT, benchmarks.
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.31.196.0/24",
    "192.52.193.0/24",
    "192.88.99.0/24",
    "192.175.48.0/24",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    // Multicast, reserved, broadcast.
    "224.0.0.0/4",
    "240.0.0.0/4",
    // Of 2000::/3: protocol assignments (Teredo, benchmarks, ORCHID), documentation, IPv4 behind 6to4, AS112.
    "2001::/23",
    "2001:db8::/32",
    "2002::/16",
    "2620:4f:8000::/48",
    "3fff::/20",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_block_of_the_registries_can_be_read() {
        for block in SPECIAL {
            assert!(block.parse::<IpNet>().is_ok_and(|net| net.trunc() == net), "{block}");
        }
    }

    #[test]
    fn addresses_inside_are_told_from_those_outside() {
        let inside = [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.0.1",
            "192.0.0.8",
            "198.19.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
            "::ffff:0:7f00:1",
            "100::1",
            "5f00::1",
            "2002:7f00:1::",
            "2001::1",
            "2001:db8::1",
            "fc00::1",
            "fd12:3456::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ];
        for address in inside {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
        let outside = [
            "1.1.1.1",
            "8.8.8.8",
            "100.63.255.255",
            "100.128.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.167.255.255",
            "192.169.0.0",
            "223.255.255.255",
            "::ffff:8.8.8.8",
            "2606:4700:4700::1111",
            "2a00:1450::1",
        ];
        for address in outside {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
    }
}

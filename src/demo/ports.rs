//! Where the demo's three servers listen.

use std::{
    io,
    net::{Ipv4Addr, Ipv6Addr, TcpListener},
};

use crate::cli::Failure;

/// The ports that are asked for; 0 is any that is free.
#[derive(Clone, Copy, Debug)]
pub struct Ports {
    /// The server's.
    pub server: u16,
    /// The sample app's.
    pub app: u16,
    /// The sample resource server's.
    pub resource_server: u16,
}

impl Ports {
    /// Those of the documentation.
    pub const USUAL: Self = Self { server: 8080, app: 8081, resource_server: 8082 };
    /// Whatever is free.
    pub const ANY: Self = Self { server: 0, app: 0, resource_server: 0 };
}

/// A port of `localhost`, held on both of the name's addresses.
pub(super) struct Place {
    pub(super) port: u16,
    pub(super) listeners: Vec<TcpListener>,
}

impl Place {
    /// Its address for browsers and apps.
    pub(super) fn url(&self) -> String {
        format!("http://localhost:{}", self.port)
    }
}

/// Take the port that is asked for, or else the one that an earlier start had, or else another.
pub(super) fn take(asked: u16, earlier: Option<u16>) -> Result<Place, Failure> {
    let others = (1..=9_u16).filter_map(|tens| asked.checked_add(tens.saturating_mul(10))).filter(|_| asked != 0);
    for port in std::iter::once(asked).chain(earlier).chain(others) {
        if port != 0
            && let Ok(place) = listen(port)
        {
            return Ok(place);
        }
    }
    let mut problem = None;
    // The system's choice is free on IPv4; on IPv6 another program may have it.
    for _ in 0..16 {
        match listen(0) {
            Ok(place) => return Ok(place),
            Err(error) => problem = Some(error),
        }
    }
    let cause = problem.map(|error| error.to_string()).unwrap_or_default();
    Err(Failure::new(format!("no port of this machine can be listened on: {cause}")))
}

/// Listen on 127.0.0.1 and, where there is IPv6, on ::1: a browser may take `localhost` for either, and
/// must not meet another program on one of them.
fn listen(port: u16) -> io::Result<Place> {
    let first = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
    let port = first.local_addr()?.port();
    let listeners = match TcpListener::bind((Ipv6Addr::LOCALHOST, port)) {
        Ok(second) => vec![first, second],
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => return Err(error),
        Err(_) => vec![first],
    };
    Ok(Place { port, listeners })
}

/// The port in an address that was written by [`Place::url`].
pub(super) fn of(url: &str) -> Option<u16> {
    url.rsplit_once(':').and_then(|(_, port)| port.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_makes_way_for_another() {
        let taken = take(0, None).expect("a free port");
        let other = take(taken.port, None).expect("another port");
        assert_ne!(other.port, taken.port);
    }

    #[test]
    fn the_port_of_an_earlier_start_is_preferred_to_a_new_one() {
        let taken = take(0, None).expect("a free port");
        let earlier = take(0, None).expect("a free port").port;
        let place = take(taken.port, Some(earlier)).expect("the earlier one");
        assert_eq!(place.port, earlier);
        assert_eq!(of(&place.url()), Some(earlier));
    }
}

//! How many connections there may be. Whoever opens a thousand and says nothing on them would keep everybody else out
//! for as long as they like: one address has its part and no more, and what the database needs of files is never given
//! away.

use std::{
    collections::HashMap,
    future::{Ready, ready},
    io,
    net::{IpAddr, Ipv6Addr},
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

use axum_server::accept::Accept;
use ipnet::IpNet;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

/// Lets connections in, and turns away what is too much. All clones count together.
#[derive(Clone)]
pub(super) struct Crowd(Arc<Inner>);

struct Inner {
    most: usize,
    most_of_one: usize,
    /// Proxies, which come with the connections of many.
    trusted: Vec<IpNet>,
    present: Mutex<Present>,
}

#[derive(Default)]
struct Present {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// A connection that was let in, until it is closed.
pub(super) struct Guest<S> {
    stream: S,
    _place: Place,
}

struct Place {
    crowd: Crowd,
    /// Under which address it is counted.
    address: Option<IpAddr>,
}

impl Crowd {
    /// As many as this process may have files, but for those that are needed otherwise.
    pub(super) fn new(trusted: &[IpNet]) -> Self {
        Self::of(open_files().saturating_sub(KEPT_BACK).clamp(1, MOST), trusted)
    }

    /// For those who look after the server: the public does not shut them out.
    pub(super) fn few() -> Self {
        Self(Arc::new(Inner { most: FEW, most_of_one: FEW, trusted: Vec::new(), present: Mutex::default() }))
    }

    fn of(most: usize, trusted: &[IpNet]) -> Self {
        let most_of_one = (most / 4).max(1);
        Self(Arc::new(Inner { most, most_of_one, trusted: trusted.to_vec(), present: Mutex::default() }))
    }

    fn enter(&self, peer: IpAddr) -> io::Result<Place> {
        let inner = &self.0;
        let peer = peer.to_canonical();
        let is_proxy = peer.is_loopback() || inner.trusted.iter().any(|network| network.contains(&peer));
        let address = (!is_proxy).then(|| subscriber(peer));
        let mut present = inner.present.lock().unwrap_or_else(PoisonError::into_inner);
        if present.all >= inner.most {
            return Err(io::Error::other("there are as many connections as there may be"));
        }
        if let Some(address) = address {
            let own = present.by_address.entry(address).or_default();
            if *own >= inner.most_of_one {
                return Err(io::Error::other("there are as many connections as one address may have"));
            }
            *own += 1;
            if *own == inner.most_of_one {
                full(format_args!("of {peer}"));
            }
        }
        present.all += 1;
        if present.all == inner.most {
            full(format_args!("of all"));
        }
        Ok(Place { crowd: self.clone(), address })
    }
}

/// Once each time it comes to that: not for every connection that is turned away.
fn full(whose: std::fmt::Arguments<'_>) {
    tracing::warn!(
        event = "too_many_connections",
        "the connections {whose} are as many as there may be: further ones are closed at once"
    );
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut present = self.crowd.0.present.lock().unwrap_or_else(PoisonError::into_inner);
        present.all = present.all.saturating_sub(1);
        let Some(address) = self.address else { return };
        if let Some(own) = present.by_address.get_mut(&address) {
            *own = own.saturating_sub(1);
            if *own == 0 {
                present.by_address.remove(&address);
            }
        }
    }
}

impl<S> Accept<TcpStream, S> for Crowd {
    type Stream = Guest<TcpStream>;
    type Service = S;
    type Future = Ready<io::Result<(Self::Stream, S)>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let place = stream.set_nodelay(true).and_then(|()| stream.peer_addr()).and_then(|peer| self.enter(peer.ip()));
        ready(place.map(|place| (Guest { stream, _place: place }, service)))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Guest<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Guest<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

/// An IPv4 address, or the IPv6 /64 that one subscriber has.
fn subscriber(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(own) => Ipv6Addr::from_bits(own.to_bits() & (u128::MAX << 64)).into(),
    }
}

/// How many files this process may open: as many as the system lets it, where it began with fewer.
fn open_files() -> usize {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let wanted = u64::try_from(MOST + KEPT_BACK).unwrap_or(u64::MAX);
    let possible = maximum.map_or(wanted, |maximum| maximum.min(wanted));
    let current = current.unwrap_or(u64::MAX);
    let raised = current < possible && setrlimit(Resource::Nofile, Rlimit { current: Some(possible), maximum }).is_ok();
    usize::try_from(if raised { possible } else { current }).unwrap_or(usize::MAX)
}

/// A connection that is not asked anything takes some ten KiB: this is what a small machine can spare.
const MOST: usize = 8_192;

/// For the database, the log, certificates that are read again, and those who look after the server.
const KEPT_BACK: usize = 96;

const FEW: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn one_address_has_a_quarter_and_leaves_the_rest_to_others() {
        let crowd = Crowd::of(40, &[]);
        let mut held: Vec<_> = (0..10).map(|_| crowd.enter(address("192.0.2.1")).unwrap()).collect();
        assert!(crowd.enter(address("192.0.2.1")).is_err());
        assert!(crowd.enter(address("::ffff:192.0.2.1")).is_err(), "however it is written");
        let neighbour = crowd.enter(address("192.0.2.2")).unwrap();
        held.pop();
        let again = crowd.enter(address("192.0.2.1")).unwrap();
        assert!(crowd.enter(address("192.0.2.1")).is_err());
        drop((held, neighbour, again));
        assert!(crowd.0.present.lock().unwrap().by_address.is_empty(), "nothing is kept of who has gone");
    }

    #[test]
    fn a_subscriber_of_ipv6_is_one_address() {
        let crowd = Crowd::of(8, &[]);
        let held = ["2001:db8::1", "2001:db8::ffff:1"].map(|text| crowd.enter(address(text)).unwrap());
        assert!(crowd.enter(address("2001:db8::2")).is_err());
        assert!(crowd.enter(address("2001:db8:0:1::1")).is_ok());
        drop(held);
    }

    #[test]
    fn proxies_may_fill_the_house_and_no_more() {
        let crowd = Crowd::of(4, &["10.0.0.0/8".parse().unwrap()]);
        let held = ["10.0.0.1", "10.0.0.1", "127.0.0.1", "::1"].map(|text| crowd.enter(address(text)).unwrap());
        for late in ["10.0.0.1", "::1", "192.0.2.1"] {
            assert!(crowd.enter(address(late)).is_err(), "{late}");
        }
        drop(held);
        assert!(crowd.enter(address("192.0.2.1")).is_ok());
    }
}

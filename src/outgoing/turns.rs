//! How many calls there may be at a time, to each host: one that does not answer keeps a few waiting, and those to others
//! go on meanwhile.

use std::{
    collections::HashMap,
    hash::Hash,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, PoisonError},
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout_at},
};
use url::Url;

/// So many turns for each host, whatever tells one from another.
#[derive(Debug)]
pub struct Turns<H> {
    most: usize,
    hosts: Mutex<HashMap<H, Arc<Semaphore>>>,
}

impl<H: Eq + Hash> Turns<H> {
    /// So many for each.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self { most, hosts: Mutex::default() }
    }

    /// A turn at once, if there is one.
    pub fn try_take(&self, host: H) -> Option<OwnedSemaphorePermit> {
        self.of(host).try_acquire_owned().ok()
    }

    /// A turn, if there is one by then.
    pub(super) async fn take(&self, host: H, until: Instant) -> Option<OwnedSemaphorePermit> {
        timeout_at(until, self.of(host).acquire_owned()).await.ok()?.ok()
    }

    fn of(&self, host: H) -> Arc<Semaphore> {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever has a turn or waits for one keeps its host here.
        hosts.retain(|_, turns| Arc::strong_count(turns) > 1);
        hosts.entry(host).or_insert_with(|| Arc::new(Semaphore::new(self.most))).clone()
    }
}

/// The name of a host, the same with and without the dot of the root.
#[must_use]
pub fn name(url: &Url) -> String {
    url.host_str().unwrap_or_default().trim_end_matches('.').to_owned()
}

/// An IPv4 address, or the IPv6 /64 that one machine may have all of.
pub(super) fn machine(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(own) => own.into(),
        IpAddr::V6(own) => Ipv6Addr::from_bits(own.to_bits() & (u128::MAX << 64)).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_known_by_its_other_spellings() {
        let name = |url: &str| name(&Url::parse(url).unwrap());
        assert_eq!(name("https://App.Example.:8443/a"), name("https://app.example/b"));
        let machine = |address: &str| machine(address.parse().unwrap());
        assert_eq!(machine("::ffff:192.0.2.1"), machine("192.0.2.1"));
        assert_ne!(machine("192.0.2.1"), machine("192.0.2.2"));
        assert_eq!(machine("2001:db8::1"), machine("2001:db8::ffff:0:0:2"));
        assert_ne!(machine("2001:db8::1"), machine("2001:db8:0:1::1"));
    }

    #[tokio::test]
    async fn a_host_has_so_many_turns_and_is_forgotten_after_them() {
        let turns = Turns::new(2);
        let held = (turns.try_take("a").unwrap(), turns.try_take("a").unwrap());
        assert!(turns.try_take("a").is_none() && turns.try_take("b").is_some());
        drop(held);
        assert!(turns.try_take("c").is_some() && turns.hosts.lock().unwrap().len() == 1);
    }
}

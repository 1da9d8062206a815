//! How often a password may be guessed, and how many clients may be registered from one network.
//!
//! A try is counted before it is made, and taken back when it was right, so parallel guesses cannot all slip through
//! one check. What is counted is the name that was typed, whether anybody has it or not, so the throttle tells nothing
//! about who exists; and the address block it came from. A browser that has signed the user in before is counted by
//! itself and by nothing else: strangers cannot use up its tries.
//!
//! Whoever tries one password at a million names from a million addresses stays below each of these counts. So what
//! strangers get wrong is counted all together, too. That count blocks nobody, or it would be the way to lock everybody
//! out; but while it is high, the names and the address blocks of strangers have fewer tries that are free.
//!
//! Keys are hashes cut to twenty bits. So the table holds no name and no address, and at most a million rows of each
//! kind, whatever anybody sends.

use std::net::IpAddr;

use sha2::{Digest, Sha256};

use crate::{
    protocol::{Lifetime, Result, Timestamp},
    store::{self, Access, Store, Write, login_failures},
};

/// The counters that stand in the way of one try.
pub(super) struct Meters(Vec<Meter>);

struct Meter {
    key: String,
    budget: Budget,
    /// Whether a right password clears the count, or only takes back the one try.
    is_cleared: bool,
}

/// What one counter lets through.
#[derive(Clone, Copy)]
struct Budget {
    /// So many failures change nothing.
    free: i64,
    /// The next one blocks for so long, and each further one for twice as long.
    first: Lifetime,
    /// But never longer than this.
    longest: Lifetime,
    /// After this the count begins anew.
    memory: Lifetime,
}

const ACCOUNT: Budget =
    Budget { free: 4, first: Lifetime::seconds(30), longest: Lifetime::hours(1), memory: Lifetime::days(1) };

/// An address block is many people's: an office, a mobile network.
const ADDRESS: Budget =
    Budget { free: 49, first: Lifetime::seconds(30), longest: Lifetime::minutes(15), memory: Lifetime::hours(1) };

/// Many connections have a whole IPv6 /48, which is 65,536 of the blocks above.
const NETWORK: Budget = Budget { free: 199, ..ADDRESS };

const DEVICE: Budget =
    Budget { free: 9, first: Lifetime::seconds(30), longest: Lifetime::hours(1), memory: Lifetime::days(1) };

/// Clients that register themselves from one network: no set of tests needs more, and rows are not to be had for nothing.
const REGISTRATIONS: Budget =
    Budget { free: 1_000, first: Lifetime::minutes(5), longest: Lifetime::hours(1), memory: Lifetime::hours(1) };

/// All strangers together, at every name and from everywhere: counted, and never blocked.
const EVERYBODY: Budget =
    Budget { free: i64::MAX, first: Lifetime::seconds(0), longest: Lifetime::seconds(0), memory: Lifetime::hours(1) };

/// The key under which they are counted.
const EVERYBODYS: &str = "everybody";

/// So many wrong ones within an hour are nobody's typing mistakes.
const ALARM: i64 = 300;

/// What is let through while somebody guesses everywhere: a user who is new to their browser has a mistake free, and
/// whoever tries many names runs out of addresses sooner.
const ACCOUNT_UNDER_ALARM: Budget = Budget { free: 1, ..ACCOUNT };
const ADDRESS_UNDER_ALARM: Budget =
    Budget { free: 4, first: Lifetime::minutes(5), longest: Lifetime::hours(1), memory: Lifetime::hours(1) };
const NETWORK_UNDER_ALARM: Budget = Budget { free: 19, ..ADDRESS_UNDER_ALARM };

/// A try that was counted: the block each counter came under by it.
pub(super) struct Counted(Vec<i64>);

/// What counting a try came to.
pub(super) enum Outcome {
    /// It may be made.
    Go(Counted),
    /// Not before then.
    Wait(Timestamp),
}

impl Meters {
    /// For a browser that nobody knows.
    pub(super) fn of_stranger(name: &str, address: IpAddr, alarm: bool) -> Self {
        let (account, block, network) = if alarm {
            (ACCOUNT_UNDER_ALARM, ADDRESS_UNDER_ALARM, NETWORK_UNDER_ALARM)
        } else {
            (ACCOUNT, ADDRESS, NETWORK)
        };
        // Only the account's is cleared: else whoever has an account of their own could guess at others for ever. In this
        // order, everywhere, so that no two tries wait for each other's rows.
        let mut meters = vec![
            Meter { key: key("account", name), budget: account, is_cleared: true },
            Meter { key: key("address", &address_block(address)), budget: block, is_cleared: false },
        ];
        meters.extend(wider_network(address).map(|own| Meter {
            key: key("network", &own),
            budget: network,
            is_cleared: false,
        }));
        meters.push(Meter { key: EVERYBODYS.to_owned(), budget: EVERYBODY, is_cleared: false });
        Self(meters)
    }

    /// For a browser that has signed this user in before.
    pub(super) fn of_device(device: &str, user_id: &str) -> Self {
        let name = format!("{device} {user_id}");
        Self(vec![Meter { key: key("device", &name), budget: DEVICE, is_cleared: true }])
    }

    /// Until when no try is let through, if one is not now.
    pub(super) async fn blocked(&self, db: &mut impl Access, now: Timestamp) -> Result<Option<Timestamp>> {
        let mut until = None;
        for meter in &self.0 {
            let found = login_failures::find(db, &meter.key, now.0).await?;
            until = until.max(found.map(|found| found.blocked_until).filter(|until| *until > now.0));
        }
        Ok(until.map(Timestamp))
    }

    /// Count a try that is about to be made.
    pub(super) async fn count(&self, store: &Store, now: Timestamp) -> Result<Outcome> {
        store::retried(|| self.try_count(store, now)).await
    }

    async fn try_count(&self, store: &Store, now: Timestamp) -> Result<Outcome> {
        let mut counted = Vec::new();
        let mut raises_alarm = false;
        let mut tx = store.write().await?;
        for meter in &self.0 {
            let expires_at = now + meter.budget.memory;
            let found = login_failures::count(&mut tx, &meter.key, now.0, expires_at.0).await?;
            if found.blocked_until > now.0 {
                // A parallel try was the last that was free. This one is not made, and not counted: the transaction is dropped.
                return Ok(Outcome::Wait(Timestamp(found.blocked_until)));
            }
            let until = meter.budget.block(found.failures).map_or(0, |span| (now + span).0);
            if until > 0 {
                login_failures::block(&mut tx, &meter.key, until).await?;
            }
            raises_alarm |= meter.key == EVERYBODYS && found.failures == ALARM;
            counted.push(until);
        }
        tx.commit().await?;
        if raises_alarm {
            tracing::warn!(
                event = "guessing_everywhere",
                failures = ALARM,
                "unknown browsers sign in wrongly at many names and from many addresses: for the rest of the hour they have fewer tries"
            );
        }
        Ok(Outcome::Go(Counted(counted)))
    }

    /// The try was right: it was no failure.
    pub(super) async fn succeed(&self, tx: &mut Write, counted: &Counted) -> Result<()> {
        for (meter, until) in self.0.iter().zip(counted.0.iter().copied()) {
            if meter.is_cleared {
                login_failures::clear(tx, &meter.key).await?;
            } else {
                login_failures::give_back(tx, &meter.key, until).await?;
            }
        }
        Ok(())
    }
}

/// Count a client that somebody there registers; until when none is let through, if one is not now.
///
/// # Errors
/// When the database cannot.
pub async fn count_registration(store: &Store, address: IpAddr, now: Timestamp) -> Result<Option<Timestamp>> {
    let of = |network: &str| Meter { key: key("registration", network), budget: REGISTRATIONS, is_cleared: false };
    let mut meters = vec![of(&address_block(address))];
    meters.extend(wider_network(address).as_deref().map(of));
    let meters = Meters(meters);
    if let Some(until) = meters.blocked(&mut store.read().await?, now).await? {
        return Ok(Some(until));
    }
    Ok(match meters.count(store, now).await? {
        Outcome::Go(_) => None,
        Outcome::Wait(until) => Some(until),
    })
}

/// Whether strangers have got so much wrong lately that somebody must be guessing.
pub(super) async fn is_alarm(db: &mut impl Access, now: Timestamp) -> Result<bool> {
    let found = login_failures::find(db, EVERYBODYS, now.0).await?;
    Ok(found.is_some_and(|found| found.failures >= ALARM))
}

/// Hold nothing against a name any more.
pub(super) async fn clear_name(tx: &mut Write, name: &str) -> Result<()> {
    Ok(login_failures::clear(tx, &key("account", name)).await?)
}

impl Budget {
    fn block(self, failures: i64) -> Option<Lifetime> {
        let beyond = failures.checked_sub(self.free.saturating_add(1)).filter(|beyond| *beyond >= 0)?;
        let factor = 2_i64.saturating_pow(u32::try_from(beyond).unwrap_or(u32::MAX));
        Some(Lifetime(self.first.0.saturating_mul(factor)).min(self.longest))
    }
}

/// An IPv4 /24 or an IPv6 /64: what one subscriber or one small network gets.
fn address_block(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

/// The IPv6 /48 around it. An IPv4 address has no such thing: its blocks are scarce.
fn wider_network(address: IpAddr) -> Option<String> {
    match address.to_canonical() {
        IpAddr::V4(_) => None,
        IpAddr::V6(address) => {
            let [a, b, c, ..] = address.segments();
            Some(format!("{a:x}:{b:x}:{c:x}::/48"))
        }
    }
}

fn key(kind: &str, name: &str) -> String {
    let digest = Sha256::new().chain_update(kind).chain_update(":").chain_update(name).finalize();
    let bits = digest.iter().take(3).fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte));
    format!("{kind}:{:05x}", bits >> 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_beyond_the_free_ones_blocks_twice_as_long_up_to_an_hour() {
        let blocks: Vec<_> = (1..=14).map(|failures| ACCOUNT.block(failures).map(|span| span.0)).collect();
        assert_eq!(&blocks[..4], &[None; 4]);
        assert_eq!(
            blocks[4..].iter().flatten().copied().collect::<Vec<_>>(),
            [30, 60, 120, 240, 480, 960, 1_920, 3_600, 3_600, 3_600]
        );
        assert_eq!(ACCOUNT.block(i64::MAX), Some(Lifetime::hours(1)));
    }

    #[test]
    fn neighbours_share_a_counter_and_strangers_do_not() {
        let block = |text: &str| address_block(text.parse().unwrap());
        assert_eq!(block("192.0.2.7"), block("192.0.2.200"));
        assert_ne!(block("192.0.2.7"), block("192.0.3.7"));
        assert_eq!(block("192.0.2.7"), block("::ffff:192.0.2.9"), "an IPv4 address is one, however it is written");
        assert_eq!(block("2001:db8::1"), block("2001:db8::ffff:1:2"));
        assert_ne!(block("2001:db8::1"), block("2001:db8:0:1::1"));
    }

    #[test]
    fn what_a_connection_has_of_ipv6_is_one_network() {
        let network = |text: &str| wider_network(text.parse().unwrap());
        assert_eq!(network("2001:db8:1::1"), network("2001:db8:1:ffff::1"));
        assert_ne!(network("2001:db8:1::1"), network("2001:db8:2::1"));
        assert_eq!(network("192.0.2.7"), None);
        assert_eq!(network("::ffff:192.0.2.7"), None);
    }

    #[test]
    fn all_strangers_together_are_never_blocked() {
        assert_eq!(EVERYBODY.block(1_000_000_000), None);
    }

    #[test]
    fn a_key_tells_no_name_and_there_are_not_endlessly_many() {
        let own = key("account", "alice");
        assert_eq!(own.len(), "account:".len() + 5);
        assert!(!own.contains("alice"));
        assert_ne!(own, key("account", "bob"));
        assert_ne!(own.split(':').nth(1), key("address", "alice").split(':').nth(1));
    }
}

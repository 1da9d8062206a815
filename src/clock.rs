//! The only place that asks the system for the time.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use crate::protocol::{Lifetime, Timestamp};

/// Where the time comes from: the system, or a test that moves it by hand.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The system's clock.
    System,
    /// A clock that stands still until it is moved.
    Fixed(Arc<AtomicI64>),
}

impl Clock {
    /// A clock that shows `at` until [`Clock::advance`] moves it.
    #[must_use]
    pub fn fixed(at: Timestamp) -> Self {
        Self::Fixed(Arc::new(AtomicI64::new(at.0)))
    }

    /// The time, in whole seconds. Read it once per request and pass it down.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        match self {
            Self::System => Timestamp(system_seconds()),
            Self::Fixed(at) => Timestamp(at.load(Ordering::SeqCst)),
        }
    }

    /// Move a fixed clock; the system's clock does not move.
    pub fn advance(&self, by: Lifetime) {
        if let Self::Fixed(at) = self {
            at.fetch_add(by.0, Ordering::SeqCst);
        }
    }
}

fn system_seconds() -> i64 {
    wall().0
}

/// What the system's clock shows, in seconds and milliseconds: for the log, which tells of a machine what happened on it.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the clock that everything else asks")]
pub fn wall() -> (i64, u32) {
    // A machine whose clock stands before 1970 is refused by the check against the database's clock.
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    (i64::try_from(since.as_secs()).unwrap_or(i64::MAX), since.subsec_millis())
}

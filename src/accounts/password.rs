//! Passwords: argon2id, in a pool that a flood of logins cannot make grow.
//!
//! One verification takes 19 MiB and a core for some twenty milliseconds, so it is the cheapest way to bring a login
//! server down. At most half the cores verify for strangers at any time, a known device has a lane of its own, and a
//! queue that is full says so at once. The threads that serve tokens never hash.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use argon2::{
    Params, PasswordHasher, PasswordVerifier, Version,
    password_hash::{Error as HashError, phc::PasswordHash},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

use super::argon2id::Hasher;
use crate::{
    protocol::{Error, ErrorCode, PlainSecret, Refusal, Result},
    random::Random,
};

/// Where passwords are hashed. Cheap to clone; one per process.
#[derive(Clone)]
pub struct Passwords(Arc<Pool>);

struct Pool {
    strangers: Lane,
    known: Lane,
    argon2: Hasher,
    /// What stands in for the password of nobody, so that a name that is unknown costs the same.
    nobody: String,
    runs: AtomicU64,
}

/// So many at once, and so many in all, waiting ones included.
struct Lane {
    places: Arc<Semaphore>,
    workers: Arc<Semaphore>,
}

/// In which queue to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queue {
    /// With everybody.
    Strangers,
    /// In the one kept free for browsers that have signed the user in before.
    KnownDevice,
}

/// The right to hash once, now.
pub struct Turn {
    pool: Arc<Pool>,
    held: Held,
}

/// A place in the queue and a worker, until the hash is made.
struct Held {
    _place: OwnedSemaphorePermit,
    _worker: OwnedSemaphorePermit,
}

/// What a verification found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is not the password.
    Wrong,
    /// It is.
    Right,
    /// It is, and this hash of it is made with today's parameters while the stored one is not.
    RightAndRehashed(String),
}

/// Why a password cannot be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unusable {
    /// It has fewer than [`SHORTEST`] characters, counted as they are hashed.
    TooShort,
    /// It has more than [`LONGEST`].
    TooLong,
    /// It holds a NUL.
    Nul,
}

impl From<Unusable> for Refusal {
    fn from(unusable: Unusable) -> Self {
        let what = match unusable {
            Unusable::TooShort => format!("a password has at least {SHORTEST} characters"),
            Unusable::TooLong => format!("a password has at most {LONGEST} characters"),
            Unusable::Nul => "a password cannot hold a NUL character".to_owned(),
        };
        Self::new(ErrorCode::InvalidRequest, what)
    }
}

impl Passwords {
    /// A pool for this machine.
    #[must_use]
    pub fn new() -> Self {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        Self::sized((cores / 2).max(1), (cores / 4).max(1), WAITING)
    }

    /// A pool of so many workers for strangers, so many more for known devices, and so many waiting for each of the two.
    #[must_use]
    pub fn sized(strangers: usize, known: usize, waiting: usize) -> Self {
        let lane = |workers: usize| Lane {
            places: Arc::new(Semaphore::new(workers.saturating_add(waiting))),
            workers: Arc::new(Semaphore::new(workers)),
        };
        let params = Params::new(MEMORY_KIB, PASSES, LANES, None).unwrap_or_default();
        let nobody = format!("$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p={LANES}${NOBODYS_SALT}${NOBODYS_OUTPUT}");
        Self(Arc::new(Pool {
            strangers: lane(strangers),
            known: lane(known),
            argon2: Hasher::new(params),
            nobody,
            runs: AtomicU64::new(0),
        }))
    }

    /// Wait for a turn.
    ///
    /// # Errors
    /// `temporarily_unavailable` when too many wait already.
    pub async fn turn(&self, queue: Queue) -> Result<Turn> {
        let pool = &self.0;
        let held = match queue {
            Queue::Strangers => pool.strangers.enter().await?,
            Queue::KnownDevice => match pool.strangers.enter_at_once() {
                Some(held) => held,
                None => pool.known.enter().await?,
            },
        };
        Ok(Turn { pool: pool.clone(), held })
    }

    /// The hash of a new password, as a PHC string.
    ///
    /// # Errors
    /// `invalid_request` for a password that cannot be set, `temporarily_unavailable` when too many wait already.
    pub async fn hash(&self, password: &PlainSecret, random: &Random) -> Result<String> {
        let password = acceptable(password).map_err(Refusal::from)?;
        let (turn, salt) = (self.turn(Queue::Strangers).await?, random.bytes::<16>());
        turn.run(move |argon2| hash(argon2, &password, &salt)).await
    }

    /// How many hashes were made so far: what a wrong name and a wrong password both raise by one.
    #[must_use]
    pub fn runs(&self) -> u64 {
        self.0.runs.load(Ordering::Relaxed)
    }
}

impl Default for Passwords {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Passwords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passwords")
    }
}

impl Turn {
    /// Compare a password with a stored hash; without one, with nobody's, which takes as long and never fits.
    ///
    /// # Errors
    /// When the stored hash cannot be read.
    pub async fn verify(self, password: &PlainSecret, stored: Option<String>, random: &Random) -> Result<Verdict> {
        // What cannot be set cannot be right; it takes as long to say so.
        let (password, stored) = match acceptable(password) {
            Ok(password) => (password, stored),
            Err(_) => (Zeroizing::new(String::new()), None),
        };
        let salt = random.bytes::<16>();
        let (is_somebody, stored) = match stored {
            Some(stored) => (true, stored),
            None => (false, self.pool.nobody.clone()),
        };
        self.run(move |argon2| {
            let stored = PasswordHash::new(&stored)?;
            match argon2.verify_password(password.as_bytes(), &stored) {
                Ok(()) if !is_somebody => Ok(Verdict::Wrong),
                Ok(()) if is_current(argon2, &stored) => Ok(Verdict::Right),
                Ok(()) => Ok(Verdict::RightAndRehashed(hash(argon2, &password, &salt)?)),
                Err(HashError::PasswordInvalid) => Ok(Verdict::Wrong),
                Err(error) => Err(error),
            }
        })
        .await
    }

    async fn run<T: Send + 'static>(
        self,
        work: impl FnOnce(&Hasher) -> std::result::Result<T, HashError> + Send + 'static,
    ) -> Result<T> {
        let Self { pool, held } = self;
        pool.runs.fetch_add(1, Ordering::Relaxed);
        let done = tokio::task::spawn_blocking(move || {
            let done = work(&pool.argon2);
            // Only now: an asker who hangs up does not free the memory that is still in use.
            drop(held);
            done
        });
        Ok(done.await??)
    }
}

impl Lane {
    async fn enter(&self) -> Result<Held> {
        let place = self.places.clone().try_acquire_owned().map_err(|_| busy())?;
        let worker = self.workers.clone().acquire_owned().await?;
        Ok(Held { _place: place, _worker: worker })
    }

    fn enter_at_once(&self) -> Option<Held> {
        let place = self.places.clone().try_acquire_owned().ok()?;
        let worker = self.workers.clone().try_acquire_owned().ok()?;
        Some(Held { _place: place, _worker: worker })
    }
}

fn busy() -> Error {
    tracing::info!(
        event = "password_queue_full",
        hint = "more sign-ins than this machine can hash passwords for: an attack, or a machine too small",
        "somebody who wanted to sign in was asked to come back"
    );
    let refusal = Refusal::new(
        ErrorCode::TemporarilyUnavailable,
        "too many people are signing in at the moment; try again in a few seconds",
    );
    refusal.hint("the queue for password hashing is full").into()
}

/// Whether a password can be set, without the work of hashing it.
///
/// # Errors
/// What is the matter with it.
pub fn check(password: &PlainSecret) -> std::result::Result<(), Unusable> {
    acceptable(password).map(drop)
}

/// A password as it is hashed: composed (NFC), every kind of space an ordinary one (RFC 8265 §4.2, OpaqueString), so
/// that it does not matter which keyboard typed it. Nothing else is changed: `ﬁ` and `fi` are two passwords.
fn acceptable(password: &PlainSecret) -> std::result::Result<Zeroizing<String>, Unusable> {
    let text = password.expose();
    // Before anything that takes time.
    if text.len() > LONGEST * MOST_BYTES {
        return Err(Unusable::TooLong);
    }
    let space = |c: char| if c.is_whitespace() && !c.is_control() { ' ' } else { c };
    let normal = Zeroizing::new(text.chars().map(space).nfc().collect::<String>());
    if normal.chars().count() < SHORTEST {
        return Err(Unusable::TooShort);
    }
    if normal.chars().count() > LONGEST {
        return Err(Unusable::TooLong);
    }
    if normal.contains('\0') {
        return Err(Unusable::Nul);
    }
    Ok(normal)
}

fn hash(argon2: &Hasher, password: &str, salt: &[u8]) -> std::result::Result<String, HashError> {
    let hash: PasswordHash = argon2.hash_password_with_salt(password.as_bytes(), salt)?;
    Ok(hash.to_string())
}

fn is_current(argon2: &Hasher, stored: &PasswordHash) -> bool {
    stored.algorithm.as_str() == "argon2id"
        && stored.version == Some(Version::V0x13.into())
        && Params::try_from(stored).is_ok_and(|params| {
            let own = argon2.params();
            (params.m_cost(), params.t_cost(), params.p_cost()) == (own.m_cost(), own.t_cost(), own.p_cost())
        })
}

// OWASP Password Storage Cheat Sheet, argon2id: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// So many characters a password has at least.
pub const SHORTEST: usize = 8;
/// And so many at most.
pub const LONGEST: usize = 1024;

/// A composed character is typed as at most four, of at most three bytes each (Unicode Standard Annex 15).
const MOST_BYTES: usize = 12;

/// How many may wait in each queue: two seconds' worth or so.
const WAITING: usize = 64;

const NOBODYS_SALT: &str = "bm9ib2R5J3MgcGFzc3dvcg";
const NOBODYS_OUTPUT: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> PlainSecret {
        PlainSecret::new(text)
    }

    async fn verify(passwords: &Passwords, password: &str, stored: Option<&str>) -> Verdict {
        let turn = passwords.turn(Queue::Strangers).await.unwrap();
        turn.verify(&secret(password), stored.map(str::to_owned), &Random::seeded(2)).await.unwrap()
    }

    #[tokio::test]
    async fn a_password_is_kept_as_argon2id_with_owasps_parameters() {
        let passwords = Passwords::sized(1, 1, 4);
        let stored = passwords.hash(&secret("correct horse"), &Random::seeded(1)).await.unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert_eq!(verify(&passwords, "correct horse", Some(&stored)).await, Verdict::Right);
        assert_eq!(verify(&passwords, "correct house", Some(&stored)).await, Verdict::Wrong);
        let again = passwords.hash(&secret("correct horse"), &Random::seeded(3)).await.unwrap();
        assert_ne!(stored, again, "the salt is random");
    }

    #[tokio::test]
    async fn nobody_costs_as_much_as_somebody() {
        let passwords = Passwords::sized(1, 1, 4);
        for password in ["correct horse", "", "nul\0nul\0nul", &"x".repeat(60_000)] {
            let before = passwords.runs();
            assert_eq!(verify(&passwords, password, None).await, Verdict::Wrong);
            assert_eq!(passwords.runs(), before + 1);
        }
        assert!(PasswordHash::new(&passwords.0.nobody).is_ok_and(|nobody| is_current(&passwords.0.argon2, &nobody)));
    }

    #[tokio::test]
    async fn a_password_kept_under_older_parameters_is_kept_anew() {
        let passwords = Passwords::sized(1, 1, 4);
        let old = Hasher::new(Params::new(64, 1, 1, None).unwrap());
        let stored = hash(&old, "correct horse", b"0123456789abcdef").unwrap();
        let Verdict::RightAndRehashed(new) = verify(&passwords, "correct horse", Some(&stored)).await else {
            panic!("the old hash is not noticed");
        };
        assert_eq!(verify(&passwords, "correct horse", Some(&new)).await, Verdict::Right);
        assert_eq!(verify(&passwords, "another horse", Some(&stored)).await, Verdict::Wrong);
    }

    #[tokio::test]
    async fn passwords_too_short_too_long_or_with_a_nul_cannot_be_set() {
        let passwords = Passwords::sized(1, 1, 4);
        for bad in ["", "seven77", "\u{1f511}\u{1f511}", "nul\0nul\0nul", &"x".repeat(1025), &"x".repeat(60_000)] {
            let refused = passwords.hash(&secret(bad), &Random::seeded(1)).await;
            assert!(matches!(refused, Err(Error::Refused(ref refusal)) if refusal.code == ErrorCode::InvalidRequest));
        }
        assert_eq!(passwords.runs(), 0, "a refused password costs nothing");
        for good in ["eight888", &"\u{1f511}".repeat(8), &"\u{1f511}".repeat(1024)] {
            assert!(passwords.hash(&secret(good), &Random::seeded(1)).await.is_ok());
        }
    }

    #[test]
    fn keyboards_differ_but_characters_do_not() {
        let normal = |text: &str| acceptable(&secret(text)).unwrap();
        assert_eq!(normal("cafe\u{301} au lait"), normal("café\u{a0}au\u{3000}lait"));
        assert_ne!(normal("\u{fb01}sh and chips"), normal("fish and chips"));
        assert_ne!(normal("Correct Horse"), normal("correct horse"));
    }

    #[tokio::test]
    async fn a_full_queue_says_so_and_a_known_device_goes_past_it() {
        let passwords = Passwords::sized(1, 1, 0);
        let held = passwords.turn(Queue::Strangers).await.unwrap();
        let refused = passwords.turn(Queue::Strangers).await;
        assert!(matches!(refused, Err(Error::Refused(refusal)) if refusal.code == ErrorCode::TemporarilyUnavailable));
        let known = passwords.turn(Queue::KnownDevice).await.unwrap();
        let verdict = known.verify(&secret("correct horse"), None, &Random::seeded(1)).await.unwrap();
        assert_eq!(verdict, Verdict::Wrong);
        drop(held);
        assert!(passwords.turn(Queue::Strangers).await.is_ok());
    }

    #[tokio::test]
    async fn an_asker_who_hangs_up_frees_the_place_only_when_the_work_is_done() {
        let passwords = Passwords::sized(1, 1, 0);
        let (begun, begins) = std::sync::mpsc::channel::<()>();
        let (finish, finishes) = std::sync::mpsc::channel::<()>();
        let turn = passwords.turn(Queue::Strangers).await.unwrap();
        let asker = tokio::spawn(turn.run(move |_| {
            begun.send(()).unwrap();
            finishes.recv().unwrap();
            Ok(())
        }));
        tokio::task::spawn_blocking(move || begins.recv().unwrap()).await.unwrap();
        asker.abort();
        assert!(asker.await.unwrap_err().is_cancelled());
        assert!(passwords.turn(Queue::Strangers).await.is_err(), "the memory is still in use");
        finish.send(()).unwrap();
        while passwords.turn(Queue::Strangers).await.is_err() {
            tokio::task::yield_now().await;
        }
    }
}

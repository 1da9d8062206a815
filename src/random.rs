//! The only source of chance.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use rand::{Rng, SeedableRng, rngs::StdRng};

/// Where random bytes come from: the operating system, or a seed, so that a test can be repeated.
#[derive(Clone)]
pub enum Random {
    /// The operating system's generator.
    System,
    /// A generator that gives the same bytes for the same seed. For tests alone.
    Seeded(Arc<Mutex<StdRng>>),
}

impl Random {
    /// A repeatable generator for tests.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self::Seeded(Arc::new(Mutex::new(StdRng::seed_from_u64(seed))))
    }

    /// `N` random bytes.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the chance that everything else asks")]
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        match self {
            Self::System => rand::rng().fill_bytes(&mut bytes),
            Self::Seeded(rng) => rng.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(&mut bytes),
        }
        bytes
    }

    /// 256 random bits as 43 characters of base64url: what nobody can guess.
    #[must_use]
    pub fn token(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.bytes::<32>())
    }

    /// 128 random bits as 22 characters of base64url: what never comes twice.
    #[must_use]
    pub fn id(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.bytes::<16>())
    }
}

impl fmt::Debug for Random {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::System => "Random::System",
            Self::Seeded(_) => "Random::Seeded",
        })
    }
}

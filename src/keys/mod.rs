//! The keys of the server: made here, sealed in the database, published to the world, replaced on schedule. Most sign;
//! where the settings say so, there are others for which clients encrypt.
//!
//! A key is *next* (published, so that everybody has it before it signs), then *active*, then *retired* (published
//! until the last token it signed has ended), then *gone* (its public half is kept sealed, so that old ID tokens
//! still count as logout hints). A key that was lost to somebody else is *dropped*: from then on nothing it signed
//! counts for anything. See [`rotation`].
//!
//! Nothing in the database is believed unless the master key sealed it: who can write rows cannot add a key, move a
//! sealed key to another row, or change the state of one. See [`master_key`].

mod compact;
pub mod decryption;
pub mod encryption;
mod error;
pub mod jwk;
pub mod jwk_set;
pub mod keyring;
pub mod master_key;
mod pairwise_key;
pub mod published;
mod refresh_key;
mod reseal;
pub mod rotation;
mod sealed_row;
pub mod shared_secret;

pub use decryption::BadJwe;
pub use encryption::Content;
pub use error::{KeyError, setting_of};
pub use jwk_set::{BadJwkSet, BadJws, JwkSet, SignedBy};
pub use keyring::{Keyring, Verified};
pub use master_key::MasterKey;
pub use pairwise_key::PairwiseKey;
pub use published::Published;
pub use refresh_key::RefreshKey;
pub use reseal::{load_and_rebind, reseal};
pub use rotation::{Listed, Mode, Outcome};
pub use sealed_row::State;

use crate::protocol::{Algorithm, KeyAlgorithm, KeyManagement, Lifetime};

/// What an operator can say about the keys, and what their life depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySettings {
    /// The algorithms for which keys are kept; the first is the default.
    pub algorithms: Vec<Algorithm>,
    /// The algorithms by which clients may encrypt for this server; a key is kept for each.
    pub encryption_algorithms: Vec<KeyManagement>,
    /// How long a key signs before it is replaced.
    pub rotate_every: Lifetime,
    /// How long a key has to be published before it signs.
    pub announce: Lifetime,
    /// The size of new RSA keys: 2048, 3072 or 4096.
    pub rsa_bits: usize,
    /// The longest life of anything that is signed: a retired key is published for as long.
    pub longest_token: Lifetime,
    /// The longest life of a browser session: a gone key is remembered for as long, for logout hints.
    pub longest_session: Lifetime,
}

impl Default for KeySettings {
    fn default() -> Self {
        Self {
            algorithms: vec![Algorithm::RS256],
            encryption_algorithms: Vec::new(),
            rotate_every: Lifetime::days(30),
            announce: Lifetime::hours(24),
            rsa_bits: 2048,
            longest_token: Lifetime::minutes(15),
            longest_session: Lifetime::days(30),
        }
    }
}

impl KeySettings {
    /// Everything for which a ring of keys is kept: an active one and a next one.
    pub fn rings(&self) -> impl Iterator<Item = KeyAlgorithm> {
        let signing = self.algorithms.iter().copied().map(KeyAlgorithm::from);
        signing.chain(self.encryption_algorithms.iter().copied().map(KeyAlgorithm::from))
    }
}

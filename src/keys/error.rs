//! What can go wrong with keys, in sentences that say what to do.

use std::path::PathBuf;

use josekit::JoseError;

use crate::{protocol::KeyAlgorithm, store::StoreError};

/// Why a key cannot be had. [`KeyError::hint`] says what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The database holds sealed keys, and this node has no master key.
    #[error("the keys in the database are sealed, and there is no master key at {}", .0.display())]
    MasterKeyMissing(PathBuf),
    /// The master key is not the one that sealed the database.
    #[error("the master key does not open the keys in the database: they are sealed under another one")]
    MasterKeyWrong,
    /// The master key is not 32 bytes in base64url.
    #[error(
        "the master key (`keys.master_key`, else what is in `keys.file`) is malformed: expected 32 bytes in base64url (43 characters)"
    )]
    MasterKeyMalformed,
    /// The file of the master key cannot be read or written.
    #[error("the master key file {} (`keys.file`) cannot be used", .0.display())]
    MasterKeyFile(PathBuf, #[source] std::io::Error),
    /// The keys belong to another issuer.
    #[error("the keys in the database were sealed for the issuer `{sealed}`, but the issuer is `{ours}`")]
    OtherIssuer {
        /// The issuer they were sealed for.
        sealed: String,
        /// The issuer of this server.
        ours: String,
    },
    /// A sealed value does not belong where it stands.
    #[error("{0} has been tampered with: it does not open as what its row says it is")]
    Tampered(String),
    /// The next key has not been published for long enough.
    #[error(
        "the next {alg} key has been published for too short a time: it can sign from {ready_at} (unix seconds) on"
    )]
    TooYoung {
        /// Its algorithm.
        alg: KeyAlgorithm,
        /// When it may sign.
        ready_at: i64,
    },
    /// There is no ring for an algorithm.
    #[error("no {0} keys are kept: `{setting}` does not name it", setting = setting_of(*.0))]
    NoRing(KeyAlgorithm),
    /// The text is not a private key in a known format.
    #[error("this is not a private key: expected PEM (PKCS#8, PKCS#1) or a JWK")]
    NotAKey,
    /// The numbers of the key do not belong together.
    #[error("the parts of this key contradict each other")]
    Contradictory,
    /// Only a public half was given.
    #[error("this is a public key: signing needs the private one")]
    PublicOnly,
    /// The key is encrypted under a passphrase.
    #[error("this key is encrypted under a passphrase")]
    Encrypted,
    /// The key is of a kind that no algorithm here can use.
    #[error("this key cannot sign with {0}")]
    WrongKind(&'static str),
    /// The RSA key is too short.
    #[error("this RSA key has {0} bits: 2048 are the least that is safe")]
    TooShort(usize),
    /// The key is in the database already.
    #[error("key {0} is in the ring already, as {1}")]
    AlreadyThere(String, String),
    /// The library that signs refused.
    #[error("a key could not be used")]
    Jose(#[from] JoseError),
    /// The library that makes RSA keys refused.
    #[error("an RSA key could not be made")]
    Rsa(#[from] rsa::Error),
    /// The thread that makes keys ended early.
    #[error("the making of a key was interrupted")]
    Interrupted(#[from] tokio::task::JoinError),
    /// The database refused.
    #[error("the keys cannot be read from the database, or not be written to it")]
    Store(#[from] StoreError),
}

impl KeyError {
    /// What the operator can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Store(error) => error.hint(),
            Self::MasterKeyMissing(_) => Some(
                "copy the file from the node that made it (or set LATCHKEY_KEYS_MASTER_KEY); without it the sealed keys are lost",
            ),
            Self::MasterKeyWrong => Some(
                "use the master key of the node that first opened this database, or the one `latchkey key reseal` made since",
            ),
            Self::MasterKeyMalformed => Some("make one with `openssl rand 32 | basenc --base64url | tr -d =`"),
            Self::MasterKeyFile(..) => Some("let this user read and write it, and nobody else: chmod 600"),
            Self::OtherIssuer { .. } => Some(
                "set the issuer back, or, if the server has really moved, bind the keys to the new one: latchkey key reseal --same-key",
            ),
            Self::Tampered(_) => Some(
                "somebody has written to the database; restore a backup, then `latchkey key rotate --emergency --all`",
            ),
            Self::TooYoung { .. } => {
                Some("--now promotes it all the same; apps that have not fetched it yet will stumble once")
            }
            Self::NoRing(_) => Some("add it to that setting"),
            Self::Encrypted => Some("decrypt it first: openssl pkcs8 -in FILE -out PLAIN"),
            Self::PublicOnly | Self::NotAKey | Self::Contradictory | Self::WrongKind(_) => {
                Some("RSA (2048 bits or more), EC on P-256 and Ed25519 keys can be imported")
            }
            Self::TooShort(_) => Some("make a longer one: openssl genrsa 2048"),
            _ => None,
        }
    }
}

/// The setting that says that keys are kept for that.
#[must_use]
pub fn setting_of(alg: KeyAlgorithm) -> &'static str {
    match alg {
        KeyAlgorithm::Signature(_) => "keys.algorithms",
        KeyAlgorithm::Encryption(_) => "keys.encryption_algorithms",
    }
}

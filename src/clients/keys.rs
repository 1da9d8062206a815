//! The public keys of clients: registered by value (`jwks`), or read from where the client keeps them (`jwks_uri`).

use std::{
    convert::Infallible,
    sync::{Arc, PoisonError},
};

use quick_cache::sync::Cache;
use tokio::sync::Mutex;
use url::Url;

use super::Client;
use crate::{
    keys::{BadJwkSet, BadJws, Content, JwkSet, KeyError, SignedBy},
    outgoing::{Outgoing, Unanswered},
    protocol::{Algorithm, ContentEncryption, KeyManagement, Lifetime, Timestamp},
};

/// The keys of clients. Cheap to clone; all clones share what was fetched.
#[derive(Clone)]
pub struct ClientKeys(Arc<Inner>);

struct Inner {
    outgoing: Outgoing,
    /// By client, so that each has one, however often it moves its keys.
    kept: Cache<String, Arc<Kept>>,
}

/// What is kept of a client's `jwks_uri`.
#[derive(Default)]
struct Kept {
    last: std::sync::Mutex<Last>,
    /// Held by whoever fetches, so that a crowd of requests makes one call.
    fetching: Mutex<()>,
}

#[derive(Clone, Default)]
struct Last {
    uri: String,
    set: Option<Arc<JwkSet>>,
    /// When the set was read.
    at: Option<Timestamp>,
    /// When somebody last tried to.
    tried_at: Option<Timestamp>,
}

/// Why the keys of a client are of no use: a signature or a certificate does not count by them, or nothing can be encrypted.
#[derive(Debug, thiserror::Error)]
pub enum BadKeys {
    /// The client has registered no keys.
    #[error("the client has registered no keys")]
    NoKeys,
    /// Its keys cannot be read from where it keeps them.
    #[error("its jwks_uri cannot be read")]
    Unanswered(#[from] Unanswered),
    /// What it keeps there are no keys.
    #[error("its keys cannot be used")]
    BadSet(#[from] BadJwkSet),
    /// Its keys could not be read moments ago, and that is not tried again so soon.
    #[error("its jwks_uri could not be read moments ago")]
    Moments,
    /// It is not signed by one of them.
    #[error(transparent)]
    Jws(#[from] BadJws),
    /// None of them is for encryption by the algorithm that the client has registered.
    #[error("it has no key for encryption by {0}")]
    NoKeyFor(KeyManagement),
    /// Encrypting failed.
    #[error("the library cannot encrypt with its key")]
    Library(#[from] KeyError),
}

impl BadKeys {
    /// Whether it is the client's own host that is in the way, which may be back in a moment.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Unanswered(Unanswered::Barred(_)) => false,
            Self::Unanswered(_) | Self::BadSet(_) | Self::Moments => true,
            Self::NoKeys | Self::Jws(_) | Self::NoKeyFor(_) | Self::Library(_) => false,
        }
    }

    /// Whether a newer set of keys may do better.
    fn may_be_of_old_keys(&self) -> bool {
        matches!(self, Self::Jws(BadJws::NoKey | BadJws::Signature) | Self::NoKeyFor(_))
    }
}

impl ClientKeys {
    /// Keys that are fetched by that client for calls.
    #[must_use]
    pub fn new(outgoing: Outgoing) -> Self {
        Self(Arc::new(Inner { outgoing, kept: Cache::new(MOST_SETS) }))
    }

    /// What was signed by one of the client's keys and one of these algorithms. Keys that are kept elsewhere are read
    /// again when they are old, and when the signature is by none of them, as after a rotation; yet not more often than
    /// every few seconds, whatever strangers send in the client's name.
    ///
    /// # Errors
    /// Why it does not count.
    pub async fn verify(
        &self,
        client: &Client,
        token: &str,
        accepted: &[Algorithm],
        now: Timestamp,
    ) -> Result<SignedBy, BadKeys> {
        self.ask(client, now, |set| Ok(set.verify(token, accepted)?)).await
    }

    /// The content, encrypted for the client alone. Keys that are kept elsewhere are read again as for [`Self::verify`].
    ///
    /// # Errors
    /// Why it cannot be.
    pub async fn encrypt(
        &self,
        client: &Client,
        (alg, enc): (KeyManagement, ContentEncryption),
        content: Content<'_>,
        now: Timestamp,
    ) -> Result<String, BadKeys> {
        let encrypt = |set: &JwkSet| set.encrypt(alg, enc, content)?.ok_or(BadKeys::NoKeyFor(alg));
        self.ask(client, now, encrypt).await
    }

    /// That this is the certificate of one of the client's keys, which are read as for [`ClientKeys::verify`].
    ///
    /// # Errors
    /// Why it does not count.
    pub async fn have_certificate(&self, client: &Client, der: &[u8], now: Timestamp) -> Result<(), BadKeys> {
        self.ask(client, now, |set| Ok(set.have_certificate(der)?)).await
    }

    async fn ask<T>(
        &self,
        client: &Client,
        now: Timestamp,
        question: impl Fn(&JwkSet) -> Result<T, BadKeys>,
    ) -> Result<T, BadKeys> {
        if let Some(own) = &client.metadata.jwks {
            return question(&JwkSet::read(own.to_string().as_bytes())?);
        }
        let uri = client.metadata.jwks_uri.as_deref().ok_or(BadKeys::NoKeys)?;
        let Ok(kept) = self.0.kept.get_or_insert_with(&client.id, || Ok::<_, Infallible>(Arc::default()));
        let mut last = kept.of(uri);
        let mut trouble = None;
        if last.at.is_none_or(|at| at + FRESH <= now) {
            (last, trouble) = self.fetch(uri, &kept, last, now).await;
        }
        if let Some(set) = &last.set {
            match question(set) {
                Err(error) if error.may_be_of_old_keys() => {}
                other => return other,
            }
            (last, trouble) = self.fetch(uri, &kept, last, now).await;
        }
        match (trouble, last.set) {
            (_, Some(set)) => question(&set),
            (Some(trouble), None) => Err(trouble),
            (None, None) => Err(BadKeys::Moments),
        }
    }

    /// Read the keys anew, unless somebody has just tried, and say why that came to nothing. Those that were read last
    /// stay while their place cannot be reached, for an hour.
    async fn fetch(&self, uri: &str, kept: &Kept, seen: Last, now: Timestamp) -> (Last, Option<BadKeys>) {
        let _alone = kept.fetching.lock().await;
        let mut last = kept.of(uri);
        let was_fetched = last.tried_at != seen.tried_at;
        if was_fetched || last.tried_at.is_some_and(|at| at + AGAIN > now) {
            return (last, None);
        }
        last.tried_at = Some(now);
        let trouble = match self.read(uri).await {
            Ok(set) => {
                (last.set, last.at) = (Some(Arc::new(set)), Some(now));
                None
            }
            Err(trouble) => {
                last.set.take_if(|_| last.at.is_none_or(|at| at + LONGEST <= now));
                Some(trouble)
            }
        };
        *kept.last.lock().unwrap_or_else(PoisonError::into_inner) = last.clone();
        (last, trouble)
    }

    async fn read(&self, uri: &str) -> Result<JwkSet, BadKeys> {
        // What does not parse was never registered.
        let url = Url::parse(uri).map_err(|_| BadKeys::NoKeys)?;
        let answer = self.0.outgoing.get(&url, "application/jwk-set+json, application/json", LONGEST_SET).await?;
        Ok(JwkSet::read(&answer.body)?)
    }
}

impl Kept {
    /// What is known of the keys at that address; of another that the client had before, nothing counts any more.
    fn of(&self, uri: &str) -> Last {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if last.uri == uri { last } else { Last { uri: uri.to_owned(), ..Last::default() } }
    }
}

/// How long a set is used before it is read again, signature or no.
const FRESH: Lifetime = Lifetime::minutes(10);
/// How long it is used when its place cannot be reached.
const LONGEST: Lifetime = Lifetime::hours(1);
/// How soon it may be read again.
const AGAIN: Lifetime = Lifetime::seconds(5);
/// In bytes.
const LONGEST_SET: usize = 64 * 1024;
/// How many sets are remembered.
const MOST_SETS: usize = 1_000;

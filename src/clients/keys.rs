//! The public keys of clients: registered by value (`jwks`), or read from where the client keeps them (`jwks_uri`).

use std::{convert::Infallible, sync::Arc};

use quick_cache::sync::Cache;
use tokio::sync::Mutex;
use url::Url;

use super::Client;
use crate::{
    keys::{BadJwkSet, BadJws, JwkSet, SignedBy},
    outgoing::{Outgoing, Unanswered},
    protocol::{Algorithm, Lifetime, Timestamp},
};

/// The keys of clients. Cheap to clone; all clones share what was fetched.
#[derive(Clone)]
pub struct ClientKeys(Arc<Inner>);

struct Inner {
    outgoing: Outgoing,
    /// By `jwks_uri`. Whoever fetches holds the lock, so that a crowd of requests makes one call.
    fetched: Cache<String, Arc<Mutex<Fetched>>>,
}

#[derive(Default)]
struct Fetched {
    set: Option<JwkSet>,
    /// When that was last read.
    at: Option<Timestamp>,
    /// When somebody last tried to.
    tried_at: Option<Timestamp>,
    /// Why that came to nothing, for the first who hears of it.
    trouble: Option<BadSignature>,
}

/// Why a signature of a client does not count.
#[derive(Debug, thiserror::Error)]
pub enum BadSignature {
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
}

impl ClientKeys {
    /// Keys that are fetched by that client for calls.
    #[must_use]
    pub fn new(outgoing: Outgoing) -> Self {
        Self(Arc::new(Inner { outgoing, fetched: Cache::new(MOST_SETS) }))
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
    ) -> Result<SignedBy, BadSignature> {
        if let Some(own) = &client.metadata.jwks {
            return Ok(JwkSet::read(own.to_string().as_bytes())?.verify(token, accepted)?);
        }
        let uri = client.metadata.jwks_uri.as_deref().ok_or(BadSignature::NoKeys)?;
        let Ok(entry) = self.0.fetched.get_or_insert_with(uri, || Ok::<_, Infallible>(Arc::default()));
        let mut fetched = entry.lock().await;
        fetched.trouble = None;
        if fetched.at.is_none_or(|at| at + FRESH <= now) {
            self.fetch(uri, &mut fetched, now).await;
        }
        if let Some(set) = &fetched.set {
            match set.verify(token, accepted) {
                Err(BadJws::NoKey | BadJws::Signature) => {}
                other => return Ok(other?),
            }
            self.fetch(uri, &mut fetched, now).await;
        }
        match (fetched.trouble.take(), &fetched.set) {
            (None, Some(set)) => Ok(set.verify(token, accepted)?),
            (Some(trouble), _) => Err(trouble),
            (None, None) => Err(BadSignature::Moments),
        }
    }

    /// Read the keys anew, unless somebody tried just now. Those that were read last stay while their place cannot be
    /// reached, for a day.
    async fn fetch(&self, uri: &str, fetched: &mut Fetched, now: Timestamp) {
        if fetched.tried_at.is_some_and(|at| at + AGAIN > now) {
            return;
        }
        fetched.tried_at = Some(now);
        match self.read(uri).await {
            Ok(set) => *fetched = Fetched { set: Some(set), at: Some(now), tried_at: Some(now), trouble: None },
            Err(trouble) => {
                fetched.set.take_if(|_| fetched.at.is_none_or(|at| at + LONGEST <= now));
                fetched.trouble = Some(trouble);
            }
        }
    }

    async fn read(&self, uri: &str) -> Result<JwkSet, BadSignature> {
        // What does not parse was never registered.
        let url = Url::parse(uri).map_err(|_| BadSignature::NoKeys)?;
        let answer = self.0.outgoing.get(&url, "application/jwk-set+json, application/json", LONGEST_SET).await?;
        Ok(JwkSet::read(&answer.body)?)
    }
}

/// How long a set is used before it is read again, signature or no.
const FRESH: Lifetime = Lifetime::minutes(10);
/// How long it is used when its place cannot be reached.
const LONGEST: Lifetime = Lifetime::days(1);
/// How soon it may be read again.
const AGAIN: Lifetime = Lifetime::seconds(5);
/// In bytes.
const LONGEST_SET: usize = 256 * 1024;
/// How many sets are remembered.
const MOST_SETS: usize = 10_000;

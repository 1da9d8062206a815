//! Rows kept in memory, believed only while nobody has changed what they were read from.
//!
//! One number in the database, the generation, is raised by every transaction that changes something cacheable.
//! A node believes its caches only when it has compared that number within the last half second; an entry carries
//! the node's own count at the time it was read, so one increment forgets everything without touching anything.

use std::{
    hash::Hash,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use super::{Access, Store, StoreError};

/// How long the caches are believed without having looked at the database's generation.
const PROOF_LASTS: Duration = Duration::from_millis(500);

/// How often a node looks.
pub const LOOK_EVERY: Duration = Duration::from_millis(150);

/// Whether what was read earlier may still be believed.
#[derive(Default)]
pub struct Freshness {
    /// Raised whenever something cacheable changed, here or elsewhere.
    count: AtomicU64,
    /// The database's generation as last seen, and when it was.
    seen: Mutex<Option<(i64, Instant)>>,
}

impl Freshness {
    /// Forget everything that was read before now.
    pub(super) fn advance(&self) {
        self.count.fetch_add(1, Ordering::SeqCst);
    }

    /// The count that entries read from now on carry; `None` when nothing may be believed.
    fn proven(&self) -> Option<u64> {
        let seen = *self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.filter(|(_, at)| at.elapsed() < PROOF_LASTS).map(|_| self.count.load(Ordering::SeqCst))
    }

    fn note(&self, generation: i64, asked_at: Instant) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.is_none_or(|(last, _)| last != generation) {
            self.advance();
        }
        *seen = Some((generation, asked_at));
    }
}

impl Store {
    /// Compare this node's idea of the generation with the database's. A node that does not do so a few times a
    /// second ([`LOOK_EVERY`]) reads everything through.
    ///
    /// # Errors
    /// When the database cannot be read; the caches then stop being believed by themselves.
    pub async fn look_for_changes(&self) -> Result<(), StoreError> {
        // The proof dates from before the question: what changes while it is under way is found by the next one.
        let asked_at = Instant::now();
        let mut db = self.read().await?;
        let generation = current(&mut db).await?;
        self.freshness().note(generation, asked_at);
        Ok(())
    }
}

#[derive(sqlx::FromRow)]
struct Generation {
    value: i64,
}

async fn current(db: &mut impl Access) -> Result<i64, StoreError> {
    let row = select!(db, Generation, fetch_one, "SELECT value FROM generation WHERE id = 1")?;
    Ok(row.value)
}

/// A bounded map from keys to what the database said about them.
pub struct Cache<K, V> {
    entries: quick_cache::sync::Cache<K, (u64, V)>,
}

impl<K: Eq + Hash + Clone, V: Clone> Cache<K, V> {
    /// A cache of at most so many entries.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self { entries: quick_cache::sync::Cache::new(capacity) }
    }

    /// What is known of `key`; else what `load` finds, kept for the next one who asks.
    ///
    /// # Errors
    /// Those of `load`; an error is not kept.
    pub async fn get_or_load<E>(
        &self,
        store: &Store,
        key: &K,
        load: impl AsyncFnOnce() -> Result<V, E>,
    ) -> Result<V, E> {
        let Some(count) = store.freshness().proven() else { return load().await };
        if let Some((at, value)) = self.entries.get(key)
            && at == count
        {
            return Ok(value);
        }
        let value = load().await?;
        // Kept under the count from before the read: a change that came in between has raised it already.
        self.entries.insert(key.clone(), (count, value.clone()));
        Ok(value)
    }
}

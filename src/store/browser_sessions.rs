//! Browser sessions: where tower-sessions keeps its records.
//!
//! Ours rather than `tower-sessions-sqlx-store`: that one keeps the cookie's value itself, and a save of its brings
//! back a session that was ended in between. Here the row is found by a hash, saved by hash and version, and a
//! session that somebody ended stays ended.

use std::fmt;

use async_trait::async_trait;
use serde_json::Value;
use time::OffsetDateTime;
use tower_sessions::{
    Session, SessionStore,
    session::{Id, Record},
    session_store::{self, Error},
};

use super::{Access, Store, StoreError, Write};
use crate::{
    clock::Clock,
    protocol::{Lifetime, PlainSecret, Timestamp},
    random::Random,
};

/// The key under which a session's data holds the signed-in user; `sid` and `sub` in it become columns.
pub const LOGIN: &str = "login";

/// The key under which a loaded record remembers which version of the row it is.
const VERSION: &str = "version";

/// How long a session without a user waits for one.
const ANONYMOUS: Lifetime = Lifetime::days(1);

/// How long sessions last.
#[derive(Clone, Copy, Debug)]
pub struct Lifetimes {
    /// After the last sign of life.
    pub idle: Lifetime,
    /// After the sign-in, whatever happens.
    pub absolute: Lifetime,
}

tokio::task_local! {
    static RENEWING: ();
}

/// Give a session another id whose login stays the same. `tower-sessions` deletes the old one and makes the new one when
/// it is saved; here the new id takes the old one's place, in one statement.
///
/// # Errors
/// When the session cannot be read.
pub async fn renew(session: &Session) -> Result<(), tower_sessions::session::Error> {
    RENEWING.scope((), session.cycle_id()).await
}

/// The session store of the browser-facing half of the server.
#[derive(Clone)]
pub struct BrowserSessions {
    store: Store,
    clock: Clock,
    random: Random,
    lifetimes: Lifetimes,
}

impl BrowserSessions {
    /// Sessions in that database, by that clock.
    #[must_use]
    pub fn new(store: Store, clock: Clock, random: Random, lifetimes: Lifetimes) -> Self {
        Self { store, clock, random, lifetimes }
    }
}

impl fmt::Debug for BrowserSessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BrowserSessions")
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    version: i64,
    data: String,
    expires_at: i64,
}

#[derive(sqlx::FromRow)]
struct User {
    user_id: Option<String>,
}

#[async_trait]
impl SessionStore for BrowserSessions {
    async fn create(&self, record: &mut Record) -> session_store::Result<()> {
        record.id = Id(i128::from_le_bytes(self.random.bytes()));
        record.data.insert(VERSION.to_owned(), Value::from(0));
        let (hash, data) = (hash(&record.id), encode(record)?);
        let (sid, user_id) = login(record);
        let now = self.clock.now();
        // From the login on: a session that is begun anew without a password ends when the old one would have.
        let created_at = auth_time(record).map_or(now, Timestamp);
        let expires_at = match sid {
            Some(_) => (now + self.lifetimes.idle).min(created_at + self.lifetimes.absolute),
            None => now + ANONYMOUS,
        };
        let mut tx = self.store.write().await.map_err(backend)?;
        // The same login under another id: at no moment is there none, for the grants that hang on it.
        query!(
            &mut tx,
            "INSERT INTO browser_sessions (hash, version, data, sid, user_id, created_at, seen_at, expires_at)
             VALUES ($1, 0, $2, $3, $4, $5, $6, $7)
             ON CONFLICT (sid) DO UPDATE SET hash = excluded.hash, version = 0, data = excluded.data,
                user_id = excluded.user_id, created_at = excluded.created_at, seen_at = excluded.seen_at,
                expires_at = excluded.expires_at",
            &hash,
            &data,
            &sid,
            &user_id,
            created_at.0,
            now.0,
            expires_at.0
        )
        .map_err(backend)?;
        tx.commit().await.map_err(backend)
    }

    async fn save(&self, record: &Record) -> session_store::Result<()> {
        let mut next = record.clone();
        let version = record.data.get(VERSION).and_then(Value::as_i64).unwrap_or(0);
        next.data.insert(VERSION.to_owned(), Value::from(version.saturating_add(1)));
        let (hash, data) = (hash(&record.id), encode(&next)?);
        let (sid, user_id) = login(record);
        let now = self.clock.now();
        let (idle, absolute) = match sid {
            Some(_) => (self.lifetimes.idle, self.lifetimes.absolute),
            None => (ANONYMOUS, ANONYMOUS),
        };
        let (idle_end, absolute) = ((now + idle).0, absolute.0);
        let mut tx = self.store.write().await.map_err(backend)?;
        // No row: somebody ended the session meanwhile, and it stays ended. Another version: another tab was first;
        // all that is saved without a new id is a sign of life, and that tab has given one too.
        query!(
            &mut tx,
            "UPDATE browser_sessions SET version = version + 1, data = $3, sid = $4, user_id = $5, seen_at = $6,
                expires_at = CASE WHEN created_at + $8 < $7 THEN created_at + $8 ELSE $7 END
             WHERE hash = $1 AND version = $2",
            &hash,
            version,
            &data,
            &sid,
            &user_id,
            now.0,
            idle_end,
            absolute
        )
        .map_err(backend)?;
        tx.commit().await.map_err(backend)
    }

    async fn load(&self, id: &Id) -> session_store::Result<Option<Record>> {
        let (hash, now) = (hash(id), self.clock.now().0);
        let mut db = self.store.read().await.map_err(backend)?;
        let row = select!(
            &mut db,
            Row,
            fetch_optional,
            "SELECT version, data, expires_at FROM browser_sessions WHERE hash = $1 AND expires_at > $2",
            &hash,
            now
        )
        .map_err(backend)?;
        row.map(|row| {
            let mut record = Record {
                id: *id,
                data: serde_json::from_str(&row.data).map_err(|error| Error::Decode(error.to_string()))?,
                expiry_date: OffsetDateTime::from_unix_timestamp(row.expires_at).map_err(backend)?,
            };
            record.data.insert(VERSION.to_owned(), Value::from(row.version));
            Ok(record)
        })
        .transpose()
    }

    async fn delete(&self, id: &Id) -> session_store::Result<()> {
        if RENEWING.try_with(|()| ()).is_ok() {
            return Ok(());
        }
        let hash = hash(id);
        let mut tx = self.store.write().await.map_err(backend)?;
        let user =
            select!(&mut tx, User, fetch_optional, "SELECT user_id FROM browser_sessions WHERE hash = $1", &hash)
                .map_err(backend)?;
        if user.is_some_and(|user| user.user_id.is_some()) {
            // Grants may hang on it, and be remembered as alive.
            tx.touch().await.map_err(backend)?;
        }
        query!(&mut tx, "DELETE FROM browser_sessions WHERE hash = $1", &hash).map_err(backend)?;
        tx.commit().await.map_err(backend)
    }
}

/// A signed-in session, as its user or an operator sees it.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct SignedIn {
    /// The session's id, as ID tokens carry it.
    pub sid: Option<String>,
    /// What the session holds, as JSON.
    pub data: String,
    /// When the user signed in.
    pub created_at: i64,
    /// The last sign of life, give or take a few minutes.
    pub seen_at: i64,
    /// When it ends by itself.
    pub expires_at: i64,
}

/// The live sessions of a user, the latest first.
///
/// # Errors
/// When the statement fails.
pub async fn list_of_user(db: &mut impl Access, user_id: &str, now: i64) -> Result<Vec<SignedIn>, StoreError> {
    Ok(select!(
        db,
        SignedIn,
        fetch_all,
        "SELECT sid, data, created_at, seen_at, expires_at FROM browser_sessions
         WHERE user_id = $1 AND expires_at > $2 ORDER BY seen_at DESC, hash LIMIT 100",
        user_id,
        now
    )?)
}

/// The live session of that id.
///
/// # Errors
/// When the statement fails.
pub async fn find(db: &mut impl Access, sid: &str, now: i64) -> Result<Option<SignedIn>, StoreError> {
    Ok(select!(
        db,
        SignedIn,
        fetch_optional,
        "SELECT sid, data, created_at, seen_at, expires_at FROM browser_sessions WHERE sid = $1 AND expires_at > $2",
        sid,
        now
    )?)
}

/// End a session; false if there is none of that id.
///
/// # Errors
/// When the statement fails.
pub async fn end(tx: &mut Write, sid: &str) -> Result<bool, StoreError> {
    tx.touch().await?;
    let changed = query!(tx, "DELETE FROM browser_sessions WHERE sid = $1", sid)?;
    Ok(changed > 0)
}

/// End every session of a user.
///
/// # Errors
/// When the statement fails.
pub async fn end_of_user(tx: &mut Write, user_id: &str) -> Result<u64, StoreError> {
    tx.touch().await?;
    Ok(query!(tx, "DELETE FROM browser_sessions WHERE user_id = $1", user_id)?)
}

/// Delete some of the sessions that have ended by themselves.
///
/// # Errors
/// When the statement fails.
pub async fn forget(tx: &mut Write, before: i64, most: i64) -> Result<u64, StoreError> {
    Ok(query!(
        tx,
        "DELETE FROM browser_sessions WHERE hash IN (SELECT hash FROM browser_sessions WHERE expires_at < $1 LIMIT $2)",
        before,
        most
    )?)
}

fn hash(id: &Id) -> String {
    PlainSecret::new(id.to_string()).hash().as_str().to_owned()
}

fn encode(record: &Record) -> session_store::Result<String> {
    serde_json::to_string(&record.data).map_err(|error| Error::Encode(error.to_string()))
}

fn login(record: &Record) -> (Option<String>, Option<String>) {
    let member = |name| record.data.get(LOGIN)?.get(name)?.as_str().map(str::to_owned);
    (member("sid"), member("sub"))
}

fn auth_time(record: &Record) -> Option<i64> {
    record.data.get(LOGIN)?.get("auth_time")?.as_i64()
}

fn backend(error: impl fmt::Display) -> Error {
    Error::Backend(error.to_string())
}

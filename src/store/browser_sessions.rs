//! Browser sessions: where tower-sessions keeps its records.
//!
//! Ours rather than `tower-sessions-sqlx-store`: that one keeps the cookie's value itself, and a save of its brings
//! back a session that was ended in between. Here the row is found by a hash, saved by hash and version, and a
//! session that somebody ended stays ended.

use std::{cell::RefCell, fmt};

use async_trait::async_trait;
use serde_json::Value;
use time::OffsetDateTime;
use tower_sessions::{
    Session, SessionStore,
    session::{Id, Record},
    session_store::{self, Error},
};

use super::{Access, Store, StoreError, Write, retried, session_clients};
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
struct Whose {
    sid: Option<String>,
}

tokio::task_local! {
    /// What the database did to a session while one request was answered.
    static FAULT: RefCell<Option<StoreError>>;
}

/// Do work that may use sessions, and say what the database did to them meanwhile: `tower-sessions` itself passes on no
/// more than a text, and answers without a word when a session cannot be kept.
pub async fn watched<F: Future>(work: F) -> (F::Output, Option<StoreError>) {
    FAULT.scope(RefCell::default(), async { (work.await, FAULT.with(RefCell::take)) }).await
}

#[async_trait]
impl SessionStore for BrowserSessions {
    async fn create(&self, record: &mut Record) -> session_store::Result<()> {
        record.id = Id(i128::from_le_bytes(self.random.bytes()));
        record.data.insert(VERSION.to_owned(), Value::from(0));
        let new = Kept::of(record, record)?;
        passed_on(retried(|| self.insert(&new)).await)
    }

    async fn save(&self, record: &Record) -> session_store::Result<()> {
        let mut next = record.clone();
        let version = record.data.get(VERSION).and_then(Value::as_i64).unwrap_or(0);
        next.data.insert(VERSION.to_owned(), Value::from(version.saturating_add(1)));
        let next = Kept::of(record, &next)?;
        passed_on(retried(|| self.update(&next, version)).await)
    }

    async fn load(&self, id: &Id) -> session_store::Result<Option<Record>> {
        let row = passed_on(self.find(&hash(id)).await)?;
        row.map(|row| {
            let expiry_date = OffsetDateTime::from_unix_timestamp(row.expires_at);
            let mut record = Record {
                id: *id,
                data: serde_json::from_str(&row.data).map_err(|error| Error::Decode(error.to_string()))?,
                expiry_date: expiry_date.map_err(|error| Error::Decode(error.to_string()))?,
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
        passed_on(retried(|| self.remove(&hash)).await)
    }
}

/// What of a session is kept.
struct Kept {
    hash: String,
    data: String,
    sid: Option<String>,
    user_id: Option<String>,
    auth_time: Option<i64>,
}

impl Kept {
    fn of(record: &Record, next: &Record) -> session_store::Result<Self> {
        let login = record.data.get(LOGIN);
        let member = |name| login?.get(name)?.as_str().map(str::to_owned);
        let data = serde_json::to_string(&next.data).map_err(|error| Error::Encode(error.to_string()))?;
        let auth_time = login.and_then(|login| login.get("auth_time")?.as_i64());
        Ok(Self { hash: hash(&record.id), data, sid: member("sid"), user_id: member("sub"), auth_time })
    }
}

impl BrowserSessions {
    async fn insert(&self, new: &Kept) -> Result<(), StoreError> {
        let now = self.clock.now();
        // From the login on: a session that is begun anew without a password ends when the old one would have.
        let created_at = new.auth_time.map_or(now, Timestamp);
        let expires_at = match new.sid {
            Some(_) => (now + self.lifetimes.idle).min(created_at + self.lifetimes.absolute),
            None => now + ANONYMOUS,
        };
        let mut tx = self.store.write().await?;
        // The same login under another id: at no moment is there none, for the grants that hang on it.
        query!(
            &mut tx,
            "INSERT INTO browser_sessions (hash, version, data, sid, user_id, created_at, seen_at, expires_at)
             VALUES ($1, 0, $2, $3, $4, $5, $6, $7)
             ON CONFLICT (sid) DO UPDATE SET hash = excluded.hash, version = 0, data = excluded.data,
                user_id = excluded.user_id, created_at = excluded.created_at, seen_at = excluded.seen_at,
                expires_at = excluded.expires_at",
            &new.hash,
            &new.data,
            &new.sid,
            &new.user_id,
            created_at.0,
            now.0,
            expires_at.0
        )?;
        tx.commit().await
    }

    async fn update(&self, next: &Kept, version: i64) -> Result<(), StoreError> {
        let now = self.clock.now();
        let (idle, absolute) = match next.sid {
            Some(_) => (self.lifetimes.idle, self.lifetimes.absolute),
            None => (ANONYMOUS, ANONYMOUS),
        };
        let (idle_end, absolute) = ((now + idle).0, absolute.0);
        let mut tx = self.store.write().await?;
        // No row: somebody ended the session meanwhile, and it stays ended. Another version: another tab was first;
        // all that is saved without a new id is a sign of life, and that tab has given one too.
        query!(
            &mut tx,
            "UPDATE browser_sessions SET version = version + 1, data = $3, sid = $4, user_id = $5, seen_at = $6,
                expires_at = CASE WHEN created_at + $8 < $7 THEN created_at + $8 ELSE $7 END
             WHERE hash = $1 AND version = $2",
            &next.hash,
            version,
            &next.data,
            &next.sid,
            &next.user_id,
            now.0,
            idle_end,
            absolute
        )?;
        tx.commit().await
    }

    async fn find(&self, hash: &str) -> Result<Option<Row>, StoreError> {
        let now = self.clock.now().0;
        let mut db = self.store.read().await?;
        Ok(select!(
            &mut db,
            Row,
            fetch_optional,
            "SELECT version, data, expires_at FROM browser_sessions WHERE hash = $1 AND expires_at > $2",
            hash,
            now
        )?)
    }

    async fn remove(&self, hash: &str) -> Result<(), StoreError> {
        let mut tx = self.store.write().await?;
        let whose = select!(&mut tx, Whose, fetch_optional, "SELECT sid FROM browser_sessions WHERE hash = $1", hash)?;
        let sid = whose.and_then(|whose| whose.sid);
        if sid.is_some() {
            // Grants may hang on it, and be remembered as alive.
            tx.touch().await?;
        }
        let is_gone = query!(&mut tx, "DELETE FROM browser_sessions WHERE hash = $1", hash)? > 0;
        // One that has got another hash meanwhile lives on.
        if let Some(sid) = sid.filter(|_| is_gone) {
            session_clients::part(&mut tx, &sid, self.clock.now().0).await?;
        }
        tx.commit().await
    }
}

fn passed_on<T>(outcome: Result<T, StoreError>) -> session_store::Result<T> {
    outcome.map_err(|error| {
        let told = Error::Backend(error.to_string());
        // Where nobody watches, the text has to do.
        let _ = FAULT.try_with(|fault| fault.replace(Some(error)));
        told
    })
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

/// End a session, and have the clients told that it has let in; false if there is none of that id.
///
/// # Errors
/// When a statement fails.
pub async fn end(tx: &mut Write, sid: &str, now: i64) -> Result<bool, StoreError> {
    tx.touch().await?;
    let changed = query!(tx, "DELETE FROM browser_sessions WHERE sid = $1", sid)?;
    session_clients::part(tx, sid, now).await?;
    Ok(changed > 0)
}

/// End every session of a user, likewise.
///
/// # Errors
/// When a statement fails.
pub async fn end_of_user(tx: &mut Write, user_id: &str, now: i64) -> Result<u64, StoreError> {
    tx.touch().await?;
    let ended = query!(tx, "DELETE FROM browser_sessions WHERE user_id = $1", user_id)?;
    session_clients::part_of_user(tx, user_id, now).await?;
    Ok(ended)
}

/// Delete some of the sessions that have ended by themselves. Nobody is told: apps keep sessions of their own, which are
/// meant to outlast a browser that was merely left alone.
///
/// # Errors
/// When a statement fails.
pub async fn forget(tx: &mut Write, before: i64, most: i64) -> Result<u64, StoreError> {
    // The session before its apps, as whoever lets an app in takes them; and of those sessions alone that are gone.
    let gone = select!(
        tx,
        Whose,
        fetch_all,
        "DELETE FROM browser_sessions WHERE hash IN
            (SELECT hash FROM browser_sessions WHERE expires_at < $1 ORDER BY expires_at, hash LIMIT $2)
         RETURNING sid",
        before,
        most
    )?;
    for sid in gone.iter().filter_map(|whose| whose.sid.as_deref()) {
        query!(tx, "DELETE FROM session_clients WHERE sid = $1", sid)?;
    }
    Ok(gone.len().try_into().unwrap_or(u64::MAX))
}

fn hash(id: &Id) -> String {
    PlainSecret::new(id.to_string()).hash().as_str().to_owned()
}

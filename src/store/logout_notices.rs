//! What is still to be told to clients: that a session has ended (OIDC Back-Channel Logout 1.0). Written when it ends, in the
//! same transaction, and gone once the client has heard it.

use super::{Access, StoreError, Write};
use crate::protocol::Lifetime;

/// Nobody needs to hear of a sign-out any more when it is that long ago.
pub const KEPT: Lifetime = Lifetime::hours(6);

/// A notice that waits to be delivered.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Notice {
    /// The session that has ended.
    pub sid: String,
    /// Who is to be told.
    pub client_id: String,
    /// Whose session it was.
    pub user_id: String,
    /// When it ended, unix seconds.
    pub created_at: i64,
    /// How often somebody has tried.
    pub attempts: i64,
    /// When it is of no use any more.
    pub expires_at: i64,
}

/// Tell the clients of the sessions that `$condition` picks by `$1`, as far as they have somewhere to be told.
macro_rules! notify {
    ($tx:expr, $condition:literal, $whose:expr, $now:expr) => {{
        let (now, expires_at): (i64, i64) = ($now, $now.saturating_add(KEPT.0));
        query!(
            $tx,
            "INSERT INTO logout_notices (sid, client_id, user_id, created_at, attempts, next_at, expires_at)
             SELECT s.sid, s.client_id, s.user_id, $2, 0, $2, $3
             FROM session_clients s JOIN clients c ON c.id = s.client_id WHERE "
                + $condition
                + " AND c.deleted_at IS NULL AND c.metadata LIKE '%\"backchannel_logout_uri\":\"%'
             ON CONFLICT (sid, client_id, created_at) DO NOTHING",
            $whose,
            now,
            expires_at
        )
    }};
}

/// Tell the clients of a session that have somewhere to be told.
///
/// # Errors
/// When the statement fails.
pub(super) async fn insert_of_session(tx: &mut Write, sid: &str, now: i64) -> Result<(), StoreError> {
    notify!(tx, "s.sid = $1", sid, now)?;
    Ok(())
}

/// The same for every session of a user.
///
/// # Errors
/// When the statement fails.
pub(super) async fn insert_of_user(tx: &mut Write, user_id: &str, now: i64) -> Result<(), StoreError> {
    notify!(tx, "s.user_id = $1", user_id, now)?;
    Ok(())
}

/// The notices whose time has come: of each client those that wait longest, and no more than so many, since one that does
/// not answer may have thousands, and the others are to have their turn.
///
/// # Errors
/// When the statement fails.
pub async fn due(db: &mut impl Access, now: i64, most_of_one: i64, most: i64) -> Result<Vec<Notice>, StoreError> {
    Ok(select!(
        db,
        Notice,
        fetch_all,
        "SELECT sid, client_id, user_id, created_at, attempts, expires_at FROM
            (SELECT sid, client_id, user_id, created_at, attempts, expires_at, next_at,
                ROW_NUMBER() OVER (PARTITION BY client_id ORDER BY next_at, sid, created_at) AS place
             FROM logout_notices WHERE next_at <= $1) AS waiting
         WHERE place <= $2 ORDER BY place, next_at, sid, client_id LIMIT $3",
        now,
        most_of_one,
        most
    )?)
}

/// Take a notice to deliver it; false if somebody else was first. Unless it is delivered, the next try comes at `next_at`.
///
/// # Errors
/// When the statement fails.
pub async fn take(tx: &mut Write, notice: &Notice, next_at: i64) -> Result<bool, StoreError> {
    let changed = query!(
        tx,
        "UPDATE logout_notices SET attempts = attempts + 1, next_at = $5
         WHERE sid = $1 AND client_id = $2 AND created_at = $3 AND attempts = $4",
        &notice.sid,
        &notice.client_id,
        notice.created_at,
        notice.attempts,
        next_at
    )?;
    Ok(changed == 1)
}

/// Let others go first whose receiver is not as busy.
///
/// # Errors
/// When the statement fails.
pub async fn put_off(tx: &mut Write, notice: &Notice, next_at: i64) -> Result<(), StoreError> {
    query!(
        tx,
        "UPDATE logout_notices SET next_at = $5
         WHERE sid = $1 AND client_id = $2 AND created_at = $3 AND attempts = $4 AND next_at < $5",
        &notice.sid,
        &notice.client_id,
        notice.created_at,
        notice.attempts,
        next_at
    )?;
    Ok(())
}

/// Forget a notice: it is delivered, or will never be. False if that was done already.
///
/// # Errors
/// When the statement fails.
pub async fn delete(tx: &mut Write, notice: &Notice) -> Result<bool, StoreError> {
    let changed = query!(
        tx,
        "DELETE FROM logout_notices WHERE sid = $1 AND client_id = $2 AND created_at = $3",
        &notice.sid,
        &notice.client_id,
        notice.created_at
    )?;
    Ok(changed == 1)
}

/// Delete some of those that are of no use any more.
///
/// # Errors
/// When the statement fails.
pub async fn forget(tx: &mut Write, before: i64, most: i64) -> Result<u64, StoreError> {
    Ok(query!(
        tx,
        "DELETE FROM logout_notices WHERE (sid, client_id, created_at) IN
            (SELECT sid, client_id, created_at FROM logout_notices WHERE expires_at < $1 LIMIT $2)",
        before,
        most
    )?)
}

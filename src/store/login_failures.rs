//! Failed logins by hashed key: the memory of the throttle, in the database so that it survives a restart.

use super::{Access, StoreError, Write};

/// What is held against one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Failures {
    /// How many there were since the count began.
    pub failures: i64,
    /// Until when no further try is let through, unix seconds.
    pub blocked_until: i64,
}

/// What is held against a key at that time.
///
/// # Errors
/// When the statement fails.
pub async fn find(db: &mut impl Access, key: &str, now: i64) -> Result<Option<Failures>, StoreError> {
    Ok(select!(
        db,
        Failures,
        fetch_optional,
        "SELECT failures, blocked_until FROM login_failures WHERE key = $1 AND expires_at > $2",
        key,
        now
    )?)
}

/// Count one more, beginning anew when the old count has expired.
///
/// # Errors
/// When the statement fails.
pub async fn count(tx: &mut Write, key: &str, now: i64, expires_at: i64) -> Result<Failures, StoreError> {
    // The conflict locks the row, so parallel tries are counted one after the other.
    query!(
        tx,
        "INSERT INTO login_failures (key, failures, first_at, blocked_until, expires_at) VALUES ($1, 1, $2, 0, $3)
         ON CONFLICT (key) DO UPDATE SET
            failures = CASE WHEN login_failures.expires_at <= $2 THEN 1 ELSE login_failures.failures + 1 END,
            first_at = CASE WHEN login_failures.expires_at <= $2 THEN $2 ELSE login_failures.first_at END,
            blocked_until = CASE WHEN login_failures.expires_at <= $2 THEN 0 ELSE login_failures.blocked_until END,
            expires_at = CASE WHEN login_failures.expires_at <= $2 THEN $3 ELSE login_failures.expires_at END",
        key,
        now,
        expires_at
    )?;
    Ok(select!(tx, Failures, fetch_one, "SELECT failures, blocked_until FROM login_failures WHERE key = $1", key)?)
}

/// Let nothing through until then.
///
/// # Errors
/// When the statement fails.
pub async fn block(tx: &mut Write, key: &str, until: i64) -> Result<(), StoreError> {
    query!(
        tx,
        "UPDATE login_failures SET blocked_until = $2,
            expires_at = CASE WHEN expires_at < $2 THEN $2 ELSE expires_at END
         WHERE key = $1",
        key,
        until
    )?;
    Ok(())
}

/// Take one count back, and the block that came with it, if it still is that one.
///
/// # Errors
/// When the statement fails.
pub async fn give_back(tx: &mut Write, key: &str, blocked_until: i64) -> Result<(), StoreError> {
    query!(
        tx,
        "UPDATE login_failures SET failures = failures - 1,
            blocked_until = CASE WHEN blocked_until = $2 THEN 0 ELSE blocked_until END
         WHERE key = $1 AND failures > 0",
        key,
        blocked_until
    )?;
    Ok(())
}

/// Hold nothing against a key any more.
///
/// # Errors
/// When the statement fails.
pub async fn clear(tx: &mut Write, key: &str) -> Result<(), StoreError> {
    query!(tx, "DELETE FROM login_failures WHERE key = $1", key)?;
    Ok(())
}

/// Delete some of the counts that have expired.
///
/// # Errors
/// When the statement fails.
pub async fn forget(tx: &mut Write, before: i64, most: i64) -> Result<u64, StoreError> {
    Ok(query!(
        tx,
        "DELETE FROM login_failures WHERE key IN (SELECT key FROM login_failures WHERE expires_at < $1 LIMIT $2)",
        before,
        most
    )?)
}

//! The browsers that have signed a user in before, by the hash of their cookie.

use super::{Access, StoreError, Write};

#[derive(sqlx::FromRow)]
struct Device {
    created_at: i64,
}

/// Whether that browser has signed that user in before.
///
/// # Errors
/// When the statement fails.
pub async fn is_known(db: &mut impl Access, hash: &str, user_id: &str, now: i64) -> Result<bool, StoreError> {
    let row = select!(
        db,
        Device,
        fetch_optional,
        "SELECT created_at FROM known_devices WHERE hash = $1 AND user_id = $2 AND expires_at > $3",
        hash,
        user_id,
        now
    )?;
    Ok(row.is_some_and(|row| row.created_at <= now))
}

/// Remember that a browser has signed a user in.
///
/// # Errors
/// When the statement fails.
pub async fn insert(tx: &mut Write, hash: &str, user_id: &str, now: i64, expires_at: i64) -> Result<(), StoreError> {
    query!(
        tx,
        "INSERT INTO known_devices (hash, user_id, created_at, expires_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (hash, user_id) DO UPDATE SET expires_at = excluded.expires_at",
        hash,
        user_id,
        now,
        expires_at
    )?;
    Ok(())
}

/// Give a browser a new cookie; everybody it has signed in is known by that one from now on.
///
/// # Errors
/// When the statement fails.
pub async fn replace(tx: &mut Write, old: &str, new: &str) -> Result<(), StoreError> {
    query!(tx, "UPDATE known_devices SET hash = $2 WHERE hash = $1", old, new)?;
    Ok(())
}

/// Keep only the newest browsers of a user.
///
/// # Errors
/// When the statement fails.
pub async fn keep_newest(tx: &mut Write, user_id: &str, most: i64) -> Result<(), StoreError> {
    query!(
        tx,
        "DELETE FROM known_devices WHERE user_id = $1 AND hash NOT IN
            (SELECT hash FROM known_devices WHERE user_id = $1 ORDER BY expires_at DESC, hash LIMIT $2)",
        user_id,
        most
    )?;
    Ok(())
}

/// Forget every browser of a user.
///
/// # Errors
/// When the statement fails.
pub async fn forget_user(tx: &mut Write, user_id: &str) -> Result<(), StoreError> {
    query!(tx, "DELETE FROM known_devices WHERE user_id = $1", user_id)?;
    Ok(())
}

/// Delete some of the rows that have expired.
///
/// # Errors
/// When the statement fails.
pub async fn forget(tx: &mut Write, before: i64, most: i64) -> Result<u64, StoreError> {
    Ok(query!(
        tx,
        "DELETE FROM known_devices WHERE hash IN (SELECT hash FROM known_devices WHERE expires_at < $1 LIMIT $2)
         AND expires_at < $1",
        before,
        most
    )?)
}

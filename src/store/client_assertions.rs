//! The assertions by which clients have proved themselves, by the hash of client and `jti`, until they end by themselves.

use super::{StoreError, Write};

/// Spend an assertion; false if it has been spent before.
///
/// # Errors
/// When the statement fails.
pub async fn spend(tx: &mut Write, hash: &str, expires_at: i64) -> Result<bool, StoreError> {
    let changed = query!(
        tx,
        "INSERT INTO client_assertions (hash, expires_at) VALUES ($1, $2) ON CONFLICT (hash) DO NOTHING",
        hash,
        expires_at
    )?;
    Ok(changed == 1)
}

/// Delete some of those that have ended by themselves.
///
/// # Errors
/// When the statement fails.
pub async fn forget(tx: &mut Write, before: i64, most: i64) -> Result<u64, StoreError> {
    Ok(query!(
        tx,
        "DELETE FROM client_assertions WHERE hash IN
            (SELECT hash FROM client_assertions WHERE expires_at < $1 LIMIT $2)",
        before,
        most
    )?)
}

//! The key ring: who has which state is said here, and believed only as far as the sealed value agrees.

use super::{Access, StoreError, Write};

/// A signing key.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct SigningKey {
    /// The RFC 7638 thumbprint of the key.
    pub kid: String,
    /// What it signs with.
    pub alg: String,
    /// `next`, `active`, `retired`, `gone` or `dropped`.
    pub state: String,
    /// The key, sealed under the master key as what this row says it is; empty when it is dropped.
    pub sealed: String,
    /// When it was made, and published.
    pub created_at: i64,
    /// When it began to sign.
    pub active_from: Option<i64>,
    /// When it ceased to sign.
    pub retired_at: Option<i64>,
    /// When it is, or was, no longer published.
    pub gone_at: Option<i64>,
}

/// Keep a new key.
///
/// # Errors
/// When the statement fails: there is one next and one active key per algorithm.
pub async fn insert(tx: &mut Write, key: &SigningKey) -> Result<(), StoreError> {
    tx.touch().await?;
    query!(
        tx,
        "INSERT INTO signing_keys (kid, alg, state, sealed, created_at, active_from, retired_at, gone_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        &key.kid,
        &key.alg,
        &key.state,
        &key.sealed,
        key.created_at,
        key.active_from,
        key.retired_at,
        key.gone_at
    )?;
    Ok(())
}

/// All of them, by algorithm and age.
///
/// # Errors
/// When the statement fails.
pub async fn list(db: &mut impl Access) -> Result<Vec<SigningKey>, StoreError> {
    Ok(select!(
        db,
        SigningKey,
        fetch_all,
        "SELECT kid, alg, state, sealed, created_at, active_from, retired_at, gone_at FROM signing_keys
         ORDER BY alg, created_at, kid"
    )?)
}

/// Make a row what `to` says, if it still is what `from` says; false if another was first.
///
/// # Errors
/// When the statement fails.
pub async fn change(tx: &mut Write, from: &SigningKey, to: &SigningKey) -> Result<bool, StoreError> {
    tx.touch().await?;
    let changed = query!(
        tx,
        "UPDATE signing_keys SET state = $4, sealed = $5, active_from = $6, retired_at = $7, gone_at = $8
         WHERE kid = $1 AND state = $2 AND sealed = $3",
        &from.kid,
        &from.state,
        &from.sealed,
        &to.state,
        &to.sealed,
        to.active_from,
        to.retired_at,
        to.gone_at
    )?;
    Ok(changed == 1)
}

/// Forget the gone and the dropped keys that went before those times.
///
/// # Errors
/// When the statement fails.
pub async fn forget(tx: &mut Write, gone_before: i64, dropped_before: i64) -> Result<u64, StoreError> {
    Ok(query!(
        tx,
        "DELETE FROM signing_keys
         WHERE (state = 'gone' AND gone_at < $1) OR (state = 'dropped' AND gone_at < $2)",
        gone_before,
        dropped_before
    )?)
}

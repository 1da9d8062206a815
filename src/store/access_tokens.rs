//! The access tokens that need a row: those that are a mere reference, and those refused before their time.

use super::{Access, StoreError, Write};

#[derive(sqlx::FromRow)]
struct Opaque {
    claims: String,
}

#[derive(sqlx::FromRow)]
struct Denied {
    expires_at: i64,
}

/// Keep what an opaque token stands for, by the token's hash.
///
/// # Errors
/// When the statement fails.
pub async fn insert_opaque(tx: &mut Write, hash: &str, claims: &str, expires_at: i64) -> Result<(), StoreError> {
    query!(tx, "INSERT INTO opaque_tokens (hash, claims, expires_at) VALUES ($1, $2, $3)", hash, claims, expires_at)?;
    Ok(())
}

/// What the opaque token of that hash stands for, as JSON.
///
/// # Errors
/// When the statement fails.
pub async fn find_opaque(db: &mut impl Access, hash: &str, now: i64) -> Result<Option<String>, StoreError> {
    let row = select!(
        db,
        Opaque,
        fetch_optional,
        "SELECT claims FROM opaque_tokens WHERE hash = $1 AND expires_at > $2",
        hash,
        now
    )?;
    Ok(row.map(|row| row.claims))
}

/// Refuse a token from now on, until it would have ended by itself.
///
/// # Errors
/// When the statement fails.
pub async fn deny(tx: &mut Write, jti: &str, expires_at: i64) -> Result<(), StoreError> {
    tx.touch().await?;
    query!(
        tx,
        "INSERT INTO denied_tokens (jti, expires_at) VALUES ($1, $2) ON CONFLICT (jti) DO NOTHING",
        jti,
        expires_at
    )?;
    Ok(())
}

/// Whether a token is refused before its time.
///
/// # Errors
/// When the statement fails.
pub async fn is_denied(db: &mut impl Access, jti: &str) -> Result<bool, StoreError> {
    let row = select!(db, Denied, fetch_optional, "SELECT expires_at FROM denied_tokens WHERE jti = $1", jti)?;
    Ok(row.is_some_and(|row| row.expires_at > 0))
}

/// Delete some of the rows whose tokens have ended by themselves.
///
/// # Errors
/// When the statement fails.
pub async fn forget(tx: &mut Write, before: i64, most: i64) -> Result<u64, StoreError> {
    let opaque = query!(
        tx,
        "DELETE FROM opaque_tokens WHERE hash IN (SELECT hash FROM opaque_tokens WHERE expires_at < $1 LIMIT $2)",
        before,
        most
    )?;
    let denied = query!(
        tx,
        "DELETE FROM denied_tokens WHERE jti IN (SELECT jti FROM denied_tokens WHERE expires_at < $1 LIMIT $2)",
        before,
        most
    )?;
    Ok(opaque + denied)
}

//! The tokens with which clients register themselves, and those with which they change what they registered, as hashes.

use super::{Access, StoreError, Write};

/// An initial access token (RFC 7591 §1.2), without the token.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Row {
    /// What operators call it by.
    pub id: String,
    /// How often it can still be used; without end where there is no number.
    pub uses: Option<i64>,
    /// When it was made, unix seconds.
    pub created_at: i64,
    /// When it ends.
    pub expires_at: Option<i64>,
}

#[derive(sqlx::FromRow)]
struct Hash {
    hash: String,
}

/// Keep a new initial access token.
///
/// # Errors
/// When the statement fails.
pub async fn insert(tx: &mut Write, row: &Row, hash: &str) -> Result<(), StoreError> {
    query!(
        tx,
        "INSERT INTO registration_tokens (id, hash, uses, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)",
        &row.id,
        hash,
        row.uses,
        row.created_at,
        row.expires_at
    )?;
    Ok(())
}

/// The initial access tokens that count, oldest first.
///
/// # Errors
/// When the statement fails.
pub async fn list(db: &mut impl Access, now: i64) -> Result<Vec<Row>, StoreError> {
    Ok(select!(
        db,
        Row,
        fetch_all,
        "SELECT id, uses, created_at, expires_at FROM registration_tokens
         WHERE expires_at IS NULL OR expires_at > $1 ORDER BY created_at, id",
        now
    )?)
}

/// Whether an initial access token counts.
///
/// # Errors
/// When the statement fails.
pub async fn is_live(db: &mut impl Access, hash: &str, now: i64) -> Result<bool, StoreError> {
    let row = select!(
        db,
        Hash,
        fetch_optional,
        "SELECT hash FROM registration_tokens WHERE hash = $1 AND (expires_at IS NULL OR expires_at > $2)",
        hash,
        now
    )?;
    Ok(row.is_some())
}

/// Use an initial access token once; false if it does not count. One that has been used up is gone.
///
/// # Errors
/// When a statement fails.
pub async fn spend(tx: &mut Write, hash: &str, now: i64) -> Result<bool, StoreError> {
    let changed = query!(
        tx,
        "UPDATE registration_tokens SET uses = uses - 1
         WHERE hash = $1 AND (expires_at IS NULL OR expires_at > $2) AND (uses IS NULL OR uses > 0)",
        hash,
        now
    )?;
    query!(tx, "DELETE FROM registration_tokens WHERE hash = $1 AND uses = 0", hash)?;
    Ok(changed == 1)
}

/// End an initial access token; false if there is none of that id.
///
/// # Errors
/// When the statement fails.
pub async fn delete(tx: &mut Write, id: &str) -> Result<bool, StoreError> {
    Ok(query!(tx, "DELETE FROM registration_tokens WHERE id = $1", id)? == 1)
}

/// End every initial access token.
///
/// # Errors
/// When the statement fails.
pub async fn delete_all(tx: &mut Write) -> Result<(), StoreError> {
    query!(tx, "DELETE FROM registration_tokens")?;
    Ok(())
}

/// Delete some of those that have ended by themselves.
///
/// # Errors
/// When the statement fails.
pub async fn forget(tx: &mut Write, before: i64, most: i64) -> Result<u64, StoreError> {
    Ok(query!(
        tx,
        "DELETE FROM registration_tokens WHERE id IN
            (SELECT id FROM registration_tokens WHERE expires_at < $1 LIMIT $2)",
        before,
        most
    )?)
}

/// Keep the token with which a client changes what it registered (RFC 7592 §1.2).
///
/// # Errors
/// When the statement fails.
pub async fn insert_of_client(tx: &mut Write, client_id: &str, hash: &str) -> Result<(), StoreError> {
    query!(tx, "INSERT INTO client_registrations (client_id, hash) VALUES ($1, $2)", client_id, hash)?;
    Ok(())
}

/// The hash of the token with which a client changes what it registered; none for a client that operators look after.
///
/// # Errors
/// When the statement fails.
pub async fn of_client(db: &mut impl Access, client_id: &str) -> Result<Option<String>, StoreError> {
    let row =
        select!(db, Hash, fetch_optional, "SELECT hash FROM client_registrations WHERE client_id = $1", client_id)?;
    Ok(row.map(|row| row.hash))
}

/// End the token with which a client changes what it registered: operators look after it from now on.
///
/// # Errors
/// When the statement fails.
pub async fn end_of_client(tx: &mut Write, client_id: &str) -> Result<(), StoreError> {
    query!(tx, "DELETE FROM client_registrations WHERE client_id = $1", client_id)?;
    Ok(())
}

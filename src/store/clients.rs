//! Registered clients and their secrets.

use super::{Access, StoreError, Write, registration_tokens, session_clients};

/// A client as it rests; its metadata is JSON (RFC 7591 §2).
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Row {
    /// The `client_id`.
    pub id: String,
    /// What it registered, as JSON.
    pub metadata: String,
    /// Whether the operator vouches for it as one of their own.
    pub first_party: bool,
    /// Whether its authorization requests need PKCE.
    pub require_pkce: bool,
    /// Whether it registered itself.
    pub self_registered: bool,
    /// Whether it may do anything.
    pub enabled: bool,
    /// Raised when everything it was given has to end.
    pub epoch: i64,
    /// When it was registered, unix seconds.
    pub created_at: i64,
    /// When it was last changed.
    pub updated_at: i64,
}

/// A secret of a client, as its hash.
#[derive(Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Secret {
    /// SHA-256, base64url.
    pub hash: String,
    /// When it was made.
    pub created_at: i64,
    /// When it ends; set once another has taken its place.
    pub expires_at: Option<i64>,
    /// The secret itself, sealed under the master key: of a client that signs with it.
    pub sealed: Option<String>,
}

impl Secret {
    /// Whether it still counts.
    #[must_use]
    pub fn is_live(&self, now: i64) -> bool {
        self.expires_at.is_none_or(|at| at > now)
    }
}

/// The client of that id.
///
/// # Errors
/// When the statement fails.
pub async fn find(db: &mut impl Access, id: &str) -> Result<Option<Row>, StoreError> {
    Ok(select!(
        db,
        Row,
        fetch_optional,
        "SELECT id, metadata, first_party, require_pkce, self_registered, enabled, epoch, created_at, updated_at
         FROM clients
         WHERE id = $1 AND deleted_at IS NULL",
        id
    )?)
}

/// All clients, by id.
///
/// # Errors
/// When the statement fails.
pub async fn list(db: &mut impl Access) -> Result<Vec<Row>, StoreError> {
    Ok(select!(
        db,
        Row,
        fetch_all,
        "SELECT id, metadata, first_party, require_pkce, self_registered, enabled, epoch, created_at, updated_at
         FROM clients
         WHERE deleted_at IS NULL ORDER BY created_at, id"
    )?)
}

#[derive(sqlx::FromRow)]
struct Id {
    id: String,
}

/// The ids of the enabled clients whose metadata, as JSON text, is like one pattern or the other.
///
/// # Errors
/// When the statement fails.
pub async fn enabled_like(db: &mut impl Access, one: &str, other: &str) -> Result<Vec<String>, StoreError> {
    let ids = select!(
        db,
        Id,
        fetch_all,
        "SELECT id FROM clients
         WHERE deleted_at IS NULL AND enabled AND (metadata LIKE $1 OR metadata LIKE $2) ORDER BY id",
        one,
        other
    )?;
    Ok(ids.into_iter().map(|row| row.id).collect())
}

/// Keep a new client; false if the id is taken. An id that was deleted may be taken again, under an epoch that no
/// earlier grant was made under.
///
/// # Errors
/// When the statement fails.
pub async fn insert(tx: &mut Write, row: &Row) -> Result<bool, StoreError> {
    tx.touch().await?;
    let changed = query!(
        tx,
        "INSERT INTO clients
            (id, metadata, first_party, require_pkce, enabled, epoch, created_at, updated_at, self_registered)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8)
         ON CONFLICT (id) DO UPDATE SET metadata = excluded.metadata, first_party = excluded.first_party,
            require_pkce = excluded.require_pkce, enabled = excluded.enabled, epoch = clients.epoch + 1,
            created_at = excluded.created_at, updated_at = excluded.updated_at,
            self_registered = excluded.self_registered, deleted_at = NULL
         WHERE clients.deleted_at IS NOT NULL",
        &row.id,
        &row.metadata,
        row.first_party,
        row.require_pkce,
        row.enabled,
        row.epoch,
        row.created_at,
        row.self_registered
    )?;
    Ok(changed == 1)
}

/// Take the row for this transaction, so that two who change it do so one after the other; false if it is not there.
///
/// # Errors
/// When the statement fails.
pub async fn lock(tx: &mut Write, id: &str, now: i64) -> Result<bool, StoreError> {
    tx.touch().await?;
    let changed = query!(tx, "UPDATE clients SET updated_at = $2 WHERE id = $1 AND deleted_at IS NULL", id, now)?;
    Ok(changed == 1)
}

/// Change what a client has registered. Lock it first.
///
/// # Errors
/// When the statement fails.
pub async fn update(tx: &mut Write, row: &Row) -> Result<(), StoreError> {
    tx.touch().await?;
    query!(
        tx,
        "UPDATE clients SET metadata = $2, first_party = $3, require_pkce = $4, updated_at = $5
         WHERE id = $1 AND deleted_at IS NULL",
        &row.id,
        &row.metadata,
        row.first_party,
        row.require_pkce,
        row.updated_at
    )?;
    Ok(())
}

/// Let a client do everything again, or nothing any more; the latter also ends what it was given. False if it is not there.
///
/// # Errors
/// When the statement fails.
pub async fn set_enabled(tx: &mut Write, id: &str, enabled: bool, now: i64) -> Result<bool, StoreError> {
    tx.touch().await?;
    let changed = query!(
        tx,
        "UPDATE clients SET enabled = $2, epoch = CASE WHEN $2 THEN epoch ELSE epoch + 1 END, updated_at = $3
         WHERE id = $1 AND deleted_at IS NULL",
        id,
        enabled,
        now
    )?;
    Ok(changed == 1)
}

/// End everything a client was given.
///
/// # Errors
/// When the statement fails.
pub async fn raise_epoch(tx: &mut Write, id: &str, now: i64) -> Result<(), StoreError> {
    tx.touch().await?;
    query!(tx, "UPDATE clients SET epoch = epoch + 1, updated_at = $2 WHERE id = $1 AND deleted_at IS NULL", id, now)?;
    Ok(())
}

/// Delete a client, its secrets, and what users have allowed it; false if it is not there. The row stays, empty, for its epoch.
///
/// # Errors
/// When a statement fails.
pub async fn delete(tx: &mut Write, id: &str, now: i64) -> Result<bool, StoreError> {
    tx.touch().await?;
    let changed = query!(
        tx,
        "UPDATE clients SET metadata = '{}', enabled = FALSE, epoch = epoch + 1, updated_at = $2, deleted_at = $2
         WHERE id = $1 AND deleted_at IS NULL",
        id,
        now
    )?;
    query!(tx, "DELETE FROM client_secrets WHERE client_id = $1", id)?;
    query!(tx, "DELETE FROM consents WHERE client_id = $1", id)?;
    registration_tokens::end_of_client(tx, id).await?;
    session_clients::end_of_client(tx, id).await?;
    Ok(changed == 1)
}

/// The secrets of a client, newest first, the ended ones included.
///
/// # Errors
/// When the statement fails.
pub async fn secrets(db: &mut impl Access, client_id: &str) -> Result<Vec<Secret>, StoreError> {
    Ok(select!(
        db,
        Secret,
        fetch_all,
        "SELECT hash, created_at, expires_at, sealed FROM client_secrets
         WHERE client_id = $1 ORDER BY created_at DESC, hash",
        client_id
    )?)
}

/// A secret that is sealed, and whose it is.
#[derive(sqlx::FromRow)]
pub struct SealedSecret {
    /// The hash of the secret.
    pub hash: String,
    /// The client.
    pub client_id: String,
    /// The secret itself, sealed.
    pub sealed: Option<String>,
}

/// Every secret that is sealed.
///
/// # Errors
/// When the statement fails.
pub async fn sealed_secrets(db: &mut impl Access) -> Result<Vec<SealedSecret>, StoreError> {
    Ok(select!(
        db,
        SealedSecret,
        fetch_all,
        "SELECT hash, client_id, sealed FROM client_secrets WHERE sealed IS NOT NULL ORDER BY hash"
    )?)
}

/// Put something else in the place of what a secret was sealed to.
///
/// # Errors
/// When the statement fails.
pub async fn reseal_secret(tx: &mut Write, hash: &str, sealed: &str) -> Result<(), StoreError> {
    tx.touch().await?;
    query!(tx, "UPDATE client_secrets SET sealed = $2 WHERE hash = $1", hash, sealed)?;
    Ok(())
}

/// Forget all of a client's secrets but their hashes.
///
/// # Errors
/// When the statement fails.
pub async fn unseal_secrets(tx: &mut Write, client_id: &str) -> Result<(), StoreError> {
    tx.touch().await?;
    query!(tx, "UPDATE client_secrets SET sealed = NULL WHERE client_id = $1", client_id)?;
    Ok(())
}

/// Give a client a secret; false if that very secret is already somebody's.
///
/// # Errors
/// When the statement fails.
pub async fn insert_secret(
    tx: &mut Write,
    client_id: &str,
    hash: &str,
    sealed: Option<&str>,
    now: i64,
) -> Result<bool, StoreError> {
    tx.touch().await?;
    let changed = query!(
        tx,
        "INSERT INTO client_secrets (hash, client_id, created_at, sealed) VALUES ($1, $2, $3, $4)
         ON CONFLICT (hash) DO NOTHING",
        hash,
        client_id,
        now,
        sealed
    )?;
    Ok(changed == 1)
}

/// Let the secrets that have no end yet end then, and forget those that had one: at most two are ever live.
///
/// # Errors
/// When a statement fails.
pub async fn retire_secrets(tx: &mut Write, client_id: &str, expires_at: i64) -> Result<(), StoreError> {
    tx.touch().await?;
    query!(tx, "DELETE FROM client_secrets WHERE client_id = $1 AND expires_at IS NOT NULL", client_id)?;
    query!(tx, "UPDATE client_secrets SET expires_at = $2 WHERE client_id = $1", client_id, expires_at)?;
    Ok(())
}

/// Forget every secret of a client.
///
/// # Errors
/// When the statement fails.
pub async fn delete_secrets(tx: &mut Write, client_id: &str) -> Result<(), StoreError> {
    tx.touch().await?;
    query!(tx, "DELETE FROM client_secrets WHERE client_id = $1", client_id)?;
    Ok(())
}

/// Delete some of the secrets that have ended.
///
/// # Errors
/// When the statement fails.
pub async fn forget_secrets(tx: &mut Write, before: i64, most: i64) -> Result<u64, StoreError> {
    Ok(query!(
        tx,
        "DELETE FROM client_secrets WHERE hash IN (SELECT hash FROM client_secrets WHERE expires_at < $1 LIMIT $2)",
        before,
        most
    )?)
}

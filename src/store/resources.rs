//! The APIs that tokens are for (RFC 8707).

use super::{Access, StoreError, Write};

/// An API as it rests.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Row {
    /// What stands in `aud`.
    pub uri: String,
    /// What people know it by.
    pub name: String,
    /// Its scopes, divided by spaces.
    pub scope: String,
    /// `jwt` or `opaque`.
    pub access_token: String,
    /// The `typ` of its JWTs.
    pub typ: String,
    /// `role` or `consent`.
    pub gate: String,
    /// The clients that may introspect its tokens, divided by spaces.
    pub introspected_by: String,
    /// When it was registered, unix seconds.
    pub created_at: i64,
    /// When it was last changed.
    pub updated_at: i64,
}

/// The API of that URI.
///
/// # Errors
/// When the statement fails.
pub async fn find(db: &mut impl Access, uri: &str) -> Result<Option<Row>, StoreError> {
    Ok(select!(
        db,
        Row,
        fetch_optional,
        "SELECT uri, name, scope, access_token, typ, gate, introspected_by, created_at, updated_at FROM resources
         WHERE uri = $1",
        uri
    )?)
}

/// All of them, by URI.
///
/// # Errors
/// When the statement fails.
pub async fn list(db: &mut impl Access) -> Result<Vec<Row>, StoreError> {
    Ok(select!(
        db,
        Row,
        fetch_all,
        "SELECT uri, name, scope, access_token, typ, gate, introspected_by, created_at, updated_at FROM resources
         ORDER BY uri"
    )?)
}

/// Keep a new API; false if the URI is taken.
///
/// # Errors
/// When the statement fails.
pub async fn insert(tx: &mut Write, row: &Row) -> Result<bool, StoreError> {
    tx.touch().await?;
    let changed = query!(
        tx,
        "INSERT INTO resources (uri, name, scope, access_token, typ, gate, introspected_by, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8) ON CONFLICT (uri) DO NOTHING",
        &row.uri,
        &row.name,
        &row.scope,
        &row.access_token,
        &row.typ,
        &row.gate,
        &row.introspected_by,
        row.created_at
    )?;
    Ok(changed == 1)
}

/// Take the row for this transaction; false if it is not there.
///
/// # Errors
/// When the statement fails.
pub async fn lock(tx: &mut Write, uri: &str, now: i64) -> Result<bool, StoreError> {
    tx.touch().await?;
    let changed = query!(tx, "UPDATE resources SET updated_at = $2 WHERE uri = $1", uri, now)?;
    Ok(changed == 1)
}

/// Change what is said of an API. Lock it first.
///
/// # Errors
/// When the statement fails.
pub async fn update(tx: &mut Write, row: &Row) -> Result<(), StoreError> {
    tx.touch().await?;
    query!(
        tx,
        "UPDATE resources SET name = $2, scope = $3, access_token = $4, typ = $5, gate = $6, introspected_by = $7,
            updated_at = $8 WHERE uri = $1",
        &row.uri,
        &row.name,
        &row.scope,
        &row.access_token,
        &row.typ,
        &row.gate,
        &row.introspected_by,
        row.updated_at
    )?;
    Ok(())
}

/// Forget an API; false if it is not there.
///
/// # Errors
/// When the statement fails.
pub async fn delete(tx: &mut Write, uri: &str) -> Result<bool, StoreError> {
    tx.touch().await?;
    let changed = query!(tx, "DELETE FROM resources WHERE uri = $1", uri)?;
    Ok(changed == 1)
}

//! Authorization requests that wait for a login or a consent, in the browser that began them (product decision 10).

use super::{Access, StoreError, Write};

/// A request that waits.
#[derive(Clone, Debug, Default, PartialEq, Eq, sqlx::FromRow)]
pub struct SavedRequest {
    /// 128 random bits; the pages' URLs carry it.
    pub id: String,
    /// The browser that began it; `None` for a posted one, whose browser begins it anew (a POST from elsewhere carries no cookie).
    pub browser: Option<String>,
    /// The parameters, as a query string.
    pub params: String,
    /// The session in which the user has authenticated for this very request.
    pub authenticated_sid: Option<String>,
    /// The session whose account the user has picked for this very request.
    pub picked_sid: Option<String>,
    /// When it was answered.
    pub spent_at: Option<i64>,
    /// When it came; what it still waits for is counted from here.
    pub created_at: i64,
    /// Until when it is kept.
    pub expires_at: i64,
}

/// Keep a request.
///
/// # Errors
/// When the statement fails.
pub async fn insert(tx: &mut Write, request: &SavedRequest) -> Result<(), StoreError> {
    query!(
        tx,
        "INSERT INTO authorization_requests (id, browser, params, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)",
        &request.id,
        &request.browser,
        &request.params,
        request.created_at,
        request.expires_at
    )?;
    Ok(())
}

/// The request of that id, whatever became of it.
///
/// # Errors
/// When the statement fails.
pub async fn find(db: &mut impl Access, id: &str) -> Result<Option<SavedRequest>, StoreError> {
    Ok(select!(
        db,
        SavedRequest,
        fetch_optional,
        "SELECT id, browser, params, authenticated_sid, picked_sid, spent_at, created_at, expires_at
         FROM authorization_requests WHERE id = $1",
        id
    )?)
}

/// Note that the user has authenticated for this request, in that session, and keep it from its beginning on for so long.
///
/// # Errors
/// When the statement fails.
pub async fn authenticated(tx: &mut Write, id: &str, sid: &str, kept_for: i64) -> Result<(), StoreError> {
    query!(
        tx,
        "UPDATE authorization_requests SET authenticated_sid = $2, expires_at = created_at + $3 WHERE id = $1",
        id,
        sid,
        kept_for
    )?;
    Ok(())
}

/// Note that the user has picked the account of that session for this request, and keep it from its beginning on for so long.
///
/// # Errors
/// When the statement fails.
pub async fn picked(tx: &mut Write, id: &str, sid: &str, kept_for: i64) -> Result<(), StoreError> {
    query!(
        tx,
        "UPDATE authorization_requests SET picked_sid = $2, expires_at = created_at + $3 WHERE id = $1",
        id,
        sid,
        kept_for
    )?;
    Ok(())
}

/// Spend the request, so that one approval never gives two codes; false if it was spent before.
///
/// # Errors
/// When the statement fails.
pub async fn spend(tx: &mut Write, id: &str, now: i64) -> Result<bool, StoreError> {
    let changed =
        query!(tx, "UPDATE authorization_requests SET spent_at = $2 WHERE id = $1 AND spent_at IS NULL", id, now)?;
    Ok(changed == 1)
}

/// Delete some of the requests that are kept no longer.
///
/// # Errors
/// When the statement fails.
pub async fn forget(tx: &mut Write, before: i64, most: i64) -> Result<u64, StoreError> {
    Ok(query!(
        tx,
        "DELETE FROM authorization_requests WHERE id IN
            (SELECT id FROM authorization_requests WHERE expires_at < $1 LIMIT $2)",
        before,
        most
    )?)
}

//! Which clients a browser session has let in: whom to tell when it ends (OIDC Back-Channel and Front-Channel Logout 1.0).
//! Grants know it too, but theirs end long before a session does.

use super::{Access, StoreError, Write, logout_notices};

#[derive(sqlx::FromRow)]
struct Of {
    client_id: String,
}

/// Note that a client was let in. A session that has ended meanwhile lets nobody in, and one that ends at the same moment
/// waits for this, so that no client is left out.
///
/// # Errors
/// When a statement fails.
pub async fn remember(tx: &mut Write, sid: &str, client_id: &str, user_id: &str) -> Result<(), StoreError> {
    let is_there = query!(tx, "UPDATE browser_sessions SET seen_at = seen_at WHERE sid = $1", sid)?;
    if is_there > 0 {
        query!(
            tx,
            "INSERT INTO session_clients (sid, client_id, user_id) VALUES ($1, $2, $3) ON CONFLICT (sid, client_id) DO NOTHING",
            sid,
            client_id,
            user_id
        )?;
    }
    Ok(())
}

/// The clients that a session has let in.
///
/// # Errors
/// When the statement fails.
pub async fn list(db: &mut impl Access, sid: &str) -> Result<Vec<String>, StoreError> {
    let rows =
        select!(db, Of, fetch_all, "SELECT client_id FROM session_clients WHERE sid = $1 ORDER BY client_id", sid)?;
    Ok(rows.into_iter().map(|row| row.client_id).collect())
}

/// Let go of the clients of a session that ends; those that want to hear of it are going to be told.
///
/// # Errors
/// When a statement fails.
pub async fn part(tx: &mut Write, sid: &str, now: i64) -> Result<(), StoreError> {
    logout_notices::insert_of_session(tx, sid, now).await?;
    query!(tx, "DELETE FROM session_clients WHERE sid = $1", sid)?;
    Ok(())
}

/// The same for every session of a user.
///
/// # Errors
/// When a statement fails.
pub async fn part_of_user(tx: &mut Write, user_id: &str, now: i64) -> Result<(), StoreError> {
    logout_notices::insert_of_user(tx, user_id, now).await?;
    query!(tx, "DELETE FROM session_clients WHERE user_id = $1", user_id)?;
    Ok(())
}

/// Forget a client that is deleted, and what it was still to be told.
///
/// # Errors
/// When a statement fails.
pub async fn end_of_client(tx: &mut Write, client_id: &str) -> Result<(), StoreError> {
    query!(tx, "DELETE FROM session_clients WHERE client_id = $1", client_id)?;
    query!(tx, "DELETE FROM logout_notices WHERE client_id = $1", client_id)?;
    Ok(())
}

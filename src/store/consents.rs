//! What users have allowed apps, so that the question is asked once (product decision 11).

use super::{Access, StoreError, Write};

/// A remembered consent, per user, client, organisation and resource.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Consent {
    /// The user who allowed it.
    pub user_id: String,
    /// The client that was allowed.
    pub client_id: String,
    /// The organisation the tokens are bound to; empty for none.
    pub org_id: String,
    /// The APIs it is for, divided by spaces.
    pub resource: String,
    /// The scope tokens that were allowed.
    pub scope: String,
    /// The names of the claims that were asked for one by one, divided by spaces.
    pub claims: String,
    /// When it was last given.
    pub updated_at: i64,
}

/// What a user has allowed a client.
///
/// # Errors
/// When the statement fails.
pub async fn of_client(db: &mut impl Access, user_id: &str, client_id: &str) -> Result<Vec<Consent>, StoreError> {
    Ok(select!(
        db,
        Consent,
        fetch_all,
        "SELECT user_id, client_id, org_id, resource, scope, claims, updated_at FROM consents
         WHERE user_id = $1 AND client_id = $2 ORDER BY org_id, resource",
        user_id,
        client_id
    )?)
}

/// Everything a user has allowed.
///
/// # Errors
/// When the statement fails.
pub async fn of_user(db: &mut impl Access, user_id: &str) -> Result<Vec<Consent>, StoreError> {
    Ok(select!(
        db,
        Consent,
        fetch_all,
        "SELECT user_id, client_id, org_id, resource, scope, claims, updated_at FROM consents
         WHERE user_id = $1 ORDER BY client_id, org_id, resource",
        user_id
    )?)
}

/// Remember a consent, in place of the one there was.
///
/// # Errors
/// When the statement fails.
pub async fn remember(tx: &mut Write, consent: &Consent) -> Result<(), StoreError> {
    tx.touch().await?;
    query!(
        tx,
        "INSERT INTO consents (user_id, client_id, org_id, resource, scope, claims, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $7)
         ON CONFLICT (user_id, client_id, org_id, resource)
         DO UPDATE SET scope = excluded.scope, claims = excluded.claims, updated_at = excluded.updated_at",
        &consent.user_id,
        &consent.client_id,
        &consent.org_id,
        &consent.resource,
        &consent.scope,
        &consent.claims,
        consent.updated_at
    )?;
    Ok(())
}

/// Forget what a user allowed a client.
///
/// # Errors
/// When the statement fails.
pub async fn forget(tx: &mut Write, user_id: &str, client_id: &str) -> Result<(), StoreError> {
    tx.touch().await?;
    query!(tx, "DELETE FROM consents WHERE user_id = $1 AND client_id = $2", user_id, client_id)?;
    Ok(())
}

/// Forget everything a user allowed.
///
/// # Errors
/// When the statement fails.
pub async fn forget_user(tx: &mut Write, user_id: &str) -> Result<(), StoreError> {
    tx.touch().await?;
    query!(tx, "DELETE FROM consents WHERE user_id = $1", user_id)?;
    Ok(())
}

/// Forget everything that was allowed in the name of an organisation.
///
/// # Errors
/// When the statement fails.
pub async fn forget_org(tx: &mut Write, org_id: &str) -> Result<(), StoreError> {
    tx.touch().await?;
    query!(tx, "DELETE FROM consents WHERE org_id = $1", org_id)?;
    Ok(())
}

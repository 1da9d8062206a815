//! Organisations. A deleted one keeps its row, so that its slug is never given to another.

use super::{Access, StoreError, Write};

/// An organisation, as the row stands.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Org {
    /// `org_` and 128 random bits; what tokens carry as `org_id`.
    pub id: String,
    /// The name in scopes (`org:<slug>`) and tokens; never used again.
    pub slug: String,
    /// The name for people.
    pub name: String,
    /// `active`, `suspended` or `deleted`.
    pub status: String,
    /// Raised to end every grant that is bound to it.
    pub epoch: i64,
    /// When the row was made, unix seconds.
    pub created_at: i64,
    /// When anything in it last changed.
    pub updated_at: i64,
}

/// Keep a new organisation; false if the slug is, or was, another's.
///
/// # Errors
/// When the statement fails.
pub async fn insert(tx: &mut Write, org: &Org) -> Result<bool, StoreError> {
    tx.touch().await?;
    let changed = query!(
        tx,
        "INSERT INTO orgs (id, slug, name, status, epoch, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (slug) DO NOTHING",
        &org.id,
        &org.slug,
        &org.name,
        &org.status,
        org.epoch,
        org.created_at,
        org.updated_at
    )?;
    Ok(changed == 1)
}

/// The organisation of that id, whatever its status.
///
/// # Errors
/// When the statement fails.
pub async fn find(db: &mut impl Access, id: &str) -> Result<Option<Org>, StoreError> {
    Ok(select!(
        db,
        Org,
        fetch_optional,
        "SELECT id, slug, name, status, epoch, created_at, updated_at FROM orgs WHERE id = $1",
        id
    )?)
}

/// The organisation of that slug, whatever its status.
///
/// # Errors
/// When the statement fails.
pub async fn find_by_slug(db: &mut impl Access, slug: &str) -> Result<Option<Org>, StoreError> {
    Ok(select!(
        db,
        Org,
        fetch_optional,
        "SELECT id, slug, name, status, epoch, created_at, updated_at FROM orgs WHERE slug = $1",
        slug
    )?)
}

/// The next organisations by slug, after that one, without the deleted.
///
/// # Errors
/// When the statement fails.
pub async fn list(db: &mut impl Access, after: &str, most: i64) -> Result<Vec<Org>, StoreError> {
    Ok(select!(
        db,
        Org,
        fetch_all,
        "SELECT id, slug, name, status, epoch, created_at, updated_at FROM orgs
         WHERE slug > $1 AND status <> 'deleted' ORDER BY slug LIMIT $2",
        after,
        most
    )?)
}

/// Give an organisation another name; false if there is none of that id.
///
/// # Errors
/// When the statement fails.
pub async fn rename(tx: &mut Write, id: &str, name: &str, now: i64) -> Result<bool, StoreError> {
    tx.touch().await?;
    let changed = query!(tx, "UPDATE orgs SET name = $2, updated_at = $3 WHERE id = $1", id, name, now)?;
    Ok(changed == 1)
}

/// Give an organisation another status; false if there is none of that id, or it is deleted: that is for ever.
///
/// # Errors
/// When the statement fails.
pub async fn set_status(tx: &mut Write, id: &str, status: &str, now: i64) -> Result<bool, StoreError> {
    tx.touch().await?;
    let changed = query!(
        tx,
        "UPDATE orgs SET status = $2, updated_at = $3 WHERE id = $1 AND status <> 'deleted'",
        id,
        status,
        now
    )?;
    Ok(changed == 1)
}

/// End every grant that is bound to it.
///
/// # Errors
/// When the statement fails.
pub async fn raise_epoch(tx: &mut Write, id: &str) -> Result<(), StoreError> {
    tx.touch().await?;
    query!(tx, "UPDATE orgs SET epoch = epoch + 1 WHERE id = $1", id)?;
    Ok(())
}

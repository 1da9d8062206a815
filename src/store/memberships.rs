//! Who has which role in which organisation: one per user and organisation.

use super::{Access, StoreError, Write};

/// The name of the role that an organisation is never left without.
pub const OWNER: &str = "owner";

/// A membership that counts, with all that tokens say of it.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Active {
    /// The organisation.
    pub org_id: String,
    /// Its slug.
    pub org_slug: String,
    /// Its name for people.
    pub org_name: String,
    /// Its epoch.
    pub org_epoch: i64,
    /// The name of the role.
    pub role: String,
    /// The role.
    pub role_id: String,
    /// How privileged the role is.
    pub role_level: i64,
    /// What the role allows: permission patterns, divided by spaces.
    pub permissions: String,
}

/// A member of an organisation, as its list shows them.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Member {
    /// The user's name.
    pub username: String,
    /// The user.
    pub sub: String,
    /// The name of the role.
    pub role: String,
    /// `active` or `suspended`.
    pub status: String,
    /// Since when, unix seconds.
    pub created_at: i64,
}

#[derive(sqlx::FromRow)]
struct Slug {
    slug: String,
}

/// The active memberships of a user in active organisations, by slug.
///
/// # Errors
/// When the statement fails.
pub async fn active_of_user(db: &mut impl Access, user_id: &str) -> Result<Vec<Active>, StoreError> {
    Ok(select!(
        db,
        Active,
        fetch_all,
        "SELECT o.id AS org_id, o.slug AS org_slug, o.name AS org_name, o.epoch AS org_epoch, r.name AS role,
            r.id AS role_id, r.hierarchy_level AS role_level, r.permissions AS permissions
         FROM memberships m JOIN orgs o ON o.id = m.org_id JOIN roles r ON r.id = m.role_id
         WHERE m.user_id = $1 AND m.status = 'active' AND o.status = 'active' ORDER BY o.slug",
        user_id
    )?)
}

/// The active membership of a user in an active organisation.
///
/// # Errors
/// When the statement fails.
pub async fn active(db: &mut impl Access, user_id: &str, org_id: &str) -> Result<Option<Active>, StoreError> {
    Ok(select!(
        db,
        Active,
        fetch_optional,
        "SELECT o.id AS org_id, o.slug AS org_slug, o.name AS org_name, o.epoch AS org_epoch, r.name AS role,
            r.id AS role_id, r.hierarchy_level AS role_level, r.permissions AS permissions
         FROM memberships m JOIN orgs o ON o.id = m.org_id JOIN roles r ON r.id = m.role_id
         WHERE m.user_id = $1 AND m.org_id = $2 AND m.status = 'active' AND o.status = 'active'",
        user_id,
        org_id
    )?)
}

/// A member of an organisation, whatever the status.
///
/// # Errors
/// When the statement fails.
pub async fn find(db: &mut impl Access, org_id: &str, user_id: &str) -> Result<Option<Member>, StoreError> {
    Ok(select!(
        db,
        Member,
        fetch_optional,
        "SELECT u.username AS username, u.id AS sub, r.name AS role, m.status AS status, m.created_at AS created_at
         FROM memberships m JOIN users u ON u.id = m.user_id JOIN roles r ON r.id = m.role_id
         WHERE m.org_id = $1 AND m.user_id = $2",
        org_id,
        user_id
    )?)
}

/// The next members of an organisation by name, after that one.
///
/// # Errors
/// When the statement fails.
pub async fn list_of_org(
    db: &mut impl Access,
    org_id: &str,
    after: &str,
    most: i64,
) -> Result<Vec<Member>, StoreError> {
    Ok(select!(
        db,
        Member,
        fetch_all,
        "SELECT u.username AS username, u.id AS sub, r.name AS role, m.status AS status, m.created_at AS created_at
         FROM memberships m JOIN users u ON u.id = m.user_id JOIN roles r ON r.id = m.role_id
         WHERE m.org_id = $1 AND u.username > $2 ORDER BY u.username LIMIT $3",
        org_id,
        after,
        most
    )?)
}

/// The organisations whose only owner who counts is this user: active in it, and not disabled.
///
/// # Errors
/// When the statement fails.
pub async fn owned_alone(db: &mut impl Access, user_id: &str) -> Result<Vec<String>, StoreError> {
    let rows = select!(
        db,
        Slug,
        fetch_all,
        "SELECT o.slug AS slug FROM memberships m JOIN orgs o ON o.id = m.org_id JOIN roles r ON r.id = m.role_id
         WHERE m.user_id = $1 AND m.status = 'active' AND r.is_system_role AND r.name = 'owner' AND o.status <> 'deleted'
         AND NOT EXISTS (
            SELECT 1 FROM memberships other JOIN users u ON u.id = other.user_id
            WHERE other.org_id = m.org_id AND other.role_id = m.role_id AND other.user_id <> m.user_id
            AND other.status = 'active' AND u.enabled)
         ORDER BY o.slug",
        user_id
    )?;
    Ok(rows.into_iter().map(|row| row.slug).collect())
}

/// Make a user a member; false if they are one already.
///
/// # Errors
/// When the statement fails.
pub async fn insert(tx: &mut Write, org_id: &str, user_id: &str, role_id: &str, now: i64) -> Result<bool, StoreError> {
    tx.touch().await?;
    let changed = query!(
        tx,
        "INSERT INTO memberships (org_id, user_id, role_id, status, created_at, updated_at)
         VALUES ($1, $2, $3, 'active', $4, $4) ON CONFLICT (org_id, user_id) DO NOTHING",
        org_id,
        user_id,
        role_id,
        now
    )?;
    Ok(changed == 1)
}

/// Give a member another role; false if there is no such member.
///
/// # Errors
/// When the statement fails.
pub async fn set_role(
    tx: &mut Write,
    org_id: &str,
    user_id: &str,
    role_id: &str,
    now: i64,
) -> Result<bool, StoreError> {
    tx.touch().await?;
    let changed = query!(
        tx,
        "UPDATE memberships SET role_id = $3, updated_at = $4 WHERE org_id = $1 AND user_id = $2",
        org_id,
        user_id,
        role_id,
        now
    )?;
    Ok(changed == 1)
}

/// Give a membership another status; false if there is no such member.
///
/// # Errors
/// When the statement fails.
pub async fn set_status(
    tx: &mut Write,
    org_id: &str,
    user_id: &str,
    status: &str,
    now: i64,
) -> Result<bool, StoreError> {
    tx.touch().await?;
    let changed = query!(
        tx,
        "UPDATE memberships SET status = $3, updated_at = $4 WHERE org_id = $1 AND user_id = $2",
        org_id,
        user_id,
        status,
        now
    )?;
    Ok(changed == 1)
}

/// End a membership; false if there is none.
///
/// # Errors
/// When the statement fails.
pub async fn delete(tx: &mut Write, org_id: &str, user_id: &str) -> Result<bool, StoreError> {
    tx.touch().await?;
    let changed = query!(tx, "DELETE FROM memberships WHERE org_id = $1 AND user_id = $2", org_id, user_id)?;
    Ok(changed == 1)
}

/// End every membership of a user.
///
/// # Errors
/// When the statement fails.
pub async fn delete_of_user(tx: &mut Write, user_id: &str) -> Result<(), StoreError> {
    tx.touch().await?;
    query!(tx, "DELETE FROM memberships WHERE user_id = $1", user_id)?;
    Ok(())
}

/// End every membership in an organisation.
///
/// # Errors
/// When the statement fails.
pub async fn delete_of_org(tx: &mut Write, org_id: &str) -> Result<(), StoreError> {
    tx.touch().await?;
    query!(tx, "DELETE FROM memberships WHERE org_id = $1", org_id)?;
    Ok(())
}

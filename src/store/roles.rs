//! The roles of organisations: unique by name and by level in each.

use super::{Access, StoreError, Write};

/// A role, as the row stands.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Role {
    /// `rol_` and 128 random bits; what tokens carry as `role_id`.
    pub id: String,
    /// The organisation it belongs to.
    pub org_id: String,
    /// Its name, as tokens carry it.
    pub name: String,
    /// The higher, the more privileged.
    pub hierarchy_level: i64,
    /// Whether it came with the organisation and cannot be changed.
    pub is_system_role: bool,
    /// What it allows: permission patterns, divided by spaces.
    pub permissions: String,
    /// When the row was made, unix seconds.
    pub created_at: i64,
    /// When anything in it last changed.
    pub updated_at: i64,
}

/// Keep a new role; false if its name or level is another's in that organisation.
///
/// # Errors
/// When the statement fails.
pub async fn insert(tx: &mut Write, role: &Role) -> Result<bool, StoreError> {
    tx.touch().await?;
    let changed = query!(
        tx,
        "INSERT INTO roles (id, org_id, name, hierarchy_level, is_system_role, permissions, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
        &role.id,
        &role.org_id,
        &role.name,
        role.hierarchy_level,
        role.is_system_role,
        &role.permissions,
        role.created_at,
        role.updated_at
    )?;
    Ok(changed == 1)
}

/// The roles of an organisation, the most privileged first.
///
/// # Errors
/// When the statement fails.
pub async fn of_org(db: &mut impl Access, org_id: &str) -> Result<Vec<Role>, StoreError> {
    Ok(select!(
        db,
        Role,
        fetch_all,
        "SELECT id, org_id, name, hierarchy_level, is_system_role, permissions, created_at, updated_at FROM roles
         WHERE org_id = $1 ORDER BY hierarchy_level DESC",
        org_id
    )?)
}

/// The role of that name in an organisation.
///
/// # Errors
/// When the statement fails.
pub async fn find_by_name(db: &mut impl Access, org_id: &str, name: &str) -> Result<Option<Role>, StoreError> {
    Ok(select!(
        db,
        Role,
        fetch_optional,
        "SELECT id, org_id, name, hierarchy_level, is_system_role, permissions, created_at, updated_at FROM roles
         WHERE org_id = $1 AND name = $2",
        org_id,
        name
    )?)
}

/// Replace what a role is and allows; false if there is none of that id, or it is a system role.
///
/// # Errors
/// When the statement fails.
pub async fn update(
    tx: &mut Write,
    id: &str,
    name: &str,
    hierarchy_level: i64,
    permissions: &str,
    now: i64,
) -> Result<bool, StoreError> {
    tx.touch().await?;
    let changed = query!(
        tx,
        "UPDATE roles SET name = $2, hierarchy_level = $3, permissions = $4, updated_at = $5
         WHERE id = $1 AND NOT is_system_role",
        id,
        name,
        hierarchy_level,
        permissions,
        now
    )?;
    Ok(changed == 1)
}

/// Delete a role that nobody has; false if somebody has it, or it is a system role, or there is none of that id.
///
/// # Errors
/// When the statement fails.
pub async fn delete_unused(tx: &mut Write, id: &str) -> Result<bool, StoreError> {
    tx.touch().await?;
    let changed = query!(
        tx,
        "DELETE FROM roles WHERE id = $1 AND NOT is_system_role
         AND NOT EXISTS (SELECT 1 FROM memberships WHERE memberships.role_id = roles.id)",
        id
    )?;
    Ok(changed == 1)
}

/// Delete the roles of an organisation, the system roles too.
///
/// # Errors
/// When the statement fails.
pub async fn delete_of_org(tx: &mut Write, org_id: &str) -> Result<(), StoreError> {
    tx.touch().await?;
    query!(tx, "DELETE FROM roles WHERE org_id = $1", org_id)?;
    Ok(())
}

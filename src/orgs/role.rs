//! Roles: a name and a level that are unique in their organisation, and the permissions they allow.

use super::org;
use crate::{
    protocol::{ErrorCode, Refusal, Result, Timestamp, permission::Pattern},
    random::Random,
    store::{
        Access, Store, StoreError, Write, memberships,
        roles::{self, Role as Row},
    },
};

/// A role of an organisation.
#[derive(Clone, Debug, PartialEq)]
pub struct Role {
    /// What tokens carry as `role_id`.
    pub id: String,
    /// The organisation.
    pub org_id: String,
    /// What tokens carry as `role`.
    pub name: String,
    /// What tokens carry as `role_level`; the higher, the more privileged.
    pub hierarchy_level: i64,
    /// Whether it came with the organisation and cannot be changed.
    pub is_system_role: bool,
    /// What it allows.
    pub permissions: Vec<Pattern>,
}

/// A role to be made.
#[derive(Clone, Copy, Debug)]
pub struct NewRole<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its level, below the owner's.
    pub hierarchy_level: i64,
    /// What it allows, each as `resource:action` or a pattern.
    pub permissions: &'a [String],
}

/// What shall be different; what is `None` stays.
#[derive(Clone, Copy, Debug, Default)]
pub struct RoleChanges<'a> {
    /// Another name.
    pub name: Option<&'a str>,
    /// Another level.
    pub hierarchy_level: Option<i64>,
    /// Other permissions, in place of those there are.
    pub permissions: Option<&'a [String]>,
}

/// The roles every organisation has: name, level, permissions.
const SYSTEM_ROLES: &[(&str, i64, &str)] = &[
    (memberships::OWNER, OWNER_LEVEL, "*"),
    ("admin", 80, "*"),
    ("editor", 50, "*:read *:create *:update"),
    ("viewer", 10, "*:read"),
];

const OWNER_LEVEL: i64 = 100;

/// The roles of an organisation, the most privileged first.
///
/// # Errors
/// When the database fails.
pub async fn roles(db: &mut impl Access, org_id: &str) -> Result<Vec<Role>> {
    roles::of_org(db, org_id).await?.into_iter().map(|row| Ok(row.try_into()?)).collect()
}

/// The role of that name in an organisation.
///
/// # Errors
/// When the database fails.
pub async fn find_role(db: &mut impl Access, org_id: &str, name: &str) -> Result<Option<Role>> {
    roles::find_by_name(db, org_id, name).await?.map(|row| Ok(row.try_into()?)).transpose()
}

/// Make a role.
///
/// # Errors
/// `invalid_request` for a name, level or permission that cannot be, or that another role of the organisation has.
pub async fn create_role(
    store: &Store,
    org_id: &str,
    new: NewRole<'_>,
    now: Timestamp,
    random: &Random,
) -> Result<Role> {
    let row = Row {
        id: format!("rol_{}", random.id()),
        org_id: org_id.to_owned(),
        name: parse_name(new.name)?,
        hierarchy_level: parse_level(new.hierarchy_level)?,
        is_system_role: false,
        permissions: text(&parse_permissions(new.permissions)?),
        created_at: now.0,
        updated_at: now.0,
    };
    let mut tx = store.write().await?;
    org::hold(&mut tx, org_id).await?;
    must_be_unique(&mut tx, &row).await?;
    roles::insert(&mut tx, &row).await?;
    tx.commit().await?;
    Ok(row.try_into()?)
}

/// Change a role; it acts at once on everybody who has it.
///
/// # Errors
/// `invalid_request` for a system role, one that is gone, or what [`create_role`] refuses.
pub async fn update_role(
    store: &Store,
    org_id: &str,
    name: &str,
    changes: RoleChanges<'_>,
    now: Timestamp,
) -> Result<Role> {
    let name_after = changes.name.map(parse_name).transpose()?;
    let level_after = changes.hierarchy_level.map(parse_level).transpose()?;
    let permissions_after = changes.permissions.map(parse_permissions).transpose()?;
    let mut tx = store.write().await?;
    org::hold(&mut tx, org_id).await?;
    let mut row = must_be_changeable(&mut tx, org_id, name).await?;
    row.name = name_after.unwrap_or(row.name);
    row.hierarchy_level = level_after.unwrap_or(row.hierarchy_level);
    row.permissions = permissions_after.map_or(row.permissions, |patterns| text(&patterns));
    must_be_unique(&mut tx, &row).await?;
    roles::update(&mut tx, &row.id, &row.name, row.hierarchy_level, &row.permissions, now.0).await?;
    tx.commit().await?;
    Ok(row.try_into()?)
}

/// Delete a role that nobody has.
///
/// # Errors
/// `invalid_request` for a system role, one that somebody has, or one that is gone.
pub async fn delete_role(store: &Store, org_id: &str, name: &str) -> Result<()> {
    let mut tx = store.write().await?;
    org::hold(&mut tx, org_id).await?;
    let row = must_be_changeable(&mut tx, org_id, name).await?;
    if !roles::delete_unused(&mut tx, &row.id).await? {
        return Err(refuse("the role is in use; give its members another one first").into());
    }
    tx.commit().await?;
    Ok(())
}

/// The system roles of a new organisation.
pub(super) fn seeded(org_id: &str, now: Timestamp, random: &Random) -> Vec<Row> {
    SYSTEM_ROLES
        .iter()
        .map(|(name, hierarchy_level, permissions)| Row {
            id: format!("rol_{}", random.id()),
            org_id: org_id.to_owned(),
            name: (*name).to_owned(),
            hierarchy_level: *hierarchy_level,
            is_system_role: true,
            permissions: (*permissions).to_owned(),
            created_at: now.0,
            updated_at: now.0,
        })
        .collect()
}

/// The patterns of a row's column.
pub(super) fn patterns(permissions: &str, role_id: &str) -> std::result::Result<Vec<Pattern>, StoreError> {
    permissions
        .split(' ')
        .filter(|pattern| !pattern.is_empty())
        .map(|pattern| {
            Pattern::parse(pattern).map_err(|_| StoreError::Inconsistent {
                table: "roles",
                column: "permissions",
                row: role_id.to_owned(),
            })
        })
        .collect()
}

async fn must_be_changeable(tx: &mut Write, org_id: &str, name: &str) -> Result<Row> {
    let row = roles::find_by_name(tx, org_id, name)
        .await?
        .ok_or_else(|| refuse("the organisation has no role of that name"))?;
    if row.is_system_role {
        return Err(refuse("owner, admin, editor and viewer come with every organisation and cannot be changed").into());
    }
    Ok(row)
}

async fn must_be_unique(tx: &mut Write, role: &Row) -> Result<()> {
    for other in roles::of_org(tx, &role.org_id).await?.iter().filter(|other| other.id != role.id) {
        // An app that compares without regard to case must not take one for the other.
        if other.name.to_lowercase() == role.name.to_lowercase() {
            return Err(refuse("the organisation has a role of that name").into());
        }
        if other.hierarchy_level == role.hierarchy_level {
            let what = "the organisation has a role of that level; levels are unique, the higher the more privileged";
            return Err(refuse(what).hint(format!("the role {}", other.name)).into());
        }
    }
    Ok(())
}

fn parse_name(text: &str) -> std::result::Result<String, Refusal> {
    let is_name = (1..=LONGEST_NAME).contains(&text.chars().count())
        && !text.contains(char::is_control)
        && !text.contains("  ")
        && text.trim() == text;
    if is_name { Ok(text.to_owned()) } else { Err(refuse("the name of a role is a line of 1 to 50 characters")) }
}

fn parse_level(level: i64) -> std::result::Result<i64, Refusal> {
    // Nobody stands above the owners.
    if (1..OWNER_LEVEL).contains(&level) { Ok(level) } else { Err(refuse("the level of a role is between 1 and 99")) }
}

fn parse_permissions(texts: &[String]) -> std::result::Result<Vec<Pattern>, Refusal> {
    let mut patterns: Vec<Pattern> = Vec::new();
    for text in texts {
        let pattern = Pattern::parse(text).map_err(|refusal| Refusal { code: ErrorCode::InvalidRequest, ..refusal })?;
        if !patterns.contains(&pattern) {
            patterns.push(pattern);
        }
    }
    if patterns.len() > MOST_PERMISSIONS {
        return Err(refuse("a role has at most 200 permissions; say more with fewer patterns"));
    }
    Ok(patterns)
}

fn text(patterns: &[Pattern]) -> String {
    patterns.iter().map(Pattern::to_string).collect::<Vec<_>>().join(" ")
}

fn refuse(what: &'static str) -> Refusal {
    Refusal::new(ErrorCode::InvalidRequest, what)
}

const LONGEST_NAME: usize = 50;
const MOST_PERMISSIONS: usize = 200;

impl TryFrom<Row> for Role {
    type Error = StoreError;

    fn try_from(row: Row) -> std::result::Result<Self, StoreError> {
        let permissions = patterns(&row.permissions, &row.id)?;
        Ok(Self {
            id: row.id,
            org_id: row.org_id,
            name: row.name,
            hierarchy_level: row.hierarchy_level,
            is_system_role: row.is_system_role,
            permissions,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_roles_are_owner_admin_editor_viewer() {
        let rows = seeded("org_1", Timestamp(0), &Random::seeded(1));
        let said: Vec<_> =
            rows.iter().map(|row| (row.name.as_str(), row.hierarchy_level, row.permissions.as_str())).collect();
        assert_eq!(
            said,
            [
                ("owner", 100, "*"),
                ("admin", 80, "*"),
                ("editor", 50, "*:read *:create *:update"),
                ("viewer", 10, "*:read")
            ]
        );
        assert!(rows.into_iter().all(|row| row.is_system_role && Role::try_from(row).is_ok()));
    }

    #[test]
    fn no_role_stands_beside_or_above_the_owner() {
        for bad in [i64::MIN, -1, 0, 100, 101, i64::MAX] {
            assert!(parse_level(bad).is_err(), "{bad}");
        }
        assert!(parse_level(1).is_ok() && parse_level(99).is_ok());
    }

    #[test]
    fn a_permission_that_is_no_pattern_is_refused() {
        let parse = |text: &str| parse_permissions(&[text.to_owned()]);
        for good in ["*", "kb:*", "*:read", "kb:r*", "kb:read"] {
            assert_eq!(text(&parse(good).unwrap()), good);
        }
        for bad in ["", "kb", "kb:", ":read", "kb:read:now", "openid", "kb read"] {
            assert_eq!(parse(bad).unwrap_err().code, ErrorCode::InvalidRequest, "{bad:?}");
        }
        assert_eq!(parse_permissions(&["kb:read".into(), "kb:read".into()]).unwrap().len(), 1);
    }
}

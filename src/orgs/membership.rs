//! Memberships: who has which role in which organisation.

use serde_json::{Value, json};

use super::{org, role};
use crate::{
    protocol::{
        Error, ErrorCode, Refusal, Result, Scope, Timestamp,
        permission::{Pattern, ScopeToken, classify},
    },
    store::{
        Access, Store, StoreError, Write,
        memberships::{self, Active},
        roles, users,
    },
    tokens::access_token::OrgClaims,
};

/// The status of a membership that counts, if its organisation does.
const ACTIVE: &str = "active";
/// The status of one that does not for the time being.
const SUSPENDED: &str = "suspended";

/// A membership that counts: active, in an active organisation.
#[derive(Clone, Debug, PartialEq)]
pub struct Membership {
    /// The organisation; `org_id`.
    pub org_id: String,
    /// Its slug; `org_slug`.
    pub org_slug: String,
    /// Its name for people.
    pub org_name: String,
    /// What grants in its name have to match to count.
    pub org_epoch: i64,
    /// The name of the role; `role`.
    pub role: String,
    /// The role; `role_id`.
    pub role_id: String,
    /// How privileged it is; `role_level`.
    pub role_level: i64,
    /// What it allows.
    pub permissions: Vec<Pattern>,
}

/// A member of an organisation, whatever the status.
pub type Member = memberships::Member;

impl Membership {
    /// Whether the role allows what a permission scope says.
    #[must_use]
    pub fn allows(&self, token: &str) -> bool {
        match classify(token) {
            ScopeToken::Permission(permission) => self.permissions.iter().any(|own| own.allows(&permission)),
            _ => false,
        }
    }
}

/// The memberships of a user that count, by slug.
///
/// # Errors
/// When the database fails.
pub async fn memberships_of(db: &mut impl Access, user_id: &str) -> Result<Vec<Membership>> {
    memberships::active_of_user(db, user_id).await?.into_iter().map(|row| Ok(row.try_into()?)).collect()
}

/// The membership of a user in one organisation, if it counts.
///
/// # Errors
/// When the database fails.
pub async fn membership(db: &mut impl Access, user_id: &str, org_id: &str) -> Result<Option<Membership>> {
    memberships::active(db, user_id, org_id).await?.map(|row| Ok(row.try_into()?)).transpose()
}

/// What tokens say of a membership: the role, and of its permissions the concrete ones that were granted.
#[must_use]
pub fn claims(membership: &Membership, granted: &Scope) -> OrgClaims {
    OrgClaims {
        org_id: membership.org_id.clone(),
        org_slug: membership.org_slug.clone(),
        role: membership.role.clone(),
        role_id: membership.role_id.clone(),
        role_level: membership.role_level,
        permissions: granted.iter().filter(|token| membership.allows(token)).map(str::to_owned).collect(),
    }
}

/// The claim `organizations`, for the scope `orgs`.
#[must_use]
pub fn listing(memberships: &[Membership]) -> Value {
    memberships.iter().map(|own| json!({ "id": own.org_id, "slug": own.org_slug, "role": own.role })).collect()
}

/// A member of an organisation.
///
/// # Errors
/// When the database fails.
pub async fn member(db: &mut impl Access, org_id: &str, user_id: &str) -> Result<Option<Member>> {
    Ok(memberships::find(db, org_id, user_id).await?)
}

/// The next members of an organisation by username, after that one.
///
/// # Errors
/// When the database fails.
pub async fn members(db: &mut impl Access, org_id: &str, after: &str, most: i64) -> Result<Vec<Member>> {
    Ok(memberships::list_of_org(db, org_id, after, most).await?)
}

/// Make a user a member.
///
/// # Errors
/// `invalid_request` for a member, or a user, role or organisation that is gone.
pub async fn add_member(store: &Store, org_id: &str, user_id: &str, role: &str, now: Timestamp) -> Result<Member> {
    let mut tx = store.write().await?;
    org::hold(&mut tx, org_id).await?;
    if users::find(&mut tx, user_id).await?.is_none() {
        return Err(refuse("the user does not exist any more"));
    }
    let role = must_have_role(&mut tx, org_id, role).await?;
    if !memberships::insert(&mut tx, org_id, user_id, &role.id, now.0).await? {
        let refusal = Refusal::new(ErrorCode::InvalidRequest, "the user is a member already");
        return Err(refusal.hint("`member set-role` gives another role").into());
    }
    finish(tx, org_id, user_id).await
}

/// Give a member another role; tokens say so from the next refresh, introspection at once.
///
/// # Errors
/// `invalid_request` for who is no member, a role that is not there, or the last active owner.
pub async fn set_member_role(store: &Store, org_id: &str, user_id: &str, role: &str, now: Timestamp) -> Result<Member> {
    let mut tx = store.write().await?;
    let org = org::hold(&mut tx, org_id).await?;
    let role = must_have_role(&mut tx, org_id, role).await?;
    if role.name != memberships::OWNER {
        must_leave_an_owner(&mut tx, &org, user_id).await?;
    }
    memberships::set_role(&mut tx, org_id, user_id, &role.id, now.0).await?;
    finish(tx, org_id, user_id).await
}

/// Let a membership count for nothing until it is activated again.
///
/// # Errors
/// `invalid_request` for who is no member, or the last active owner.
pub async fn suspend_member(store: &Store, org_id: &str, user_id: &str, now: Timestamp) -> Result<Member> {
    let mut tx = store.write().await?;
    let org = org::hold(&mut tx, org_id).await?;
    must_leave_an_owner(&mut tx, &org, user_id).await?;
    memberships::set_status(&mut tx, org_id, user_id, SUSPENDED, now.0).await?;
    finish(tx, org_id, user_id).await
}

/// Let a membership count again.
///
/// # Errors
/// `invalid_request` for who is no member.
pub async fn activate_member(store: &Store, org_id: &str, user_id: &str, now: Timestamp) -> Result<Member> {
    let mut tx = store.write().await?;
    org::hold(&mut tx, org_id).await?;
    memberships::set_status(&mut tx, org_id, user_id, ACTIVE, now.0).await?;
    finish(tx, org_id, user_id).await
}

/// End a membership.
///
/// # Errors
/// `invalid_request` for who is no member, or the last active owner.
pub async fn remove_member(store: &Store, org_id: &str, user_id: &str) -> Result<()> {
    let mut tx = store.write().await?;
    let org = org::hold(&mut tx, org_id).await?;
    must_leave_an_owner(&mut tx, &org, user_id).await?;
    if !memberships::delete(&mut tx, org_id, user_id).await? {
        return Err(no_member());
    }
    tx.commit().await?;
    Ok(())
}

async fn finish(mut tx: Write, org_id: &str, user_id: &str) -> Result<Member> {
    let member = memberships::find(&mut tx, org_id, user_id).await?.ok_or_else(no_member)?;
    tx.commit().await?;
    Ok(member)
}

async fn must_have_role(tx: &mut Write, org_id: &str, role: &str) -> Result<roles::Role> {
    if let Some(role) = roles::find_by_name(tx, org_id, role).await? {
        return Ok(role);
    }
    let names: Vec<String> = roles::of_org(tx, org_id).await?.into_iter().map(|role| role.name).collect();
    let refusal = Refusal::new(ErrorCode::InvalidRequest, "the organisation has no role of that name");
    Err(refusal.hint(format!("it has {}", names.join(", "))).into())
}

/// Without an owner nobody could ever be given a role again by anybody in the organisation.
async fn must_leave_an_owner(tx: &mut Write, org: &org::Org, user_id: &str) -> Result<()> {
    if memberships::owned_alone(tx, user_id).await?.contains(&org.slug) {
        let refusal = Refusal::new(
            ErrorCode::InvalidRequest,
            "this is the last active owner; an organisation keeps at least one",
        );
        return Err(refusal.hint("make another member an owner first").into());
    }
    Ok(())
}

fn no_member() -> Error {
    refuse("the user is no member of the organisation")
}

fn refuse(what: &'static str) -> Error {
    Error::refused(ErrorCode::InvalidRequest, what)
}

impl TryFrom<Active> for Membership {
    type Error = StoreError;

    fn try_from(row: Active) -> std::result::Result<Self, StoreError> {
        let permissions = role::patterns(&row.permissions, &row.role_id)?;
        Ok(Self {
            org_id: row.org_id,
            org_slug: row.org_slug,
            org_name: row.org_name,
            org_epoch: row.org_epoch,
            role: row.role,
            role_id: row.role_id,
            role_level: row.role_level,
            permissions,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn editor() -> Membership {
        Membership {
            org_id: "org_1".into(),
            org_slug: "acme".into(),
            org_name: "Acme".into(),
            org_epoch: 0,
            role: "editor".into(),
            role_id: "rol_1".into(),
            role_level: 50,
            permissions: role::patterns("*:read kb:*", "rol_1").unwrap(),
        }
    }

    #[test]
    fn permissions_are_the_concrete_ones_that_were_granted_and_the_role_allows() {
        let granted = Scope::parse("openid orgs org:acme kb:read kb:delete wiki:read wiki:delete *:read read").unwrap();
        let claims = claims(&editor(), &granted);
        assert_eq!(claims.permissions, ["kb:read", "kb:delete", "wiki:read"]);
        assert_eq!((claims.org_slug.as_str(), claims.role.as_str(), claims.role_level), ("acme", "editor", 50));
    }

    #[test]
    fn organizations_lists_id_slug_and_role() {
        assert_eq!(listing(&[editor()]), json!([{ "id": "org_1", "slug": "acme", "role": "editor" }]));
        assert_eq!(listing(&[]), json!([]));
    }
}

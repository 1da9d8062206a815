//! Organisations: a slug for scopes and tokens, a name for people, and a status.

use super::role;
use crate::{
    protocol::{Error, ErrorCode, Refusal, Result, Timestamp},
    random::Random,
    store::{
        Access, Store, Write, consents, memberships,
        orgs::{self, Org as Row},
        roles,
    },
};

/// The status of an organisation whose roles count.
pub(super) const ACTIVE: &str = "active";
/// The status of one whose roles do not count for the time being.
const SUSPENDED: &str = "suspended";
/// The status of one that is gone; only its slug remains.
const DELETED: &str = "deleted";

/// An organisation that is not deleted.
pub type Org = Row;

/// The name of an organisation in scopes and tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slug(String);

/// An organisation to be made.
#[derive(Clone, Copy, Debug)]
pub struct NewOrg<'a> {
    /// The slug, as it was typed.
    pub slug: &'a str,
    /// The name for people.
    pub name: &'a str,
}

impl Slug {
    /// Read a slug: lower-case letters, digits and hyphens, as in a host name.
    ///
    /// # Errors
    /// `invalid_request`, saying what a slug looks like.
    pub fn parse(text: &str) -> std::result::Result<Self, Refusal> {
        let is_slug = (1..=LONGEST_SLUG).contains(&text.len())
            && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
            && !text.starts_with('-')
            && !text.ends_with('-')
            && !text.contains("--");
        if is_slug {
            Ok(Self(text.to_owned()))
        } else {
            Err(Refusal::new(
                ErrorCode::InvalidRequest,
                "a slug has 1 to 63 lower-case letters and digits, with single hyphens between them",
            ))
        }
    }

    /// The slug.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Make an organisation with the four system roles and no members.
///
/// # Errors
/// `invalid_request` for a slug or name that cannot be, or a slug that is, or ever was, another's.
pub async fn create(store: &Store, new: NewOrg<'_>, now: Timestamp, random: &Random) -> Result<Org> {
    let (slug, name) = (Slug::parse(new.slug)?, parse_name(new.name)?);
    let org = Row {
        id: format!("org_{}", random.id()),
        slug: slug.0,
        name,
        status: ACTIVE.to_owned(),
        epoch: 0,
        created_at: now.0,
        updated_at: now.0,
    };
    let mut tx = store.write().await?;
    if !orgs::insert(&mut tx, &org).await? {
        let refusal = Refusal::new(ErrorCode::InvalidRequest, "the slug is taken");
        return Err(refusal.hint("a deleted organisation keeps its slug: old tokens name it").into());
    }
    for role in role::seeded(&org.id, now, random) {
        roles::insert(&mut tx, &role).await?;
    }
    tx.commit().await?;
    Ok(org)
}

/// The organisation of that slug, unless it is deleted.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &mut impl Access, slug: &str) -> Result<Option<Org>> {
    Ok(orgs::find_by_slug(db, slug).await?.filter(|org| org.status != DELETED))
}

/// The next organisations by slug, after that one.
///
/// # Errors
/// When the database fails.
pub async fn list(db: &mut impl Access, after: &str, most: i64) -> Result<Vec<Org>> {
    Ok(orgs::list(db, after, most).await?)
}

/// Give an organisation another name for people. The slug stays.
///
/// # Errors
/// `invalid_request` for a name that cannot be, or an organisation that is gone.
pub async fn rename(store: &Store, org_id: &str, name: &str, now: Timestamp) -> Result<Org> {
    let name = parse_name(name)?;
    let mut tx = store.write().await?;
    orgs::rename(&mut tx, org_id, &name, now.0).await?;
    finish(tx, org_id).await
}

/// Let an organisation's roles count for nothing until it is activated again. What was granted in its name ends.
///
/// # Errors
/// `invalid_request` for an organisation that is gone.
pub async fn suspend(store: &Store, org_id: &str, now: Timestamp) -> Result<Org> {
    let mut tx = store.write().await?;
    orgs::set_status(&mut tx, org_id, SUSPENDED, now.0).await?;
    orgs::raise_epoch(&mut tx, org_id).await?;
    finish(tx, org_id).await
}

/// Let an organisation's roles count again. What ended when it was suspended stays ended.
///
/// # Errors
/// `invalid_request` for an organisation that is gone.
pub async fn activate(store: &Store, org_id: &str, now: Timestamp) -> Result<Org> {
    let mut tx = store.write().await?;
    orgs::set_status(&mut tx, org_id, ACTIVE, now.0).await?;
    finish(tx, org_id).await
}

/// Delete an organisation with its roles and memberships: all that was allowed and granted in its name ends. Its slug stays taken for ever.
///
/// # Errors
/// `invalid_request` for an organisation that is gone.
pub async fn delete(store: &Store, org_id: &str, now: Timestamp) -> Result<()> {
    let mut tx = store.write().await?;
    if !orgs::set_status(&mut tx, org_id, DELETED, now.0).await? {
        return Err(gone());
    }
    orgs::raise_epoch(&mut tx, org_id).await?;
    memberships::delete_of_org(&mut tx, org_id).await?;
    roles::delete_of_org(&mut tx, org_id).await?;
    consents::forget_org(&mut tx, org_id).await?;
    tx.commit().await?;
    Ok(())
}

async fn finish(mut tx: Write, org_id: &str) -> Result<Org> {
    let org = orgs::find(&mut tx, org_id).await?.filter(|org| org.status != DELETED).ok_or_else(gone)?;
    tx.commit().await?;
    Ok(org)
}

/// Take the lock under which memberships and roles change, and make sure that there is an organisation to change.
pub(super) async fn hold(tx: &mut Write, org_id: &str) -> Result<Org> {
    // The generation's row is held until the commit: whoever else changes roles or memberships waits, so what is
    // read from here on (the owners that remain, the levels that are free) stays true.
    tx.touch().await?;
    orgs::find(tx, org_id).await?.filter(|org| org.status != DELETED).ok_or_else(gone)
}

fn gone() -> Error {
    Error::refused(ErrorCode::InvalidRequest, "the organisation does not exist any more")
}

fn parse_name(text: &str) -> std::result::Result<String, Refusal> {
    let name = text.trim();
    if name.is_empty() || name.chars().count() > LONGEST_NAME || name.contains(char::is_control) {
        return Err(Refusal::new(
            ErrorCode::InvalidRequest,
            "the name of an organisation is a line of 1 to 100 characters",
        ));
    }
    Ok(name.to_owned())
}

const LONGEST_SLUG: usize = 63;
const LONGEST_NAME: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_can_stand_in_a_scope() {
        for good in ["a", "acme", "acme-2", "4u", &"a".repeat(63)] {
            assert_eq!(Slug::parse(good).unwrap().as_str(), good);
        }
        for bad in [
            "",
            "Acme",
            "acme corp",
            "acme:x",
            "*",
            "-acme",
            "acme-",
            "a--b",
            "acmé",
            "a_b",
            "a/b",
            "a\0",
            &"a".repeat(64),
        ] {
            assert_eq!(Slug::parse(bad).unwrap_err().code, ErrorCode::InvalidRequest, "{bad:?}");
        }
    }

    #[test]
    fn a_name_is_one_line() {
        assert_eq!(parse_name(" Acme & Söhne ").unwrap(), "Acme & Söhne");
        for bad in ["", "  ", "a\nb", "a\u{1b}[31m", &"x".repeat(101)] {
            assert!(parse_name(bad).is_err(), "{bad:?}");
        }
    }
}

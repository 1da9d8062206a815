//! Accounts: the people who sign in and consent.

use std::fmt;

use serde_json::{Map, Value};

use super::{
    claims,
    identifier::{Email, Username},
    password::Passwords,
};
use crate::{
    protocol::{Error, ErrorCode, PlainSecret, Refusal, Result, Timestamp},
    random::Random,
    store::{
        self, Access, Store, StoreError, Write, browser_sessions, consents, grants, known_devices, memberships, users,
    },
};

/// Somebody who can sign in.
#[derive(Clone, PartialEq)]
pub struct Account {
    /// The subject identifier (OIDC Core §2, `sub`): never given to anybody else, not even once the account is gone.
    pub sub: String,
    /// The name to sign in with; `preferred_username`.
    pub username: String,
    /// The e-mail address.
    pub email: Option<String>,
    /// Whether somebody has made sure that the address is theirs.
    pub email_verified: bool,
    /// The other claims of OIDC Core §5.1, and whatever else the operator keeps.
    pub claims: Map<String, Value>,
    /// Whether they may sign in.
    pub enabled: bool,
    /// What logins and grants have to match to count.
    pub epoch: i64,
    /// Whether there is a password to sign in with.
    pub has_password: bool,
    /// Since when.
    pub created_at: Timestamp,
    /// When anything above last changed; `updated_at`.
    pub updated_at: Timestamp,
}

/// An account to be made.
#[derive(Debug, Default)]
pub struct NewAccount {
    /// The username, as it was typed.
    pub username: String,
    /// The e-mail address, as it was typed.
    pub email: Option<String>,
    /// Whether that address is known to be theirs.
    pub email_verified: bool,
    /// Other claims.
    pub claims: Map<String, Value>,
    /// The password; without one nobody can sign in until it is set.
    pub password: Option<PlainSecret>,
}

/// What shall be different; what is `None` stays.
#[derive(Debug, Default)]
pub struct Changes {
    /// Another e-mail address, or none at all. It counts as unverified unless `email_verified` says otherwise.
    pub email: Option<Option<String>>,
    /// Whether the address is known to be theirs.
    pub email_verified: Option<bool>,
    /// Other claims to add or replace; null removes one. Another phone number counts as unverified unless they say
    /// otherwise.
    pub claims: Map<String, Value>,
}

/// The account of that subject identifier.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &mut impl Access, sub: &str) -> Result<Option<Account>> {
    users::find(db, sub).await?.map(|user| Ok(user.try_into()?)).transpose()
}

/// The account of that name, in whichever spelling.
///
/// # Errors
/// When the database fails.
pub async fn find_by_username(db: &mut impl Access, username: &str) -> Result<Option<Account>> {
    let Ok(username) = Username::parse(username) else { return Ok(None) };
    users::find_by_username(db, username.as_str()).await?.map(|user| Ok(user.try_into()?)).transpose()
}

/// The next accounts by username, after that one.
///
/// # Errors
/// When the database fails.
pub async fn list(db: &mut impl Access, after: &str, most: i64) -> Result<Vec<Account>> {
    users::list(db, after, most).await?.into_iter().map(|user| Ok(user.try_into()?)).collect()
}

/// Make an account. It belongs to no organisation and may do nothing but sign in.
///
/// # Errors
/// `invalid_request` for a name, address, claim or password that cannot be, or that somebody else has.
pub async fn create(
    store: &Store,
    passwords: &Passwords,
    new: NewAccount,
    now: Timestamp,
    random: &Random,
) -> Result<Account> {
    let username = Username::parse(&new.username)?;
    let email = new.email.as_deref().map(Email::parse).transpose()?;
    claims::check(&new.claims)?;
    if new.email_verified && email.is_none() {
        return Err(refuse("there is no e-mail address that could be verified"));
    }
    let password_hash = match &new.password {
        Some(password) => Some(passwords.hash(password, random).await?),
        None => None,
    };
    let user = users::User {
        id: format!("usr_{}", random.id()),
        username: username.as_str().to_owned(),
        email: email.map(|email| email.as_str().to_owned()),
        email_verified: new.email_verified,
        claims: serde_json::to_string(&new.claims)?,
        password_hash,
        enabled: true,
        epoch: 0,
        created_at: now.0,
        updated_at: now.0,
    };
    let mut tx = store.write().await?;
    // First of all, since it makes those wait who make or change accounts meanwhile: what is free now stays free.
    tx.touch().await?;
    if users::find_by_username(&mut tx, &user.username).await?.is_some() {
        return Err(refuse("the username is taken"));
    }
    must_be_free(&mut tx, &user.id, user.email.as_deref()).await?;
    users::insert(&mut tx, &user).await?;
    tx.commit().await?;
    Ok(user.try_into()?)
}

/// Change what is known of somebody; it acts at once wherever tokens are refreshed or looked at.
///
/// # Errors
/// `invalid_request` for an address or claim that cannot be, or an account that is gone.
pub async fn update(store: &Store, sub: &str, changes: Changes, now: Timestamp) -> Result<Account> {
    let email = match &changes.email {
        Some(Some(text)) => Some(Some(Email::parse(text)?)),
        Some(None) => Some(None),
        None => None,
    };
    let mut tx = store.write().await?;
    tx.touch().await?;
    let before: Account = must_exist(users::find(&mut tx, sub).await?)?.try_into()?;
    let email = match email {
        Some(email) => email.map(|email| email.as_str().to_owned()),
        None => before.email.clone(),
    };
    let is_same = email == before.email;
    let email_verified = changes.email_verified.unwrap_or(is_same && before.email_verified);
    if email_verified && email.is_none() {
        return Err(refuse("there is no e-mail address that could be verified"));
    }
    must_be_free(&mut tx, sub, email.as_deref()).await?;
    let claims = claims::patched(before.claims, changes.claims);
    claims::check(&claims)?;
    let json = serde_json::to_string(&claims)?;
    users::update(&mut tx, sub, email.as_deref(), email_verified, &json, now.0).await?;
    let after = must_exist(users::find(&mut tx, sub).await?)?;
    tx.commit().await?;
    Ok(after.try_into()?)
}

/// Set the password. Every session and grant ends: whoever knew the old one is out.
///
/// # Errors
/// `invalid_request` for a password that cannot be, or an account that is gone.
pub async fn set_password(
    store: &Store,
    passwords: &Passwords,
    sub: &str,
    password: &PlainSecret,
    now: Timestamp,
    random: &Random,
) -> Result<Account> {
    let hash = passwords.hash(password, random).await?;
    store::retried(|| async {
        let mut tx = store.write().await?;
        end_everything(&mut tx, sub, "password changed", now).await?;
        users::set_password(&mut tx, sub, Some(&hash), now.0).await?;
        let after = must_exist(users::find(&mut tx, sub).await?)?;
        tx.commit().await?;
        Ok(after.try_into()?)
    })
    .await
}

/// End every session and every grant of somebody, those for offline use included.
///
/// # Errors
/// `invalid_request` for an account that is gone.
pub async fn sign_out_everywhere(store: &Store, sub: &str, now: Timestamp) -> Result<Account> {
    store::retried(|| async {
        let mut tx = store.write().await?;
        end_everything(&mut tx, sub, "signed out everywhere", now).await?;
        let after = must_exist(users::find(&mut tx, sub).await?)?;
        tx.commit().await?;
        Ok(after.try_into()?)
    })
    .await
}

/// End one browser session, and what was given in it for its time alone; false if there is none of that id.
///
/// # Errors
/// When the database cannot be written.
pub async fn end_session(
    tx: &mut Write,
    sid: &str,
    why: &str,
    now: Timestamp,
) -> std::result::Result<bool, StoreError> {
    let was_there = browser_sessions::end(tx, sid, now.0).await?;
    grants::end_of_session(tx, sid, why, now.0).await?;
    Ok(was_there)
}

/// Keep somebody out, at once and everywhere.
///
/// # Errors
/// `invalid_request` for an account that is gone.
pub async fn disable(store: &Store, sub: &str, now: Timestamp) -> Result<Account> {
    let mut tx = store.write().await?;
    end_everything(&mut tx, sub, "user disabled", now).await?;
    users::set_enabled(&mut tx, sub, false, now.0).await?;
    let after = must_exist(users::find(&mut tx, sub).await?)?;
    tx.commit().await?;
    Ok(after.try_into()?)
}

/// Let somebody in again. What ended when they were disabled stays ended.
///
/// # Errors
/// `invalid_request` for an account that is gone.
pub async fn enable(store: &Store, sub: &str, now: Timestamp) -> Result<Account> {
    let mut tx = store.write().await?;
    users::set_enabled(&mut tx, sub, true, now.0).await?;
    let after = must_exist(users::find(&mut tx, sub).await?)?;
    tx.commit().await?;
    Ok(after.try_into()?)
}

/// Delete an account, and with it its sessions, grants, consents and memberships.
///
/// # Errors
/// `invalid_request` for an account that is gone, or the last active owner of an organisation.
pub async fn delete(store: &Store, sub: &str, now: Timestamp) -> Result<()> {
    let mut tx = store.write().await?;
    // First of all, since it makes those wait who change memberships meanwhile: the owners that are counted stay.
    tx.touch().await?;
    let owned = memberships::owned_alone(&mut tx, sub).await?;
    if !owned.is_empty() {
        let what =
            format!("this is the last active owner of {}; give that role to somebody else first", owned.join(", "));
        return Err(Refusal::new(ErrorCode::InvalidRequest, what).into());
    }
    end_everything(&mut tx, sub, "user deleted", now).await?;
    consents::forget_user(&mut tx, sub).await?;
    memberships::delete_of_user(&mut tx, sub).await?;
    if !users::delete(&mut tx, sub).await? {
        return Err(gone());
    }
    tx.commit().await?;
    Ok(())
}

/// The rows say so, and the epoch says it even of a grant that is being made at this moment.
async fn end_everything(tx: &mut Write, sub: &str, why: &str, now: Timestamp) -> Result<()> {
    grants::end_of_user(tx, sub, why, now.0).await?;
    browser_sessions::end_of_user(tx, sub, now.0).await?;
    known_devices::forget_user(tx, sub).await?;
    users::raise_epoch(tx, sub).await?;
    Ok(())
}

async fn must_be_free(tx: &mut Write, sub: &str, email: Option<&str>) -> Result<()> {
    let Some(email) = email else { return Ok(()) };
    match users::find_by_email(tx, email).await? {
        Some(other) if other.id != sub => Err(refuse("the e-mail address is taken")),
        _ => Ok(()),
    }
}

fn must_exist(user: Option<users::User>) -> Result<users::User> {
    user.ok_or_else(gone)
}

fn gone() -> Error {
    refuse("the account does not exist any more")
}

fn refuse(what: &'static str) -> Error {
    Error::refused(ErrorCode::InvalidRequest, what)
}

impl TryFrom<users::User> for Account {
    type Error = StoreError;

    fn try_from(user: users::User) -> std::result::Result<Self, StoreError> {
        let claims = serde_json::from_str(&user.claims).map_err(|_| StoreError::Inconsistent {
            table: "users",
            column: "claims",
            row: user.id.clone(),
        })?;
        Ok(Self {
            sub: user.id,
            username: user.username,
            email: user.email,
            email_verified: user.email_verified,
            claims,
            enabled: user.enabled,
            epoch: user.epoch,
            has_password: user.password_hash.is_some(),
            created_at: Timestamp(user.created_at),
            updated_at: Timestamp(user.updated_at),
        })
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What we know of a person does not belong in a log.
        f.debug_struct("Account").field("sub", &self.sub).field("username", &self.username).finish_non_exhaustive()
    }
}

//! People: who they are, what proves it, and whether it still counts.

use std::fmt;

use super::{Access, StoreError, Write};

/// A user, as the row stands.
#[derive(Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct User {
    /// The `sub` of every token: `usr_` and 128 random bits, never given to anybody else.
    pub id: String,
    /// The name to sign in with, in its normal form.
    pub username: String,
    /// The e-mail address, in its normal form; one can sign in with it, too.
    pub email: Option<String>,
    /// Whether somebody has made sure that the address is the user's.
    pub email_verified: bool,
    /// The other claims of OIDC Core §5.1, as a JSON object.
    pub claims: String,
    /// The password, as a PHC string; without one nobody signs in by password.
    pub password_hash: Option<String>,
    /// Whether the user may sign in, and tokens for the user live.
    pub enabled: bool,
    /// Raised to end every session and grant at once.
    pub epoch: i64,
    /// When the row was made, unix seconds.
    pub created_at: i64,
    /// When anything in it last changed.
    pub updated_at: i64,
}

impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Neither the password's hash nor what we know of a person belongs in a log.
        f.debug_struct("User").field("id", &self.id).field("username", &self.username).finish_non_exhaustive()
    }
}

/// Keep a new user.
///
/// # Errors
/// When the statement fails; also when the username or the e-mail address is another's.
pub async fn insert(tx: &mut Write, user: &User) -> Result<(), StoreError> {
    tx.touch().await?;
    query!(
        tx,
        "INSERT INTO users (id, username, email, email_verified, claims, password_hash, enabled, epoch, created_at,
            updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        &user.id,
        &user.username,
        &user.email,
        user.email_verified,
        &user.claims,
        &user.password_hash,
        user.enabled,
        user.epoch,
        user.created_at,
        user.updated_at
    )?;
    Ok(())
}

/// The user of that id.
///
/// # Errors
/// When the statement fails.
pub async fn find(db: &mut impl Access, id: &str) -> Result<Option<User>, StoreError> {
    Ok(select!(
        db,
        User,
        fetch_optional,
        "SELECT id, username, email, email_verified, claims, password_hash, enabled, epoch, created_at, updated_at
         FROM users WHERE id = $1",
        id
    )?)
}

/// The user of that name (in its normal form).
///
/// # Errors
/// When the statement fails.
pub async fn find_by_username(db: &mut impl Access, username: &str) -> Result<Option<User>, StoreError> {
    Ok(select!(
        db,
        User,
        fetch_optional,
        "SELECT id, username, email, email_verified, claims, password_hash, enabled, epoch, created_at, updated_at
         FROM users WHERE username = $1",
        username
    )?)
}

/// The user of that e-mail address (in its normal form).
///
/// # Errors
/// When the statement fails.
pub async fn find_by_email(db: &mut impl Access, email: &str) -> Result<Option<User>, StoreError> {
    Ok(select!(
        db,
        User,
        fetch_optional,
        "SELECT id, username, email, email_verified, claims, password_hash, enabled, epoch, created_at, updated_at
         FROM users WHERE email = $1",
        email
    )?)
}

/// The next users by name, after that one.
///
/// # Errors
/// When the statement fails.
pub async fn list(db: &mut impl Access, after: &str, most: i64) -> Result<Vec<User>, StoreError> {
    Ok(select!(
        db,
        User,
        fetch_all,
        "SELECT id, username, email, email_verified, claims, password_hash, enabled, epoch, created_at, updated_at
         FROM users WHERE username > $1 ORDER BY username LIMIT $2",
        after,
        most
    )?)
}

/// Replace what is known of a user; false if there is no such user.
///
/// # Errors
/// When the statement fails; also when the e-mail address is another's.
pub async fn update(
    tx: &mut Write,
    id: &str,
    email: Option<&str>,
    email_verified: bool,
    claims: &str,
    now: i64,
) -> Result<bool, StoreError> {
    tx.touch().await?;
    let changed = query!(
        tx,
        "UPDATE users SET email = $2, email_verified = $3, claims = $4, updated_at = $5 WHERE id = $1",
        id,
        email,
        email_verified,
        claims,
        now
    )?;
    Ok(changed == 1)
}

/// Replace the password; false if there is no such user.
///
/// # Errors
/// When the statement fails.
pub async fn set_password(tx: &mut Write, id: &str, password_hash: Option<&str>, now: i64) -> Result<bool, StoreError> {
    tx.touch().await?;
    let changed =
        query!(tx, "UPDATE users SET password_hash = $2, updated_at = $3 WHERE id = $1", id, password_hash, now)?;
    Ok(changed == 1)
}

/// Keep the same password under newer parameters; false if it has changed meanwhile.
///
/// # Errors
/// When the statement fails.
pub async fn rehash(tx: &mut Write, id: &str, old: &str, new: &str) -> Result<bool, StoreError> {
    let changed = query!(tx, "UPDATE users SET password_hash = $3 WHERE id = $1 AND password_hash = $2", id, old, new)?;
    Ok(changed == 1)
}

/// Let a user in, or keep them out; false if there is no such user.
///
/// # Errors
/// When the statement fails.
pub async fn set_enabled(tx: &mut Write, id: &str, enabled: bool, now: i64) -> Result<bool, StoreError> {
    tx.touch().await?;
    let changed = query!(tx, "UPDATE users SET enabled = $2, updated_at = $3 WHERE id = $1", id, enabled, now)?;
    Ok(changed == 1)
}

/// End every login and every grant made so far; false if there is no such user.
///
/// # Errors
/// When the statement fails.
pub async fn raise_epoch(tx: &mut Write, id: &str) -> Result<bool, StoreError> {
    tx.touch().await?;
    let changed = query!(tx, "UPDATE users SET epoch = epoch + 1 WHERE id = $1", id)?;
    Ok(changed == 1)
}

/// Delete a user; false if there is none of that id.
///
/// # Errors
/// When the statement fails.
pub async fn delete(tx: &mut Write, id: &str) -> Result<bool, StoreError> {
    tx.touch().await?;
    let changed = query!(tx, "DELETE FROM users WHERE id = $1", id)?;
    Ok(changed == 1)
}

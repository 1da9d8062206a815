//! Grants: one row per authorization, from its code to its end (product decision 3).

use super::{Access, StoreError, Write, session_clients};

/// An authorization: who allowed which client what, and how far its code and refresh tokens have come.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Grant {
    /// 128 random bits; every token of the grant names it.
    pub id: String,
    /// The client that may use it.
    pub client_id: String,
    /// The user who gave it.
    pub user_id: String,
    /// The browser session it was given in.
    pub sid: String,
    /// Whether it outlives that session (`offline_access`).
    pub offline: bool,
    /// SHA-256 of the authorization code.
    pub code_hash: String,
    /// When the code ends, unix seconds.
    pub code_expires_at: i64,
    /// When the code was exchanged.
    pub code_spent_at: Option<i64>,
    /// How often somebody has tried the code in vain.
    pub code_failures: i64,
    /// The redirect URI of the request, to the letter.
    pub redirect_uri: String,
    /// The PKCE challenge (S256).
    pub code_challenge: Option<String>,
    /// The `nonce` for the ID token.
    pub nonce: Option<String>,
    /// What was granted, as scope tokens.
    pub scope: String,
    /// The APIs the access token is for, as a JSON array of URIs: resolved when it was allowed.
    pub resources: String,
    /// The `claims` parameter.
    pub claims: Option<String>,
    /// The organisation the tokens are bound to.
    pub org_id: Option<String>,
    /// When the user last authenticated, unix seconds.
    pub auth_time: i64,
    /// How well.
    pub acr: String,
    /// By what means, divided by spaces.
    pub amr: String,
    /// The generation of the newest refresh token.
    pub refresh_generation: i64,
    /// The generation whose holder was given the newest one.
    pub refresh_predecessor: i64,
    /// Whether that holder has already been given a second successor.
    pub refresh_recovered: bool,
    /// When the newest one was made.
    pub refresh_rotated_at: i64,
    /// The user's epoch when it was given.
    pub user_epoch: i64,
    /// The client's epoch when it was given.
    pub client_epoch: i64,
    /// The organisation's epoch when it was given (0 without one).
    pub org_epoch: i64,
    /// The issuer's epoch when it was given.
    pub issuer_epoch: i64,
    /// When it was given.
    pub created_at: i64,
    /// When it ends by itself.
    pub expires_at: i64,
    /// When it was ended.
    pub ended_at: Option<i64>,
    /// Why it was ended, in a word for the log.
    pub ended_by: Option<String>,
}

/// Read whole grants.
macro_rules! grants {
    ($on:expr, $fetch:ident, $condition:literal $(, $arg:expr)* $(,)?) => {
        select!(
            $on,
            Grant,
            $fetch,
            "SELECT id, client_id, user_id, sid, offline, code_hash, code_expires_at, code_spent_at, code_failures, redirect_uri,
               code_challenge, nonce, scope, resources, claims, org_id, auth_time, acr, amr, refresh_generation,
               refresh_predecessor, refresh_recovered, refresh_rotated_at, user_epoch, client_epoch, org_epoch, issuer_epoch,
               created_at, expires_at, ended_at, ended_by FROM grants " + $condition
            $(, $arg)*
        )
    };
}

/// Keep a new grant; the session it is given in has let its client in.
///
/// # Errors
/// When the statement fails.
pub async fn insert(tx: &mut Write, grant: &Grant) -> Result<(), StoreError> {
    query!(
        tx,
        "INSERT INTO grants (id, client_id, user_id, sid, offline, code_hash, code_expires_at, code_failures, redirect_uri,
            code_challenge, nonce, scope, resources, claims, org_id, auth_time, acr, amr, refresh_generation,
            refresh_predecessor, refresh_recovered, refresh_rotated_at, user_epoch, client_epoch, org_epoch, issuer_epoch,
            created_at, expires_at, code_spent_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22,
            $23, $24, $25, $26, $27, $28)",
        &grant.id,
        &grant.client_id,
        &grant.user_id,
        &grant.sid,
        grant.offline,
        &grant.code_hash,
        grant.code_expires_at,
        &grant.redirect_uri,
        &grant.code_challenge,
        &grant.nonce,
        &grant.scope,
        &grant.resources,
        &grant.claims,
        &grant.org_id,
        grant.auth_time,
        &grant.acr,
        &grant.amr,
        grant.refresh_generation,
        grant.refresh_predecessor,
        grant.refresh_recovered,
        grant.refresh_rotated_at,
        grant.user_epoch,
        grant.client_epoch,
        grant.org_epoch,
        grant.issuer_epoch,
        grant.created_at,
        grant.expires_at,
        grant.code_spent_at
    )?;
    session_clients::remember(tx, &grant.sid, &grant.client_id, &grant.user_id).await
}

/// The grant of that id.
///
/// # Errors
/// When the statement fails.
pub async fn find(db: &mut impl Access, id: &str) -> Result<Option<Grant>, StoreError> {
    Ok(grants!(db, fetch_optional, "WHERE id = $1", id)?)
}

/// The grant whose code has that hash.
///
/// # Errors
/// When the statement fails.
pub async fn find_by_code(db: &mut impl Access, code_hash: &str) -> Result<Option<Grant>, StoreError> {
    Ok(grants!(db, fetch_optional, "WHERE code_hash = $1", code_hash)?)
}

/// The live grants a user has given, newest first.
///
/// # Errors
/// When the statement fails.
pub async fn list_of_user(db: &mut impl Access, user_id: &str, now: i64) -> Result<Vec<Grant>, StoreError> {
    Ok(grants!(
        db,
        fetch_all,
        "WHERE user_id = $1 AND ended_at IS NULL AND expires_at > $2 ORDER BY created_at DESC, id",
        user_id,
        now
    )?)
}

/// What some live grants of a user have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppAccess {
    /// The client that was let in.
    pub client_id: String,
    /// The organisation the tokens are bound to.
    pub org_id: Option<String>,
    /// Whether it outlives the session it was given in (`offline_access`).
    pub offline: bool,
    /// When the oldest of these grants was given.
    pub since: i64,
}

/// No column of a group is known to be there when this is compiled.
#[derive(sqlx::FromRow)]
struct Group {
    client_id: Option<String>,
    org_id: Option<String>,
    offline: Option<bool>,
    since: Option<i64>,
}

/// Whom a user has let in: as many rows as there are apps, not as there are grants.
///
/// # Errors
/// When the statement fails.
pub async fn access_given_by(db: &mut impl Access, user_id: &str, now: i64) -> Result<Vec<AppAccess>, StoreError> {
    let groups = select!(
        db,
        Group,
        fetch_all,
        "SELECT client_id, org_id, offline, MIN(created_at) AS since FROM grants
         WHERE user_id = $1 AND ended_at IS NULL AND expires_at > $2 GROUP BY client_id, org_id, offline",
        user_id,
        now
    )?;
    let access = |Group { client_id, org_id, offline, since }| {
        Some(AppAccess { client_id: client_id?, org_id, offline: offline?, since: since? })
    };
    Ok(groups.into_iter().filter_map(access).collect())
}

/// Spend the code; false if another request spent it first, or the grant has ended. From then on the grant
/// lives until `expires_at`.
///
/// # Errors
/// When the statement fails.
pub async fn spend_code(tx: &mut Write, id: &str, now: i64, expires_at: i64) -> Result<bool, StoreError> {
    let changed = query!(
        tx,
        "UPDATE grants SET code_spent_at = $2, expires_at = $3 WHERE id = $1 AND code_spent_at IS NULL AND ended_at IS NULL",
        id,
        now,
        expires_at
    )?;
    Ok(changed == 1)
}

/// Count a vain try of the code, and burn it at the `most`-th.
///
/// # Errors
/// When the statement fails.
pub async fn count_failure(tx: &mut Write, id: &str, most: i64, now: i64) -> Result<(), StoreError> {
    query!(tx, "UPDATE grants SET code_failures = code_failures + 1 WHERE id = $1 AND code_spent_at IS NULL", id)?;
    query!(
        tx,
        "UPDATE grants SET ended_at = $3, ended_by = 'code guessed'
         WHERE id = $1 AND code_spent_at IS NULL AND code_failures >= $2 AND ended_at IS NULL",
        id,
        most,
        now
    )?;
    Ok(())
}

/// A step of the refresh tokens of a grant, from the generation that is believed to be the newest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// The newest generation, as it was read.
    pub from: i64,
    /// The generation whose holder gets the next.
    pub predecessor: i64,
    /// Whether this is the holder's second successor.
    pub recovered: bool,
}

/// Make the next generation; false if another request was first, or the grant has ended.
///
/// # Errors
/// When the statement fails.
pub async fn rotate(tx: &mut Write, id: &str, step: Rotation, now: i64, expires_at: i64) -> Result<bool, StoreError> {
    let changed = query!(
        tx,
        "UPDATE grants SET refresh_generation = refresh_generation + 1, refresh_predecessor = $3, refresh_recovered = $4,
            refresh_rotated_at = $5, expires_at = $6
         WHERE id = $1 AND refresh_generation = $2 AND ended_at IS NULL",
        id,
        step.from,
        step.predecessor,
        step.recovered,
        now,
        expires_at
    )?;
    Ok(changed == 1)
}

/// End a grant and with it every token it gave; false if it had ended already.
///
/// # Errors
/// When the statement fails.
pub async fn end(tx: &mut Write, id: &str, why: &str, now: i64) -> Result<bool, StoreError> {
    tx.touch().await?;
    let changed =
        query!(tx, "UPDATE grants SET ended_at = $3, ended_by = $2 WHERE id = $1 AND ended_at IS NULL", id, why, now)?;
    Ok(changed == 1)
}

/// End what a user gave one client.
///
/// # Errors
/// When the statement fails.
pub async fn end_of_client(
    tx: &mut Write,
    user_id: &str,
    client_id: &str,
    why: &str,
    now: i64,
) -> Result<u64, StoreError> {
    tx.touch().await?;
    Ok(query!(
        tx,
        "UPDATE grants SET ended_at = $4, ended_by = $3 WHERE user_id = $1 AND client_id = $2 AND ended_at IS NULL",
        user_id,
        client_id,
        why,
        now
    )?)
}

/// End what was given in a browser session and was not meant to outlive it, and every code not yet exchanged.
///
/// # Errors
/// When the statement fails.
pub async fn end_of_session(tx: &mut Write, sid: &str, why: &str, now: i64) -> Result<u64, StoreError> {
    tx.touch().await?;
    Ok(query!(
        tx,
        "UPDATE grants SET ended_at = $3, ended_by = $2
         WHERE sid = $1 AND ended_at IS NULL AND (NOT offline OR code_spent_at IS NULL)",
        sid,
        why,
        now
    )?)
}

/// End everything a user gave.
///
/// # Errors
/// When the statement fails.
pub async fn end_of_user(tx: &mut Write, user_id: &str, why: &str, now: i64) -> Result<u64, StoreError> {
    tx.touch().await?;
    Ok(query!(
        tx,
        "UPDATE grants SET ended_at = $3, ended_by = $2 WHERE user_id = $1 AND ended_at IS NULL",
        user_id,
        why,
        now
    )?)
}

/// Delete some of the grants that are past their end and past the life of any token they gave.
///
/// # Errors
/// When the statement fails.
pub async fn forget(tx: &mut Write, before: i64, most: i64) -> Result<u64, StoreError> {
    Ok(query!(
        tx,
        "DELETE FROM grants WHERE id IN (SELECT id FROM grants WHERE expires_at < $1 LIMIT $2)",
        before,
        most
    )?)
}

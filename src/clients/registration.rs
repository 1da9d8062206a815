//! From what somebody says of a client to a registered one (RFC 7591 §2, §3.2.2), and its life from there.

use serde_json::Value;

pub use super::information::Information;

use super::{
    CertificateName, Client, Encryption, Registry,
    logout::Logout,
    metadata::{self, Settled, wrong},
    operators, registry,
    subject::{Sector, Subjects},
};
use crate::{
    protocol::{
        Algorithm, ApplicationType, AuthMethod, Error, GrantType, Lifetime, PlainSecret, Refusal, ResponseType, Result,
        Signing, SubjectType, Timestamp,
    },
    random::Random,
    store::{StoreError, Write, clients, registration_tokens, resources},
};

/// What is said of a client: at its registration, or to change it. What is left out takes its default, or stays as it
/// is; an empty text takes away, and so does the JSON value null, and an inner `None`.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// What people know it by.
    pub client_name: Option<String>,
    /// Where its answers may go.
    pub redirect_uris: Option<Vec<String>>,
    /// Where browsers may be sent after a sign-out.
    pub post_logout_redirect_uris: Option<Vec<String>>,
    /// By default what its response types need, and `refresh_token` with a code.
    pub grant_types: Option<Vec<GrantType>>,
    /// By default what its grants need.
    pub response_types: Option<Vec<ResponseType>>,
    /// By default everything OpenID Connect tells of a user, and `offline_access`.
    pub scope: Option<String>,
    /// The APIs it may ask tokens for, beside those whose scopes it is registered for.
    pub resources: Option<Vec<String>>,
    /// By default `web`, unless it is public and all its redirect URIs lead to the user's own device.
    pub application_type: Option<ApplicationType>,
    /// By default `client_secret_basic`; `none` makes it public.
    pub token_endpoint_auth_method: Option<AuthMethod>,
    /// By which name in its certificate it is known.
    pub certificate_name: Option<CertificateName>,
    /// By which algorithm it signs what it proves itself with.
    pub token_endpoint_auth_signing_alg: Option<Algorithm>,
    /// Its public keys.
    pub jwks: Option<Value>,
    /// Where its public keys are.
    pub jwks_uri: Option<String>,
    /// Its logo.
    pub logo_uri: Option<String>,
    /// Its home page.
    pub client_uri: Option<String>,
    /// What it does with data.
    pub policy_uri: Option<String>,
    /// Its terms of service.
    pub tos_uri: Option<String>,
    /// Where others send a user who is to sign in to it.
    pub initiate_login_uri: Option<String>,
    /// Whom to write to about it.
    pub contacts: Option<Vec<String>>,
    /// As whom it knows its users.
    pub subject_type: Option<SubjectType>,
    /// Where the redirect URIs of all clients stand that know users by the same names.
    pub sector_identifier_uri: Option<String>,
    /// What was read there.
    pub sector: Option<Sector>,
    /// How its ID tokens and access tokens are signed.
    pub signing_algorithm: Option<Algorithm>,
    /// How its ID tokens are signed, where that is not how its access tokens are.
    pub id_token_signing: Option<Option<Signing>>,
    /// How what userinfo tells it is signed.
    pub userinfo_signed_response_alg: Option<Algorithm>,
    /// How its ID tokens are encrypted.
    pub id_token_encryption: Encryption,
    /// How what userinfo tells it is encrypted.
    pub userinfo_encryption: Encryption,
    /// Where its request objects may be read from.
    pub request_uris: Option<Vec<String>>,
    /// How its request objects are signed.
    pub request_object_signing_alg: Option<Option<Signing>>,
    /// How its request objects may be encrypted.
    pub request_object_encryption: Encryption,
    /// How old a login may be where a request does not say, in seconds.
    pub default_max_age: Option<Option<i64>>,
    /// How well its users shall sign in where a request does not say.
    pub default_acr_values: Option<Vec<String>>,
    /// Whether it relies on being told when the user signed in.
    pub require_auth_time: Option<bool>,
    /// Where it is told that a session has ended.
    pub logout: Logout,
    /// Whether it is one of the operator's own.
    pub first_party: Option<bool>,
    /// Whether its requests need PKCE; only a confidential client can do without.
    pub require_pkce: Option<bool>,
}

/// A client that is to be registered.
#[derive(Clone, Debug, Default)]
pub struct New {
    /// Its id; one is made where none is given.
    pub id: Option<String>,
    /// Its secret; one is made where none is given and it needs one.
    pub secret: Option<PlainSecret>,
    /// What it is.
    pub wanted: Wanted,
    /// Whether it registers itself.
    pub is_by_itself: bool,
}

/// What becomes of the secret that another takes the place of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OldSecret {
    /// It counts for so long, until every copy of the client has the new one.
    EndsIn(Lifetime),
    /// It ends at once.
    EndsNow,
    /// Somebody else may have it: it ends at once, and with it everything the client was ever given.
    IsLost,
}

/// How long an old secret counts where nobody says otherwise.
pub const GRACE: Lifetime = Lifetime::hours(24);

/// Register a client. The secret comes back once, and never again.
///
/// # Errors
/// `invalid_redirect_uri` or `invalid_client_metadata`, naming the value (RFC 7591 §3.2.2).
pub async fn create(
    registry: &Registry,
    new: New,
    now: Timestamp,
    random: &Random,
) -> Result<(Client, Option<PlainSecret>)> {
    let mut tx = registry.store().write().await?;
    let made = create_in(&mut tx, registry, new, now, random).await?;
    tx.commit().await?;
    Ok(made)
}

/// The same, in a transaction of more than that.
///
/// # Errors
/// Those of [`create`].
pub(super) async fn create_in(
    tx: &mut Write,
    registry: &Registry,
    new: New,
    now: Timestamp,
    random: &Random,
) -> Result<(Client, Option<PlainSecret>)> {
    let settled = metadata::settle(Settled::nothing(may_lack_pkce(registry, new.is_by_itself)), new.wanted, true)?;
    let id = match new.id {
        Some(id) => check_id(id)?,
        None => format!("client_{}", random.id()),
    };
    let mut client = Client {
        id,
        metadata: settled.metadata,
        first_party: settled.first_party,
        self_registered: new.is_by_itself,
        require_pkce: settled.require_pkce,
        enabled: true,
        epoch: 0,
        created_at: now,
        updated_at: now,
    };
    let secret = match (client.has_secret(), new.secret) {
        (false, None) => None,
        (false, Some(_)) => return Err(without_secret(&client).into()),
        (true, secret) => Some(accept_secret(secret, random)?),
    };
    check_resources(tx, registry, &client.metadata.resources, &[]).await?;
    if !clients::insert(tx, &to_row(&client)?).await? {
        return Err(wrong(format!("there is already a client `{}`", client.id)).into());
    }
    if let Some(secret) = &secret {
        keep_secret(tx, registry, &client, secret, now).await?;
    }
    client.epoch = find(tx, registry, &client.id).await?.epoch;
    Ok((client, secret))
}

/// Change what a client has registered; `None` if there is none of that id. A client that needs a secret from now on is
/// given one, which comes back once; one that needs none any more loses its own.
///
/// # Errors
/// Those of [`create`].
pub async fn update(
    registry: &Registry,
    id: &str,
    wanted: Wanted,
    now: Timestamp,
    random: &Random,
) -> Result<Option<(Client, Option<PlainSecret>)>> {
    let mut tx = registry.store().write().await?;
    let Some(before) = lock(&mut tx, registry, id, now).await? else { return Ok(None) };
    let done = settle_in(&mut tx, registry, before, By::Operator, wanted, now, random).await?;
    tx.commit().await?;
    Ok(Some(done))
}

/// Take a client for this transaction, so that what is judged of it is what is changed; `None` if there is none of that id.
pub(super) async fn lock(tx: &mut Write, registry: &Registry, id: &str, now: Timestamp) -> Result<Option<Client>> {
    if clients::lock(tx, id, now.0).await? { find(tx, registry, id).await.map(Some) } else { Ok(None) }
}

/// Put something else in the place of what a client that was locked has registered: what is left out takes its default,
/// and what operators have changed stays. Else as [`update`].
///
/// # Errors
/// Those of [`create`].
pub(super) async fn replace_in(
    tx: &mut Write,
    registry: &Registry,
    before: Client,
    wanted: Wanted,
    now: Timestamp,
    random: &Random,
) -> Result<(Client, Option<PlainSecret>)> {
    settle_in(tx, registry, before, By::Itself, wanted, now, random).await
}

/// Who changes a client.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    Operator,
    Itself,
}

async fn settle_in(
    tx: &mut Write,
    registry: &Registry,
    before: Client,
    by: By,
    wanted: Wanted,
    now: Timestamp,
    random: &Random,
) -> Result<(Client, Option<PlainSecret>)> {
    let as_before = Settled {
        metadata: match by {
            By::Operator => before.metadata.clone(),
            By::Itself => operators::what_stays(&before)?,
        },
        first_party: before.first_party,
        require_pkce: before.require_pkce,
        may_lack_pkce: may_lack_pkce(registry, before.self_registered),
    };
    let settled = metadata::settle(as_before, wanted, false)?;
    let mut client = Client {
        metadata: settled.metadata,
        first_party: settled.first_party,
        require_pkce: settled.require_pkce,
        updated_at: now,
        ..before.clone()
    };
    match by {
        By::Operator => operators::remember(&before, &mut client)?,
        By::Itself => operators::check(&before, &client)?,
    }
    check_resources(tx, registry, &client.metadata.resources, &before.metadata.resources).await?;
    clients::update(tx, &to_row(&client)?).await?;
    if Subjects::of(&client) != Subjects::of(&before) {
        // OIDC Core §12.2: the `sub` of a grant never changes, so that what was given under another one ends.
        clients::raise_epoch(tx, &client.id, now.0).await?;
        client.epoch = find(tx, registry, &client.id).await?.epoch;
    }
    let secret = renew_secret(tx, registry, &before, &client, now, random).await?;
    Ok((client, secret))
}

/// Of those that register themselves, the operator decides by `registration.require_pkce` (product decision 10).
fn may_lack_pkce(registry: &Registry, self_registered: bool) -> bool {
    self_registered && !registry.requires_pkce()
}

/// Give a changed client the secret that it needs from now on, and take from it the one that it does not.
async fn renew_secret(
    tx: &mut Write,
    registry: &Registry,
    before: &Client,
    client: &Client,
    now: Timestamp,
    random: &Random,
) -> Result<Option<PlainSecret>> {
    let signed_with_secret = before.signs_with_secret();
    match (before.has_secret(), client.has_secret()) {
        // Of a secret that was never sealed, nobody here knows more than the hash.
        (true, true) if client.signs_with_secret() && !signed_with_secret => {
            clients::delete_secrets(tx, &client.id).await?;
            let secret = accept_secret(None, random)?;
            keep_secret(tx, registry, client, &secret, now).await?;
            Ok(Some(secret))
        }
        (true, true) if signed_with_secret && !client.signs_with_secret() => {
            clients::unseal_secrets(tx, &client.id).await?;
            Ok(None)
        }
        (false, true) => {
            let secret = accept_secret(None, random)?;
            keep_secret(tx, registry, client, &secret, now).await?;
            Ok(Some(secret))
        }
        (true, false) => {
            clients::delete_secrets(tx, &client.id).await?;
            Ok(None)
        }
        _ => Ok(None),
    }
}

/// Give a client a new secret; `None` if there is no client of that id.
///
/// # Errors
/// `invalid_client_metadata` for a public client, and for a secret that was brought and is too short or not new.
pub async fn rotate_secret(
    registry: &Registry,
    id: &str,
    brought: Option<PlainSecret>,
    old: OldSecret,
    now: Timestamp,
    random: &Random,
) -> Result<Option<PlainSecret>> {
    let secret = accept_secret(brought, random)?;
    let mut tx = registry.store().write().await?;
    let Some(client) = lock(&mut tx, registry, id, now).await? else { return Ok(None) };
    if !client.has_secret() {
        return Err(without_secret(&client).into());
    }
    match old {
        OldSecret::EndsIn(grace) => clients::retire_secrets(&mut tx, id, (now + grace).0).await?,
        OldSecret::EndsNow => clients::delete_secrets(&mut tx, id).await?,
        OldSecret::IsLost => {
            clients::delete_secrets(&mut tx, id).await?;
            // Who has the secret may have what it came with.
            registration_tokens::end_of_client(&mut tx, id).await?;
            clients::raise_epoch(&mut tx, id, now.0).await?;
        }
    }
    keep_secret(&mut tx, registry, &client, &secret, now).await?;
    tx.commit().await?;
    Ok(Some(secret))
}

/// Let a client do nothing any more, and end everything it was given; false if there is none of that id.
///
/// # Errors
/// When the database cannot be written.
pub async fn disable(registry: &Registry, id: &str, now: Timestamp) -> Result<bool> {
    set_enabled(registry, id, false, now).await
}

/// Let a disabled client ask again. What it was given before stays ended.
///
/// # Errors
/// When the database cannot be written.
pub async fn enable(registry: &Registry, id: &str, now: Timestamp) -> Result<bool> {
    set_enabled(registry, id, true, now).await
}

/// Delete a client with its secrets, and forget what users allowed it; false if there is none of that id.
///
/// # Errors
/// When the database cannot be written.
pub async fn delete(registry: &Registry, id: &str, now: Timestamp) -> Result<bool> {
    let mut tx = registry.store().write().await?;
    let was_there = delete_in(&mut tx, id, now).await?;
    tx.commit().await?;
    Ok(was_there)
}

/// The same, in a transaction of more than that.
pub(super) async fn delete_in(tx: &mut Write, id: &str, now: Timestamp) -> Result<bool> {
    let was_there = clients::delete(tx, id, now.0).await?;
    // Whoever takes the id next does not inherit the right to introspect.
    for mut row in resources::list(tx).await? {
        let others: Vec<&str> = row.introspected_by.split(' ').filter(|own| *own != id && !own.is_empty()).collect();
        let others = others.join(" ");
        if others != row.introspected_by {
            row.introspected_by = others;
            resources::update(tx, &row).await?;
        }
    }
    Ok(was_there)
}

/// Every client, oldest first.
///
/// # Errors
/// When the database cannot be read.
pub async fn list(registry: &Registry) -> Result<Vec<Client>> {
    let mut db = registry.store().read().await?;
    clients::list(&mut db).await?.into_iter().map(|row| Ok(registry.client(row)?)).collect()
}

/// What to say of the clients whose tokens nobody will be able to sign, once the keys there are have had their time:
/// `keys.algorithms` was shortened after they were registered.
///
/// # Errors
/// When the database cannot be read.
pub async fn remarks(registry: &Registry, kept: &[Algorithm]) -> Result<Vec<String>> {
    let mut db = registry.store().read().await?;
    let mut remarks = Vec::new();
    for alg in Algorithm::ALL.iter().filter(|alg| !kept.contains(alg)) {
        // As `Metadata` is kept: what a registration quotes of its own comes with a backslash before each quote.
        let signed = |member| format!("%{member}\":\"{alg}\"%");
        // The former are ID tokens and what userinfo tells.
        let (responses, access_tokens) = (signed("_signed_response_alg"), signed("\"access_token_signing_alg"));
        let ids = clients::enabled_like(&mut db, &responses, &access_tokens).await?;
        remarks.extend(ids.iter().map(|id| {
            format!(
                "the tokens of client `{id}` are signed with {alg}, and `keys.algorithms` keeps no keys for it any more"
            )
        }));
    }
    Ok(remarks)
}

async fn set_enabled(registry: &Registry, id: &str, enabled: bool, now: Timestamp) -> Result<bool> {
    let mut tx = registry.store().write().await?;
    let was_there = clients::set_enabled(&mut tx, id, enabled, now.0).await?;
    tx.commit().await?;
    Ok(was_there)
}

/// A client id stands in URLs, headers and `sub`: letters, digits and `-._~`, and never what a user's `sub` can be.
fn check_id(id: String) -> Result<String, Refusal> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    if id.is_empty() || id.len() > registry::LONGEST_ID || !id.bytes().all(is_plain) {
        return Err(wrong(format!("`client_id` is `{id}`; expected 1 to 100 letters, digits, and - . _ ~")));
    }
    if id.to_ascii_lowercase().starts_with(OF_USERS) {
        return Err(wrong(format!(
            "`client_id` is `{id}`; what begins with {OF_USERS} is a user, and no `sub` may mean two"
        )));
    }
    Ok(id)
}

fn accept_secret(brought: Option<PlainSecret>, random: &Random) -> Result<PlainSecret, Refusal> {
    let Some(secret) = brought else { return Ok(PlainSecret::new(format!("lks_{}", random.token()))) };
    // What a person brings is hashed once, not slowly: it has to be long enough that nobody can try them all.
    let length = secret.expose().chars().count();
    if length < SHORTEST_SECRET {
        return Err(wrong(format!(
            "the secret has {length} characters; expected at least {SHORTEST_SECRET}, at random"
        )));
    }
    if secret.expose().len() > 500 || secret.expose().chars().any(char::is_control) {
        return Err(wrong("the secret is longer than 500 bytes or has control characters"));
    }
    Ok(secret)
}

async fn keep_secret(
    tx: &mut Write,
    registry: &Registry,
    client: &Client,
    secret: &PlainSecret,
    now: Timestamp,
) -> Result<()> {
    let sealed = if client.signs_with_secret() { Some(registry.seal(tx, &client.id, secret).await?) } else { None };
    if clients::insert_secret(tx, &client.id, secret.hash().as_str(), sealed.as_deref(), now.0).await? {
        Ok(())
    } else {
        Err(wrong("this very secret is in use already; take another").into())
    }
}

/// APIs that a client names for the first time have to be there; one that was deleted since is no reason to refuse a
/// change of something else.
async fn check_resources(tx: &mut Write, registry: &Registry, named: &[String], before: &[String]) -> Result<()> {
    for uri in named.iter().filter(|uri| !before.contains(uri)) {
        if !registry.is_built_in(uri) && resources::find(tx, uri).await?.is_none() {
            return Err(wrong(format!(
                "`{uri}` in resources is no API that is registered here; it has to match to the letter"
            ))
            .into());
        }
    }
    Ok(())
}

async fn find(tx: &mut Write, registry: &Registry, id: &str) -> Result<Client> {
    let row = clients::find(tx, id).await?.ok_or_else(|| Error::broken("a client that is locked is gone"))?;
    Ok(registry.client(row)?)
}

fn to_row(client: &Client) -> Result<clients::Row, StoreError> {
    let metadata = serde_json::to_string(&client.metadata).map_err(|_| StoreError::Inconsistent {
        table: "clients",
        column: "metadata",
        row: client.id.clone(),
    })?;
    Ok(clients::Row {
        id: client.id.clone(),
        metadata,
        first_party: client.first_party,
        self_registered: client.self_registered,
        require_pkce: client.require_pkce,
        enabled: client.enabled,
        epoch: client.epoch,
        created_at: client.created_at.0,
        updated_at: client.updated_at.0,
    })
}

fn without_secret(client: &Client) -> Refusal {
    let method = client.metadata.token_endpoint_auth_method;
    wrong(format!("the client `{}` has no secret: its token_endpoint_auth_method is {method}", client.id))
}

/// What every user's `sub` begins with.
pub(super) const OF_USERS: &str = "usr_";

const SHORTEST_SECRET: usize = 32;

//! Making the tokens of a grant: what they may say is worked out anew each time, from what was granted and what the
//! user's role allows today. Nothing here writes: signing comes first, [`Issued::keep`] within the transaction.

use serde_json::Value;

use super::{Context, Granted, LiveGrant};
use crate::{
    accounts,
    clients::{
        AccessTokenFormat, Client, Resource, Subjects,
        audience::{self, Audience},
    },
    config::Tokens,
    keys::Content,
    orgs,
    protocol::{
        ContentEncryption, Error, ErrorCode, KeyManagement, Params, PlainSecret, Refusal, Result, Scope, Signing,
        Timestamp,
        permission::{ScopeToken, classify},
        with_causes,
    },
    store::{Write, access_tokens, grants::Grant},
    tokens::{
        access_token::{self, AccessToken, OrgClaims},
        id_token::{self, IdToken},
        opaque, refresh_token,
    },
};

/// What is to be made from a grant.
pub struct Order<'a> {
    /// The grant.
    pub live: &'a LiveGrant,
    /// What is asked for, within what was granted.
    pub scope: Scope,
    /// For the ID token.
    pub nonce: Option<&'a str>,
    /// The generation of the refresh token, if there is to be one.
    pub refresh_generation: Option<i64>,
}

impl<'a> Order<'a> {
    /// All that was granted, but no refresh token.
    #[must_use]
    pub fn all_of(live: &'a LiveGrant) -> Self {
        Self { live, scope: live.scope.clone(), nonce: None, refresh_generation: None }
    }
}

/// Tokens that are made, and what of them has to be kept before anybody sees them.
pub struct Issued {
    /// The answer.
    pub granted: Granted,
    /// When the grant ends if nobody refreshes.
    pub grant_expires_at: Timestamp,
    reference: Option<Reference>,
}

/// What an opaque access token stands for.
pub(super) struct Reference {
    hash: String,
    claims: String,
    expires_at: Timestamp,
}

impl Issued {
    /// Whether [`Issued::keep`] has nothing to do.
    #[must_use]
    pub fn is_kept_nowhere(&self) -> bool {
        self.reference.is_none()
    }

    /// Keep what has to be kept.
    ///
    /// # Errors
    /// When the database cannot.
    pub async fn keep(&self, tx: &mut Write) -> Result<()> {
        keep(self.reference.as_ref(), tx).await
    }
}

/// Keep what an opaque access token stands for, before anybody sees the token; a JWT stands for itself.
///
/// # Errors
/// When the database cannot.
pub(super) async fn keep(reference: Option<&Reference>, tx: &mut Write) -> Result<()> {
    if let Some(Reference { hash, claims, expires_at }) = reference {
        access_tokens::insert_opaque(tx, hash, claims, expires_at.0).await?;
    }
    Ok(())
}

/// Make the tokens of a user's grant.
///
/// # Errors
/// `invalid_target` for a `resource` outside the grant; `invalid_scope` when nothing is left of the scope.
pub async fn tokens(context: Context<'_>, order: &Order<'_>, params: &Params) -> Result<Issued> {
    let resources = context.registry.resources().await?;
    let live = order.live;
    let audience = narrowed_audience(context, order, params, &resources)?;
    let scope = allowed(live, &order.scope, &audience, &resources);
    if scope.is_empty() {
        return Err(nothing_left());
    }
    let org = live.membership.as_deref().map(|membership| orgs::claims(membership, &scope));
    let (access_token, reference) = access_token(context, live, &scope, &audience, org.as_ref())?;
    let with = With { nonce: order.nonce, access_token: Some(&access_token), ..With::default() };
    let id_token =
        if scope.contains("openid") { Some(id_token(context, live, with, org.as_ref()).await?) } else { None };
    let refresh_token = order
        .refresh_generation
        .map(|generation| refresh_token::mint(&context.keyring.refresh_key(), &live.grant.id, generation));
    let access_end = context.now + context.lifetimes.access_token;
    // The grant lives as long as anything it gave.
    let grant_expires_at = match &refresh_token {
        Some(_) => access_end.max(refresh_end(context.lifetimes, &live.grant, context.now)),
        None => access_end,
    };
    let granted = Granted {
        access_token,
        token_type: "Bearer",
        expires_in: context.lifetimes.access_token.0,
        refresh_token: refresh_token.map(|token| token.expose().to_owned()),
        id_token,
        scope,
    };
    Ok(Issued { granted, grant_expires_at, reference })
}

pub(super) fn nothing_left() -> Error {
    let description = "nothing is left of the scope: the user's role or the client's registration has changed";
    Refusal::new(ErrorCode::InvalidScope, description).into()
}

/// Make the token of a client that acts for itself (RFC 9068 §2.2: `sub` is the client).
///
/// # Errors
/// When signing fails.
pub async fn client_token(context: Context<'_>, client: &Client, scope: Scope, audience: &Audience) -> Result<Issued> {
    let expires_at = context.now + context.lifetimes.access_token;
    let claims = AccessToken {
        iss: context.issuer,
        sub: &client.id,
        aud: &audience.uris,
        exp: expires_at.0,
        iat: context.now.0,
        jti: &client_jti(context, client).await?,
        client_id: &client.id,
        scope: &scope.to_string(),
        auth_time: None,
        acr: None,
        amr: &[],
        sid: None,
        org: None,
    };
    let (access_token, reference) = write(context, client, audience, &claims)?;
    let granted = Granted {
        access_token,
        token_type: "Bearer",
        expires_in: context.lifetimes.access_token.0,
        refresh_token: None,
        id_token: None,
        scope,
    };
    Ok(Issued { granted, grant_expires_at: expires_at, reference })
}

/// When the refresh tokens of a grant end that were last rotated then.
#[must_use]
pub fn refresh_end(lifetimes: &Tokens, grant: &Grant, rotated: Timestamp) -> Timestamp {
    (rotated + lifetimes.refresh_idle).min(Timestamp(grant.created_at) + lifetimes.refresh_absolute)
}

/// What the user's role and the client's registration allow today of a scope of the grant.
#[must_use]
pub fn allowed(live: &LiveGrant, scope: &Scope, audience: &Audience, resources: &[Resource]) -> Scope {
    let role = live.membership.as_ref().map(|membership| membership.permissions.as_slice());
    let registered = &live.client.metadata.scope;
    audience::allowed(scope, audience, resources, role).filter(|token| match classify(token) {
        ScopeToken::Org(_) => registered.contains(token) || registered.contains("org"),
        _ => audience::may_ask(registered, token),
    })
}

/// What of a grant can be given out today: a role that was lost since, or an API that is gone, is in no access token either.
#[must_use]
pub fn still_allowed(live: &LiveGrant, resources: &[Resource], issuer: &str) -> Scope {
    audience::resolve(&live.scope, &live.resources, resources, issuer)
        .map(|audience| allowed(live, &live.scope, &audience, resources))
        .unwrap_or_default()
}

/// RFC 8707 §2.2: a token request may name some of the APIs that were granted, never others.
fn narrowed_audience(
    context: Context<'_>,
    order: &Order<'_>,
    params: &Params,
    resources: &[Resource],
) -> Result<Audience, Refusal> {
    let live = order.live;
    let granted = audience::resolve(&live.scope, &live.resources, resources, context.issuer)?;
    let asked = audience::asked(params, &live.client, resources)?;
    if asked.is_empty() {
        return Ok(granted);
    }
    if !asked.iter().all(|uri| granted.uris.contains(uri)) {
        return Err(Refusal::new(
            ErrorCode::InvalidTarget,
            "`resource` names an API that was not asked for at the authorization endpoint",
        ));
    }
    audience::resolve(&order.scope, &asked, resources, context.issuer)
}

pub(super) fn access_token(
    context: Context<'_>,
    live: &LiveGrant,
    scope: &Scope,
    audience: &Audience,
    org: Option<&OrgClaims>,
) -> Result<(String, Option<Reference>)> {
    let grant = &live.grant;
    let amr: Vec<&str> = grant.amr.split(' ').collect();
    let (subjects, key) = (Subjects::of(&live.client), context.keyring.pairwise_key());
    let claims = AccessToken {
        iss: context.issuer,
        // RFC 9068 §6: two APIs that compare what they were told find a user by it only within the client's sector.
        sub: &subjects.sub(&key, &grant.user_id),
        aud: &audience.uris,
        exp: (context.now + context.lifetimes.access_token).0,
        iat: context.now.0,
        jti: &access_token::jti(Some(&grant.id), context.random),
        client_id: &grant.client_id,
        scope: &scope.to_string(),
        auth_time: Some(grant.auth_time),
        acr: Some(&grant.acr),
        amr: &amr,
        sid: Some(&subjects.sid(&key, &grant.sid)),
        org,
    };
    write(context, &live.client, audience, &claims)
}

/// A JWT, or a reference to the same claims.
fn write(
    context: Context<'_>,
    client: &Client,
    audience: &Audience,
    claims: &AccessToken<'_>,
) -> Result<(String, Option<Reference>)> {
    match audience.format {
        AccessTokenFormat::Jwt => {
            Ok((context.keyring.sign(client.metadata.access_token_signing_alg, &audience.typ, claims)?, None))
        }
        AccessTokenFormat::Opaque => {
            let token: PlainSecret = opaque::mint(context.random);
            let reference = Reference {
                hash: token.hash().as_str().to_owned(),
                claims: serde_json::to_string(claims)?,
                expires_at: Timestamp(claims.exp),
            };
            Ok((token.expose().to_owned(), Some(reference)))
        }
    }
}

/// What an ID token travels with.
#[derive(Clone, Copy, Default)]
pub(super) struct With<'a> {
    /// What the client sent along with its request.
    pub(super) nonce: Option<&'a str>,
    /// The access token that comes with it.
    pub(super) access_token: Option<&'a str>,
    /// The code that comes with it.
    pub(super) code: Option<&'a str>,
    /// The `state` that comes with it.
    pub(super) state: Option<&'a str>,
    /// Whose claims it has to tell, since no access token will: those of a scope, and the organisations.
    pub(super) alone: Option<(&'a Scope, Option<&'a Value>)>,
}

/// OIDC Core §2, §3.1.3.6. Claims by scope are userinfo's, unless nobody can ask it (§5.4); those asked for by name for the
/// ID token are here.
pub(super) async fn id_token(
    context: Context<'_>,
    live: &LiveGrant,
    with: With<'_>,
    org: Option<&OrgClaims>,
) -> Result<String> {
    let grant = &live.grant;
    let registered = live.client.metadata.id_token_signed_response_alg;
    // A client that was registered while the operator allowed it is not told what nobody signed from then on.
    let algorithm = registered
        .algorithm()
        .or_else(|| (!context.allow_unsigned).then(|| live.client.metadata.access_token_signing_alg));
    // OIDC Core §3.1.3.6: the hashes are by that of the signature's algorithm. Without one there is none, nor need for it.
    let hash = |text: &str| algorithm.map(|algorithm| id_token::left_hash(algorithm, text));
    let nothing = Scope::default();
    let scope = with.alone.map_or(&nothing, |(scope, _)| scope);
    let amr: Vec<&str> = grant.amr.split(' ').collect();
    let (subjects, key) = (Subjects::of(&live.client), context.keyring.pairwise_key());
    let claims = IdToken {
        iss: context.issuer,
        sub: &subjects.sub(&key, &grant.user_id),
        aud: &grant.client_id,
        exp: (context.now + context.lifetimes.id_token).0,
        iat: context.now.0,
        auth_time: Some(grant.auth_time),
        nonce: with.nonce,
        acr: Some(&grant.acr),
        amr: &amr,
        at_hash: with.access_token.and_then(hash),
        c_hash: with.code.and_then(hash),
        s_hash: with.state.and_then(hash),
        sid: Some(&subjects.sid(&key, &grant.sid)),
        org,
        organizations: with.alone.and_then(|(_, organizations)| organizations),
        extra: &accounts::claims::released(&live.user, scope, &live.claims.id_token()),
    };
    let written = id_token::write(context.keyring, algorithm.map_or(Signing::Unsigned, Signing::By), &claims)?;
    match live.client.metadata.id_token_encryption() {
        Some(how) => encrypted(context, &live.client, how, Content::Jwt(&written)).await,
        None => Ok(written),
    }
}

/// What is for a client alone (OIDC Core §16.14).
///
/// # Errors
/// When it has no key for that, since nothing is sent in clear to who asked for the contrary: `invalid_request`, and
/// `temporarily_unavailable` while its keys cannot be read, which is neither the request's fault nor this server's.
pub async fn encrypted(
    context: Context<'_>,
    client: &Client,
    how: (KeyManagement, ContentEncryption),
    content: Content<'_>,
) -> Result<String> {
    context.client_keys.encrypt(client, how, content, context.now).await.map_err(|trouble| {
        let code = if trouble.may_pass() { ErrorCode::TemporarilyUnavailable } else { ErrorCode::InvalidRequest };
        let description = format!("the answer cannot be encrypted for the client: {trouble}");
        Refusal::new(code, description).hint(with_causes(&trouble)).into()
    })
}

/// The id of a token without grant: chance, and the epochs it was made under, which its uses compare.
async fn client_jti(context: Context<'_>, client: &Client) -> Result<String> {
    let chance = access_token::jti(None, context.random);
    Ok(format!("{chance}~{}~{}", client.epoch, context.grants.issuer_epoch().await?))
}

/// Whether the epochs in the id of a token without grant are still those of today.
#[must_use]
pub fn is_current(jti: &str, client: &Client, issuer_epoch: i64) -> bool {
    let mut epochs = jti.split('~').skip(1).map(str::parse::<i64>);
    epochs.next() == Some(Ok(client.epoch)) && epochs.next() == Some(Ok(issuer_epoch)) && epochs.next().is_none()
}

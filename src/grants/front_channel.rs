//! What the authorization endpoint's answer itself brings of a user's grant (OIDC Core §3.2.2.5, §3.3.2.5). As in
//! [`super::issue`], signing comes first and keeping later.

use super::{
    Context, LiveGrant,
    issue::{self, Reference, With},
};
use crate::{
    clients::audience,
    orgs,
    protocol::{ResponseType, Result, Scope},
    store::Write,
};

/// What the answer has to bring, and what its ID token has to bind.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    /// What the client asked for.
    pub response_type: ResponseType,
    /// The code that comes along.
    pub code: Option<&'a str>,
    /// The `state` that comes along.
    pub state: Option<&'a str>,
}

/// Tokens that are made, and what of them has to be kept before anybody sees them.
pub struct Tokens {
    /// The access token.
    pub access_token: Option<String>,
    /// The ID token.
    pub id_token: Option<String>,
    /// What the access token is good for.
    pub scope: Scope,
    /// How many seconds it lives.
    pub expires_in: i64,
    reference: Option<Reference>,
}

impl Tokens {
    /// Keep what has to be kept.
    ///
    /// # Errors
    /// When the database cannot.
    pub async fn keep(&self, tx: &mut Write) -> Result<()> {
        issue::keep(self.reference.as_ref(), tx).await
    }
}

/// Make the tokens that the answer brings.
///
/// # Errors
/// `invalid_scope` when nothing is left of the scope.
pub async fn tokens(context: Context<'_>, live: &LiveGrant, asked: Asked<'_>) -> Result<Tokens> {
    let Asked { response_type, code, state } = asked;
    let resources = context.registry.resources().await?;
    let audience = audience::resolve(&live.scope, &live.resources, &resources, context.issuer)?;
    let scope = issue::allowed(live, &live.scope, &audience, &resources);
    if scope.is_empty() {
        return Err(issue::nothing_left());
    }
    let org = live.membership.as_deref().map(|membership| orgs::claims(membership, &scope));
    let (access_token, reference) = if response_type.has_token() {
        let (token, reference) = issue::access_token(context, live, &scope, &audience, org.as_ref())?;
        (Some(token), reference)
    } else {
        (None, None)
    };
    let is_alone = response_type == ResponseType::IdToken;
    let organizations = if is_alone && scope.contains("orgs") {
        Some(context.grants.organizations(&live.user.sub).await?)
    } else {
        None
    };
    let with = With {
        nonce: live.grant.nonce.as_deref(),
        access_token: access_token.as_deref(),
        code,
        state,
        alone: is_alone.then_some((&scope, organizations.as_deref())),
    };
    let id_token = if response_type.has_id_token() {
        Some(issue::id_token(context, live, with, org.as_ref()).await?)
    } else {
        None
    };
    Ok(Tokens { access_token, id_token, scope, expires_in: context.lifetimes.access_token.0, reference })
}

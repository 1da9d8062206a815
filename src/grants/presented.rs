//! An access token that somebody presents to us: what it says, and whether it still counts.

use std::sync::Arc;

use super::{Context, LiveGrant, issue};
use crate::{
    clients::{AccessTokenFormat, Client, Resource, audience::Audience},
    protocol::{Result, Scope},
    tokens::{
        access_token::{self, Claims},
        opaque,
    },
};

/// A live access token of ours.
#[derive(Clone, Debug)]
pub struct Presented {
    /// What it says.
    pub claims: Arc<Claims>,
    /// What stands behind it.
    pub behind: Behind,
}

/// Whom an access token acts for.
#[derive(Clone, Debug)]
pub enum Behind {
    /// A user, by this grant.
    User(Arc<LiveGrant>),
    /// The client itself.
    Client(Arc<Client>),
}

/// Read an access token, JWT or opaque; `None` for one that is forged, expired, revoked, or not an access token.
///
/// Nothing that was found once is believed unasked: signature, end, grant, epochs and denials are looked at each time.
///
/// # Errors
/// When the database cannot be read.
pub async fn read(context: Context<'_>, token: &str) -> Result<Option<Presented>> {
    let claims = match opaque::hash_of(token) {
        Some(hash) => context.grants.opaque(hash.as_str(), context.now).await?,
        None => signed(context, token).map(Arc::new),
    };
    let Some(claims) = claims.filter(|claims| claims.iss == context.issuer && context.now.0 < claims.exp) else {
        return Ok(None);
    };
    if context.grants.is_denied(&claims.jti).await? {
        return Ok(None);
    }
    let behind = match claims.grant_id() {
        Some(id) => context
            .grants
            .find(id, context.now)
            .await?
            .filter(|live| live.grant.client_id == claims.client_id)
            .map(Behind::User),
        None => client(context, &claims).await?.map(Behind::Client),
    };
    Ok(behind.map(|behind| Presented { claims, behind }))
}

/// RFC 9068 §4: signed by a key that is published, and typed as an access token.
fn signed(context: Context<'_>, token: &str) -> Option<Claims> {
    let verified = context.keyring.verify(token)?;
    if !access_token::is_typ(verified.typ.as_deref()) {
        return None;
    }
    Claims::parse(&verified.payload)
}

async fn client(context: Context<'_>, claims: &Claims) -> Result<Option<Arc<Client>>> {
    let issuer_epoch = context.grants.issuer_epoch().await?;
    let client = context.registry.find(&claims.client_id).await?;
    Ok(client.filter(|client| {
        client.enabled && client.id == claims.sub && issue::is_current(&claims.jti, client, issuer_epoch)
    }))
}

impl Presented {
    /// What the token allows today: a role that was lost since acts at once.
    ///
    /// # Errors
    /// `invalid_scope` for a token that this program never wrote.
    pub fn scope(&self, resources: &[Resource]) -> Result<Scope> {
        let scope = Scope::parse(&self.claims.scope)?;
        Ok(match &self.behind {
            Behind::Client(client) => scope.filter(|token| client.metadata.scope.contains(token)),
            Behind::User(live) => {
                let audience =
                    Audience { uris: self.claims.aud.clone(), format: AccessTokenFormat::Jwt, typ: String::new() };
                issue::allowed(live, &scope, &audience, resources)
            }
        })
    }
}

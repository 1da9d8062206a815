//! Token introspection (RFC 7662): what a token is worth right now, told to those it concerns.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode, response::Response};
use serde::Serialize;

use super::{
    dialect,
    request::{Call, context},
};
use crate::{
    clients::{Resource, Subjects},
    grants::{
        Context, issue,
        presented::{self, Behind, Presented},
        refresh_token,
    },
    orgs,
    protocol::{ErrorCode, Refusal, Result},
    server::Server,
    tokens::access_token::OrgClaims,
};

/// Where resource servers ask about tokens.
pub const INTROSPECT: &str = "/introspect";

/// RFC 7662 §2.2: whatever the reason, the asker learns only this.
const INACTIVE: &[u8] = b"{\"active\":false}";

/// `POST /introspect`.
pub async fn post(State(server): State<Arc<Server>>, call: Call) -> Response {
    dialect::token(&call.id, &server.settings.issuer, introspect(&server, &call).await)
}

async fn introspect(server: &Server, call: &Call) -> Result<Response> {
    let now = server.clock.now();
    let params = call.form()?;
    let client = call.client(server, &params, now).await?;
    // RFC 7662 §2.1: the endpoint "MUST also require some form of authorization", against token scanning; a public
    // client can show none.
    if client.client().is_public() {
        return Err(Refusal::new(ErrorCode::InvalidClient, "a public client cannot introspect tokens").into());
    }
    let token = params.need("token")?;
    let context = context(server, now);
    let body = match access_token(context, client.id(), token).await? {
        Some(body) => Some(body),
        None => refresh(context, client.id(), token).await?,
    };
    Ok(dialect::json(StatusCode::OK, body.unwrap_or_else(|| INACTIVE.to_vec())))
}

/// What is told of an access token.
#[derive(Serialize)]
struct Active<'a> {
    active: bool,
    iss: &'a str,
    sub: &'a str,
    aud: Aud<'a>,
    client_id: &'a str,
    scope: String,
    token_type: &'static str,
    exp: i64,
    iat: i64,
    jti: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_time: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    acr: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    amr: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<&'a str>,
    #[serde(flatten)]
    org: Option<OrgClaims>,
}

/// As in the token: one is a string, several are an array.
#[derive(Serialize)]
#[serde(untagged)]
enum Aud<'a> {
    One(&'a str),
    Several(&'a [String]),
}

async fn access_token(context: Context<'_>, client_id: &str, token: &str) -> Result<Option<Vec<u8>>> {
    let Some(token) = presented::read(context, token).await? else { return Ok(None) };
    let resources = context.registry.resources().await?;
    if !concerns(client_id, &token, &resources) {
        return Ok(None);
    }
    let claims = &token.claims;
    let scope = token.scope(&resources)?;
    let org = match &token.behind {
        Behind::Client(_) => None,
        // A token of which nothing is left is no token.
        Behind::User(_) if scope.is_empty() => return Ok(None),
        Behind::User(live) => live.membership.as_deref().map(|membership| orgs::claims(membership, &scope)),
    };
    Ok(Some(serde_json::to_vec(&Active {
        active: true,
        iss: &claims.iss,
        sub: &claims.sub,
        aud: match claims.aud.as_slice() {
            [only] => Aud::One(only),
            several => Aud::Several(several),
        },
        client_id: &claims.client_id,
        scope: scope.to_string(),
        token_type: "Bearer",
        exp: claims.exp,
        iat: claims.iat,
        jti: &claims.jti,
        auth_time: claims.auth_time,
        acr: claims.acr.as_deref(),
        amr: &claims.amr,
        sid: claims.sid.as_deref(),
        org,
    })?))
}

/// A token concerns the client it was issued to, and those who introspect for an API it is for.
fn concerns(client_id: &str, token: &Presented, resources: &[Resource]) -> bool {
    token.claims.client_id == client_id
        || resources
            .iter()
            .filter(|resource| token.claims.aud.contains(&resource.uri))
            .any(|resource| resource.introspected_by.iter().any(|id| id == client_id))
}

/// What is told of a refresh token.
#[derive(Serialize)]
struct ActiveRefresh<'a> {
    active: bool,
    iss: &'a str,
    sub: &'a str,
    client_id: &'a str,
    scope: &'a str,
    exp: i64,
    iat: i64,
}

/// A refresh token concerns its own client alone.
async fn refresh(context: Context<'_>, client_id: &str, token: &str) -> Result<Option<Vec<u8>>> {
    let Some(live) = refresh_token::inspect(context, token).await?.filter(|live| live.grant.client_id == client_id)
    else {
        return Ok(None);
    };
    let grant = &live.grant;
    let resources = context.registry.resources().await?;
    let scope = issue::still_allowed(&live, &resources, context.issuer);
    if scope.is_empty() {
        return Ok(None);
    }
    Ok(Some(serde_json::to_vec(&ActiveRefresh {
        active: true,
        iss: context.issuer,
        sub: &Subjects::of(&live.client).sub(&context.keyring.pairwise_key(), &grant.user_id),
        client_id: &grant.client_id,
        scope: &scope.to_string(),
        exp: refresh_token::end(context.lifetimes, grant).0,
        iat: grant.refresh_rotated_at,
    })?))
}

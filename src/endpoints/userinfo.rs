//! The UserInfo endpoint (OIDC Core §5.3).

use std::sync::Arc;

use axum::{extract::State, http::StatusCode, response::Response};
use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    dialect,
    request::{Call, context},
};
use crate::{
    accounts,
    clients::Subjects,
    grants::{
        issue,
        presented::{self, Behind},
    },
    keys::Content,
    orgs,
    protocol::{ErrorCode, Refusal, Result, typ},
    server::Server,
    tokens::access_token::OrgClaims,
};

/// Where an app learns who its user is.
pub const USERINFO: &str = "/userinfo";

/// `GET /userinfo` and `POST /userinfo`.
pub async fn userinfo(State(server): State<Arc<Server>>, call: Call) -> Response {
    let issuer = &server.settings.issuer;
    match call.access_token() {
        Ok(None) => dialect::ask_for_bearer(issuer),
        Ok(Some(token)) => dialect::bearer(&call.id, issuer, tell(&server, token.expose()).await),
        Err(refusal) => dialect::bearer(&call.id, issuer, Err(refusal.into())),
    }
}

/// What an app is told of its user.
#[derive(Serialize)]
struct UserInfo<'a> {
    sub: &'a str,
    #[serde(flatten)]
    claims: Map<String, Value>,
    #[serde(flatten)]
    org: Option<OrgClaims>,
    #[serde(skip_serializing_if = "Option::is_none")]
    organizations: Option<&'a Value>,
}

/// The same, for a client that wants it signed (OIDC Core §5.3.2).
#[derive(Serialize)]
struct Signed<'a> {
    iss: &'a str,
    aud: &'a str,
    iat: i64,
    #[serde(flatten)]
    told: UserInfo<'a>,
}

async fn tell(server: &Server, token: &str) -> Result<Response> {
    let context = context(server, server.clock.now());
    let invalid = |what: &'static str| Refusal::new(ErrorCode::InvalidToken, what);
    let Some(token) = presented::read(context, token).await? else {
        return Err(invalid("the access token is malformed, expired or revoked").into());
    };
    // A token for another API opens nothing here (RFC 9068 §4).
    if !token.claims.aud.iter().any(|uri| uri == context.issuer) {
        return Err(invalid("the access token is for another API; ask for the scope `openid` with it").into());
    }
    let scope = token.scope(&context.registry.resources().await?)?;
    let Behind::User(live) = &token.behind else {
        return Err(Refusal::new(ErrorCode::InsufficientScope, "a client that acts for itself has no user").into());
    };
    if !scope.contains("openid") {
        return Err(Refusal::new(ErrorCode::InsufficientScope, "the access token has not the scope `openid`").into());
    }
    let user = &live.user;
    let organizations =
        if scope.contains("orgs") { Some(context.grants.organizations(&user.sub).await?) } else { None };
    let told = UserInfo {
        sub: &Subjects::of(&live.client).sub(&context.keyring.pairwise_key(), &user.sub),
        claims: accounts::claims::released(user, &scope, &live.claims.userinfo()),
        org: live.membership.as_deref().map(|membership| orgs::claims(membership, &scope)),
        organizations: organizations.as_deref(),
    };
    let metadata = &live.client.metadata;
    match (metadata.userinfo_signed_response_alg, metadata.userinfo_encryption()) {
        (None, None) => Ok(dialect::json(StatusCode::OK, serde_json::to_vec(&told)?)),
        (None, Some(how)) => {
            let claims = serde_json::to_vec(&told)?;
            Ok(dialect::jwt(issue::encrypted(context, &live.client, how, Content::Claims(&claims)).await?))
        }
        (Some(alg), how) => {
            let signed = Signed { iss: context.issuer, aud: &live.client.id, iat: context.now.0, told };
            let signed = context.keyring.sign(alg, typ::USERINFO_JWT, &signed)?;
            Ok(dialect::jwt(match how {
                Some(how) => issue::encrypted(context, &live.client, how, Content::Jwt(&signed)).await?,
                None => signed,
            }))
        }
    }
}

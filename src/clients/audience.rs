//! Which API a token is for (RFC 8707, RFC 9068 §3, product decision 2), and which scopes can stand in it.

use super::{AccessTokenFormat, Client, Gate, Resource};
use crate::protocol::{
    Code, Params, Refusal, Scope,
    permission::{Pattern, Permission, ScopeToken, classify},
};

/// What an access token will say of whom it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audience {
    /// The `aud` of the token.
    pub uris: Vec<String>,
    /// Whether the token is a JWT or a mere reference.
    pub format: AccessTokenFormat,
    /// The token's `typ`.
    pub typ: String,
}

/// Whether a client that is registered for `registered` may ask users for this permission or pattern.
#[must_use]
pub fn may_ask(registered: &Scope, token: &str) -> bool {
    if registered.contains(token) {
        return true;
    }
    let patterns = || registered.iter().filter_map(|own| Pattern::parse(own).ok());
    match classify(token) {
        ScopeToken::Permission(permission) => patterns().any(|own| own.allows(&permission)),
        ScopeToken::Pattern(pattern) => patterns().any(|own| pattern.is_within(&own)),
        _ => false,
    }
}

/// Read the `resource` parameters of a request.
///
/// # Errors
/// `invalid_target` for a URI that is malformed, unknown, or not for this client.
pub fn asked(params: &Params, client: &Client, resources: &[Resource]) -> Result<Vec<String>, Refusal> {
    let mut uris: Vec<String> = Vec::new();
    for uri in params.all("resource") {
        let known = resources.iter().find(|resource| resource.uri == uri).ok_or_else(|| {
            Refusal::new(
                Code::InvalidTarget,
                "`resource` names no API that is registered here; it has to match to the letter",
            )
        })?;
        if !may_use(client, known) {
            return Err(Refusal::new(
                Code::InvalidTarget,
                "`resource` names an API that this client may not ask tokens for",
            ));
        }
        if !uris.iter().any(|own| own == uri) {
            uris.push(uri.to_owned());
        }
    }
    Ok(uris)
}

/// A client may ask for tokens for the APIs that are named in its registration, for those one of whose scopes it
/// is registered for, and for the issuer itself.
fn may_use(client: &Client, resource: &Resource) -> bool {
    resource.is_issuer()
        || client.metadata.resources.contains(&resource.uri)
        || resource.scope.iter().any(|token| may_ask(&client.metadata.scope, token))
}

/// Find the audience: what was asked for, else what the scopes tell, else the issuer.
///
/// # Errors
/// `invalid_scope` when the scopes belong to two APIs and the request does not say which.
pub fn resolve(scope: &Scope, asked: &[String], resources: &[Resource], issuer: &str) -> Result<Audience, Refusal> {
    let chosen: Vec<&Resource> = if asked.is_empty() {
        let told: Vec<&Resource> =
            resources.iter().filter(|resource| !resource.is_issuer() && tells(scope, resource)).collect();
        if told.len() > 1 {
            return Err(Refusal::new(
                Code::InvalidScope,
                "the scopes belong to more than one API; say which one with `resource` (RFC 8707)",
            ));
        }
        told
    } else {
        resources.iter().filter(|resource| asked.contains(&resource.uri)).collect()
    };
    let mut uris: Vec<String> = chosen.iter().map(|resource| resource.uri.clone()).collect();
    // The issuer is the default; and with `openid` the token opens userinfo, wherever else it is for.
    if (uris.is_empty() || scope.contains("openid")) && !uris.iter().any(|uri| uri == issuer) {
        uris.push(issuer.to_owned());
    }
    let format = if chosen.iter().any(|resource| resource.access_token == AccessTokenFormat::Opaque) {
        AccessTokenFormat::Opaque
    } else {
        AccessTokenFormat::Jwt
    };
    // The issuer reads either `typ`; the API that was asked for beside it may not.
    let typed = chosen.iter().find(|resource| !resource.is_issuer()).or(chosen.first());
    let typ = typed.map_or_else(|| "at+jwt".to_owned(), |resource| resource.typ.clone());
    Ok(Audience { uris, format, typ })
}

/// Whether one of the scopes is told to be this API's.
fn tells(scope: &Scope, resource: &Resource) -> bool {
    scope.iter().any(|token| match classify(token) {
        ScopeToken::Permission(_) | ScopeToken::Unknown => resource.scope.contains(token),
        ScopeToken::Pattern(pattern) => {
            resource.scope.iter().filter_map(|own| Permission::parse(own).ok()).any(|own| pattern.allows(&own))
        }
        ScopeToken::Protocol | ScopeToken::Org(_) => false,
    })
}

/// The concrete permission scopes that `scope` asks for at an audience, each with what opens it.
///
/// A permission that no API lists belongs to the issuer, and needs a role there.
#[must_use]
pub fn permissions(scope: &Scope, audience: &Audience, resources: &[Resource]) -> Vec<(Permission, Gate)> {
    let mut found: Vec<(Permission, Gate)> = Vec::new();
    let mut add = |permission: Permission, gate: Gate| {
        if !found.iter().any(|(own, _)| *own == permission) {
            found.push((permission, gate));
        }
    };
    let declared = || {
        resources.iter().filter(|resource| audience.uris.contains(&resource.uri)).flat_map(|resource| {
            resource.scope.iter().filter_map(|own| Permission::parse(own).ok()).map(|own| (own, resource.gate))
        })
    };
    let is_listed_anywhere = |token: &str| resources.iter().any(|resource| resource.scope.contains(token));
    for token in scope.iter() {
        match classify(token) {
            ScopeToken::Permission(permission) => match declared().find(|(own, _)| *own == permission) {
                Some((own, gate)) => add(own, gate),
                None if !is_listed_anywhere(token) && audience.uris.iter().any(|uri| is_issuer(uri, resources)) => {
                    add(permission, Gate::Role);
                }
                None => {}
            },
            ScopeToken::Pattern(pattern) => {
                for (own, gate) in declared().filter(|(own, _)| pattern.allows(own)) {
                    add(own, gate);
                }
            }
            _ => {}
        }
    }
    found
}

/// What of a scope can stand in a token of that audience: the words of the protocol as they are, an organisation
/// where there is a role in one, and every permission, patterns spelt out, that its API's gate lets through.
///
/// `role` is what the user's role allows, if the tokens are bound to an organisation.
#[must_use]
pub fn allowed(scope: &Scope, audience: &Audience, resources: &[Resource], role: Option<&[Pattern]>) -> Scope {
    let mut allowed = scope.filter(|token| match classify(token) {
        ScopeToken::Protocol => true,
        ScopeToken::Org(_) => role.is_some(),
        ScopeToken::Permission(_) | ScopeToken::Pattern(_) | ScopeToken::Unknown => false,
    });
    for (permission, gate) in permissions(scope, audience, resources) {
        let is_open = match gate {
            Gate::Consent => true,
            Gate::Role => role.is_some_and(|patterns| patterns.iter().any(|own| own.allows(&permission))),
        };
        if is_open {
            allowed.insert(permission.as_str());
        }
    }
    allowed
}

/// What a client that acts for itself gets (RFC 6749 §4.4): of its registration the scopes that are no pattern, no
/// organisation and no word of OpenID Connect, since there is no user; all of those that belong to the audience where
/// it does not say.
///
/// # Errors
/// `invalid_scope` for a scope it may not have or that belongs to another API, and for scopes of several APIs at once.
pub fn client_scope(
    client: &Client,
    asked: Option<&str>,
    asked_resources: &[String],
    resources: &[Resource],
    issuer: &str,
) -> Result<(Scope, Audience), Refusal> {
    let registered = client.metadata.scope.filter(|token| {
        matches!(classify(token), ScopeToken::Permission(_) | ScopeToken::Unknown) && !token.contains('*')
    });
    let scope = match asked {
        Some(text) => own_scope(text, &registered)?,
        None => registered,
    };
    let audience = resolve(&scope, asked_resources, resources, issuer)?;
    let kept = scope.filter(|token| belongs(token, &audience, resources));
    match scope.iter().find(|token| asked.is_some() && !kept.contains(token)) {
        Some(foreign) => Err(Refusal::new(
            Code::InvalidScope,
            format!("the scope `{foreign}` does not belong to the API that `resource` names"),
        )),
        None => Ok((kept, audience)),
    }
}

/// Read the scope a client asks for itself: only what is literally in its registration.
fn own_scope(text: &str, registered: &Scope) -> Result<Scope, Refusal> {
    let scope = Scope::parse(text)?;
    let Some(token) = scope.iter().find(|token| !registered.contains(token)) else { return Ok(scope) };
    let what = match classify(token) {
        ScopeToken::Protocol => "is about a user, and with client_credentials there is none",
        ScopeToken::Org(_) => "is about a user's organisation, and with client_credentials there is no user",
        ScopeToken::Pattern(_) => {
            "is a pattern; with client_credentials only scopes that are registered to the letter count"
        }
        ScopeToken::Permission(_) | ScopeToken::Unknown => "is not registered for this client, to the letter",
    };
    Err(Refusal::new(Code::InvalidScope, format!("the scope `{token}` {what}")))
}

/// Whether a concrete scope belongs to an audience: an API in it lists it, or none lists it and the issuer is in it.
fn belongs(token: &str, audience: &Audience, resources: &[Resource]) -> bool {
    let mut is_listed = false;
    for resource in resources.iter().filter(|resource| resource.scope.contains(token)) {
        if audience.uris.contains(&resource.uri) {
            return true;
        }
        is_listed = true;
    }
    !is_listed && audience.uris.iter().any(|uri| is_issuer(uri, resources))
}

fn is_issuer(uri: &str, resources: &[Resource]) -> bool {
    resources.iter().any(|resource| resource.uri == uri && resource.is_issuer())
}

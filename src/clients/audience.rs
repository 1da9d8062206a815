//! Which API a token is for (RFC 8707, RFC 9068 §3, product decision 2), and which scopes can stand in it.

use super::{AccessTokenFormat, Client, Gate, Resource};
use crate::protocol::{
    ErrorCode, Params, Refusal, Scope,
    permission::{Pattern, Permission, ScopeToken, classify},
    typ,
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
    let patterns = || {
        registered.iter().filter_map(|own| match classify(own) {
            ScopeToken::Pattern(pattern) => Some(pattern),
            _ => None,
        })
    };
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
                ErrorCode::InvalidTarget,
                "`resource` names no API that is registered here; it has to match to the letter",
            )
        })?;
        if !may_use(client, known) {
            return Err(Refusal::new(
                ErrorCode::InvalidTarget,
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
/// `invalid_scope` when the scopes belong to two APIs and the request does not say which; `invalid_target` when none of
/// the APIs that were asked for is registered any more: the issuer is not what was consented to.
pub fn resolve(scope: &Scope, asked: &[String], resources: &[Resource], issuer: &str) -> Result<Audience, Refusal> {
    let chosen: Vec<&Resource> = if asked.is_empty() {
        let told: Vec<&Resource> =
            resources.iter().filter(|resource| !resource.is_issuer() && tells(scope, resource)).collect();
        if told.len() > 1 {
            return Err(Refusal::new(
                ErrorCode::InvalidScope,
                "the scopes belong to more than one API; say which one with `resource` (RFC 8707)",
            ));
        }
        told
    } else {
        resources.iter().filter(|resource| asked.contains(&resource.uri)).collect()
    };
    if chosen.is_empty() && !asked.is_empty() {
        return Err(Refusal::new(
            ErrorCode::InvalidTarget,
            "the API that the tokens were for is not registered any more",
        ));
    }
    // The issuer is the default.
    let chosen = if chosen.is_empty() { resources.iter().filter(|own| own.is_issuer()).collect() } else { chosen };
    let mut uris: Vec<String> = chosen.iter().map(|resource| resource.uri.clone()).collect();
    // With `openid` the token opens userinfo, wherever else it is for.
    if (uris.is_empty() || scope.contains("openid")) && !uris.iter().any(|uri| uri == issuer) {
        uris.push(issuer.to_owned());
    }
    // The issuer reads either kind of token; the API that was asked for beside it may not.
    let decisive = chosen.iter().find(|resource| !resource.is_issuer()).or(chosen.first());
    let typ = decisive.map_or_else(|| typ::AT_JWT.to_owned(), |resource| resource.typ.clone());
    let is_opaque = |resource: &&&Resource| resource.access_token == AccessTokenFormat::Opaque;
    let is_decisive = |resource: &&&Resource| decisive.is_some_and(|own| own.is_issuer() == resource.is_issuer());
    let format = match chosen.iter().filter(is_decisive).find(is_opaque) {
        Some(_) => AccessTokenFormat::Opaque,
        None => AccessTokenFormat::Jwt,
    };
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

/// The scopes of APIs that `scope` asks for at an audience, patterns spelt out, each with what opens it.
///
/// A permission that no API lists belongs to the issuer, and needs a role there.
#[must_use]
pub fn permissions(scope: &Scope, audience: &Audience, resources: &[Resource]) -> Vec<(String, Gate)> {
    let mut found: Vec<(String, Gate)> = Vec::new();
    let mut add = |token: &str, gate: Gate| {
        if !found.iter().any(|(own, _)| own == token) {
            found.push((token.to_owned(), gate));
        }
    };
    let in_audience = || resources.iter().filter(|resource| audience.uris.contains(&resource.uri));
    let listing = |token: &str| in_audience().find(|resource| resource.scope.contains(token));
    let is_listed_anywhere = |token: &str| resources.iter().any(|resource| resource.scope.contains(token));
    for token in scope.iter() {
        match classify(token) {
            ScopeToken::Permission(_) | ScopeToken::Unknown if listing(token).is_some() => {
                listing(token).into_iter().for_each(|resource| add(token, resource.gate));
            }
            ScopeToken::Permission(_) => {
                if !is_listed_anywhere(token) && audience.uris.iter().any(|uri| is_issuer(uri, resources)) {
                    add(token, Gate::Role);
                }
            }
            ScopeToken::Pattern(pattern) => {
                for resource in in_audience() {
                    let is_meant = |own: &&str| Permission::parse(own).is_ok_and(|own| pattern.allows(&own));
                    resource.scope.iter().filter(is_meant).for_each(|own| add(own, resource.gate));
                }
            }
            ScopeToken::Protocol | ScopeToken::Org(_) | ScopeToken::Unknown => {}
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
    let is_in_role = |token: &str| {
        let (Some(patterns), Ok(permission)) = (role, Permission::parse(token)) else { return false };
        patterns.iter().any(|own| own.allows(&permission))
    };
    for (token, gate) in permissions(scope, audience, resources) {
        let is_open = match gate {
            Gate::Consent => true,
            Gate::Role => is_in_role(&token),
        };
        if is_open {
            allowed.insert(&token);
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
            ErrorCode::InvalidScope,
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
    Err(Refusal::new(ErrorCode::InvalidScope, format!("the scope `{token}` {what}")))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        clients::Metadata,
        protocol::{GrantType, Timestamp},
    };

    const ISSUER: &str = "https://id.example";
    const KB: &str = "https://kb.example";
    const CRM: &str = "https://crm.example";

    fn scope(text: &str) -> Scope {
        Scope::parse(text).unwrap()
    }

    fn api(uri: &str, listed: &str, gate: Gate) -> Resource {
        Resource { uri: uri.into(), scope: scope(listed), gate, ..Resource::of_api(ISSUER) }
    }

    fn resources() -> Vec<Resource> {
        vec![
            Resource::of_issuer(ISSUER),
            Resource::of_api(ISSUER),
            api(KB, "kb:read kb:write kb:delete search", Gate::Role),
            api(CRM, "crm:read kb:export", Gate::Consent),
        ]
    }

    fn client(registered: &str, named: &[&str]) -> Client {
        let metadata = Metadata {
            scope: scope(registered),
            resources: named.iter().map(|uri| (*uri).to_owned()).collect(),
            grant_types: vec![GrantType::ClientCredentials],
            ..Metadata::default()
        };
        Client::registered("job", metadata, Timestamp(0))
    }

    fn asks(client: &Client, text: Option<&str>, uris: &[&str]) -> Result<(String, Vec<String>), Refusal> {
        let resources = resources();
        let params: Params = uris.iter().map(|uri| ("resource", *uri)).collect();
        let uris = asked(&params, client, &resources)?;
        client_scope(client, text, &uris, &resources, ISSUER)
            .map(|(scope, audience)| (scope.to_string(), audience.uris))
    }

    fn resolved(text: &str, uris: &[&str]) -> Audience {
        let uris: Vec<String> = uris.iter().map(|uri| (*uri).to_owned()).collect();
        resolve(&scope(text), &uris, &resources(), ISSUER).unwrap()
    }

    fn allowed_in(text: &str, uris: &[&str], role: Option<&[&str]>) -> String {
        let role: Option<Vec<Pattern>> =
            role.map(|patterns| patterns.iter().map(|own| Pattern::parse(own).unwrap()).collect());
        allowed(&scope(text), &resolved(text, uris), &resources(), role.as_deref()).to_string()
    }

    #[test]
    fn the_scopes_tell_which_api_is_meant_and_the_issuer_is_the_default() {
        for (text, uris) in [
            ("openid profile", vec![ISSUER]),
            ("kb:read", vec![KB]),
            ("search", vec![KB]),
            ("openid kb:read", vec![KB, ISSUER]),
            ("kb:r*", vec![KB]),
            ("nobody:lists", vec![ISSUER]),
            ("org:acme", vec![ISSUER]),
        ] {
            assert_eq!(resolved(text, &[]).uris, uris, "{text}");
        }
        assert_eq!(
            resolved("openid kb:read", &[CRM]).uris,
            [CRM, ISSUER],
            "what was asked for goes before what is told"
        );
    }

    #[test]
    fn the_scopes_of_two_apis_need_a_word_on_which() {
        for text in ["kb:read crm:read", "kb:*", "*"] {
            let refusal = resolve(&scope(text), &[], &resources(), ISSUER).unwrap_err();
            assert_eq!(refusal.code, ErrorCode::InvalidScope, "{text}");
            assert!(refusal.description.contains("resource"), "{}", refusal.description);
        }
        assert_eq!(resolved("kb:read crm:read", &[KB, CRM]).uris, [KB, CRM]);
    }

    #[test]
    fn a_token_is_what_its_api_wants_it_to_be() {
        let mut resources = resources();
        resources[0].typ = "JWT".into();
        resources[3].access_token = AccessTokenFormat::Opaque;
        let resolve = |text: &str| resolve(&scope(text), &[], &resources, ISSUER).unwrap();
        assert_eq!((resolve("openid").typ.as_str(), resolve("openid").format), ("JWT", AccessTokenFormat::Jwt));
        assert_eq!((resolve("kb:read").typ.as_str(), resolve("kb:read").format), ("at+jwt", AccessTokenFormat::Jwt));
        assert_eq!(resolve("crm:read").format, AccessTokenFormat::Opaque);
    }

    #[test]
    fn a_role_opens_what_it_allows_and_patterns_never_leave_the_server() {
        let editor: &[&str] = &["*:read", "*:write"];
        assert_eq!(allowed_in("openid org:acme kb:*", &[KB], Some(editor)), "openid org:acme kb:read kb:write");
        assert_eq!(allowed_in("kb:read kb:delete", &[], Some(editor)), "kb:read");
        assert_eq!(allowed_in("kb:read kb:delete", &[], Some(&["*"])), "kb:read kb:delete");
        assert_eq!(allowed_in("openid org kb:read", &[], None), "openid", "without a role nothing opens");
        assert_eq!(allowed_in("*", &[KB], Some(&["*"])), "kb:read kb:write kb:delete");
        assert_eq!(allowed_in("nobody:lists", &[], Some(&["nobody:*"])), "nobody:lists");
        assert_eq!(
            allowed_in("nobody:lists kb:read", &[KB], Some(&["*"])),
            "kb:read",
            "what is another API's is dropped"
        );
    }

    #[test]
    fn consent_alone_opens_an_api_whose_gate_it_is() {
        assert_eq!(allowed_in("crm:read", &[], None), "crm:read");
        assert_eq!(allowed_in("crm:* kb:export", &[CRM], Some(&["nothing:at-all"])), "crm:read kb:export");
    }

    #[test]
    fn a_client_may_ask_users_for_what_it_is_registered_for() {
        let registered = scope("openid kb:* crm:read *:list");
        for token in ["openid", "kb:read", "kb:*", "kb:r*", "crm:read", "x:list", "kb:list"] {
            assert!(may_ask(&registered, token), "{token}");
        }
        for token in ["*", "*:read", "crm:write", "profile", "org:acme", "crm:*", "x:*"] {
            assert!(!may_ask(&registered, token), "{token}");
        }
    }

    #[test]
    fn an_api_is_asked_for_to_the_letter_and_only_by_those_who_may() {
        let job = client("kb:read", &[CRM]);
        for uri in [KB, CRM, ISSUER] {
            assert!(asks(&job, None, &[uri]).is_ok(), "{uri}");
        }
        for uri in
            ["https://kb.example/", "https://KB.example", "kb", "https://id.example/api/v1", "https://kb.example#a"]
        {
            assert_eq!(asks(&job, None, &[uri]).unwrap_err().code, ErrorCode::InvalidTarget, "{uri}");
        }
        assert!(asks(&client("openid", &[]), None, &[KB]).is_err());
    }

    #[test]
    fn a_client_that_acts_for_itself_gets_what_it_is_registered_for_to_the_letter() {
        let job = client("openid offline_access org kb:read kb:w* search nobody:lists", &[]);
        assert_eq!(asks(&job, Some("kb:read"), &[]).unwrap(), ("kb:read".into(), vec![KB.into()]));
        assert_eq!(asks(&job, Some("kb:read search"), &[KB]).unwrap().0, "kb:read search");
        assert_eq!(asks(&job, Some("nobody:lists"), &[]).unwrap(), ("nobody:lists".into(), vec![ISSUER.into()]));
        assert_eq!(asks(&job, None, &[KB]).unwrap(), ("kb:read search".into(), vec![KB.into()]));
        for text in
            ["openid", "offline_access", "org", "org:acme", "kb:w*", "kb:write", "*", "crm:read", "kb:read nothing"]
        {
            let refusal = asks(&job, Some(text), &[]).unwrap_err();
            assert_eq!(refusal.code, ErrorCode::InvalidScope, "{text}");
        }
        assert_eq!(asks(&job, Some("nobody:lists"), &[KB]).unwrap_err().code, ErrorCode::InvalidScope);
        let refusal = asks(&job, Some("kb:read openid"), &[]).unwrap_err();
        assert!(refusal.description.contains("`openid`"), "{}", refusal.description);
    }

    #[test]
    fn a_client_without_scopes_of_its_own_still_gets_a_token_that_says_who_it_is() {
        assert_eq!(asks(&client("openid profile", &[]), None, &[]).unwrap(), (String::new(), vec![ISSUER.into()]));
        let both = client("kb:read crm:read", &[]);
        assert_eq!(asks(&both, None, &[]).unwrap_err().code, ErrorCode::InvalidScope, "it has to say which API");
        assert_eq!(asks(&both, None, &[CRM]).unwrap().0, "crm:read");
    }
}

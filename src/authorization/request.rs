//! An authorization request, from its parameters to what it means (RFC 6749 §4.1.1, OIDC Core §3.1.2.1).
//!
//! Until the client is known and the redirect URI is found to be its own, whatever is wrong becomes a page; from
//! then on it is told to the client. oxide-auth's machine asks the questions of RFC 6749 in their order, and
//! OpenID Connect's checks follow as one list.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    ask::{self, Ask, Expected, OrgWish},
    hint::Hint,
    login::ACR_VALUES,
    machine,
    request_object::{self, Objects},
    response::{Recipient, Rejection},
};
use crate::{
    clients::{Client, Registry, Resource, Subjects, audience},
    keys::{PairwiseKey, decryption},
    protocol::{
        ErrorCode, Lifetime, Params, Prompt, Refusal, ResponseMode, ResponseType, Result, Scope,
        claims::ClaimsRequest,
        permission::{ScopeToken, classify},
        pkce,
    },
    tokens::id_token::HintClaims,
};

/// A request that may be answered: every parameter read, nothing in it that the client may not ask.
#[derive(Clone, Debug)]
pub struct Request {
    /// What is asked.
    pub ask: Arc<Ask>,
    /// Where the answer goes.
    pub recipient: Recipient,
    /// What the answer brings.
    pub response_type: ResponseType,
    /// For the ID token.
    pub nonce: Option<String>,
    /// The PKCE challenge.
    pub code_challenge: Option<String>,
    /// The parameters, to come back to after a page.
    pub params: Params,
}

/// What an authorization request may say. Whatever else came along is dropped before anything is kept or sent on in a
/// URL: a client that posts its secret here shall not find it in a log.
pub const PARAMETERS: &[&str] = &[
    "client_id",
    "redirect_uri",
    "response_type",
    "response_mode",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
    "prompt",
    "max_age",
    "display",
    "ui_locales",
    "login_hint",
    "id_token_hint",
    "acr_values",
    "claims",
    "resource",
    "request",
    "request_uri",
    "registration",
];

/// What has to be known before a request can be read.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The registered clients and resources.
    pub registry: &'a Registry,
    /// The issuer identifier.
    pub issuer: &'a str,
    /// What the operator lets clients ask for.
    pub response_types: &'a [ResponseType],
    /// Reads an `id_token_hint`: `None` for one that is not ours.
    pub read_hint: &'a (dyn Fn(&str) -> Option<HintClaims> + Send + Sync),
    /// By which clients are told of users.
    pub pairwise_key: &'a PairwiseKey,
    /// Where request objects come from, and what is taken for one.
    pub objects: Objects<'a>,
}

impl Request {
    /// Read the parameters of an authorization request.
    ///
    /// # Errors
    /// A page while the client or its redirect URI is in doubt, a redirect afterwards.
    pub async fn parse(context: Context<'_>, params: Params) -> Result<Self, Rejection> {
        // Once for all: what is kept, and comes back here, are the parameters that were in the object.
        let params = request_object::expand(context, params).await?;
        let bound = Bound::find(context.registry, &params).await?;
        let resources = context.registry.resources().await?;
        let hint = Hint::read(context, &bound.client, &params).await?;
        let mut draft = Draft { hint, ..Draft::new(&bound, context, &resources, &params) };
        for check in CHECKS {
            if let Err(refusal) = check(&mut draft) {
                return Err(Rejection::Redirect(draft.recipient, refusal));
            }
        }
        let ask = Ask {
            can_be_impersonated: ask::can_be_impersonated(&bound.client, &bound.redirect_uri),
            client: bound.client.clone(),
            scope: draft.scope,
            resources: draft.asked_resources,
            org: draft.org,
            prompt: draft.prompt,
            max_age: draft.max_age,
            claims: draft.claims,
            login_hint: params.get("login_hint").map(str::to_owned),
            expected: draft.expected,
            ui_locales: params.get("ui_locales").map(str::to_owned),
        };
        Ok(Self {
            ask: Arc::new(ask),
            recipient: draft.recipient,
            response_type: draft.response_type,
            nonce: params.get("nonce").map(str::to_owned),
            code_challenge: draft.code_challenge,
            params,
        })
    }
}

/// Refuse a request that cannot be read as a whole, for `flaw`: the client is told, if what can be read leaves no doubt
/// about it and its redirect URI; a page says it otherwise.
pub async fn refuse(registry: &Registry, issuer: &str, params: &Params, flaw: Refusal) -> Rejection {
    let Ok(bound) = Bound::find(registry, params).await else { return flaw.into() };
    let mut recipient = bound.recipient(issuer, params);
    recipient.mode = mode(params);
    Rejection::Redirect(recipient, flaw)
}

/// The client that a request names.
///
/// # Errors
/// A page, when there is none or it is disabled.
pub(super) async fn client(registry: &Registry, params: &Params) -> Result<Arc<Client>, Rejection> {
    let id = params.need("client_id")?;
    let client = registry.find(id).await?.filter(|client| client.enabled).ok_or_else(|| {
        Refusal::new(ErrorCode::InvalidClient, "`client_id` names no client that is registered here")
            .hint(format!("client_id {id}"))
    })?;
    Ok(client)
}

/// The client, and the redirect URI that is found to be its own.
struct Bound {
    client: Arc<Client>,
    redirect_uri: String,
}

impl Bound {
    async fn find(registry: &Registry, params: &Params) -> Result<Self, Rejection> {
        let client = client(registry, params).await?;
        let redirect_uri = params.need("redirect_uri")?;
        if !client.metadata.redirect_uris.iter().any(|registered| registered.matches(redirect_uri)) {
            let refusal = Refusal::new(
                ErrorCode::InvalidRequest,
                "`redirect_uri` is not one that this client has registered; it has to match to the letter",
            );
            return Err(refusal.hint(format!("client {} sent {redirect_uri}", client.id)).into());
        }
        Ok(Self { client, redirect_uri: redirect_uri.to_owned() })
    }

    fn recipient(&self, issuer: &str, params: &Params) -> Recipient {
        Recipient {
            redirect_uri: self.redirect_uri.clone(),
            mode: ResponseMode::default(),
            state: params.get("state").map(str::to_owned),
            issuer: issuer.to_owned(),
            client_name: self.client.name().to_owned(),
            ui_locales: params.get("ui_locales").map(str::to_owned),
            is_popup: params.get("display") == Some("popup"),
        }
    }
}

/// A request in the course of its checks.
struct Draft<'a> {
    client: &'a Client,
    params: &'a Params,
    context: Context<'a>,
    resources: &'a [Resource],
    recipient: Recipient,
    response_type: ResponseType,
    scope: Scope,
    asked_resources: Vec<String>,
    org: OrgWish,
    prompt: Prompt,
    max_age: Option<Lifetime>,
    claims: ClaimsRequest,
    code_challenge: Option<String>,
    hint: Hint,
    expected: Option<Expected>,
}

impl<'a> Draft<'a> {
    fn new(bound: &'a Bound, context: Context<'a>, resources: &'a [Resource], params: &'a Params) -> Self {
        Self {
            client: &bound.client,
            params,
            context,
            resources,
            recipient: bound.recipient(context.issuer, params),
            response_type: ResponseType::default(),
            scope: Scope::default(),
            asked_resources: Vec::new(),
            org: OrgWish::default(),
            prompt: Prompt::default(),
            max_age: None,
            claims: ClaimsRequest::default(),
            code_challenge: None,
            hint: Hint::None,
            expected: None,
        }
    }
}

/// One question about a request.
type Check = fn(&mut Draft<'_>) -> Result<(), Refusal>;

/// What is checked once the client may be told, in this order.
const CHECKS: &[Check] = &[
    response_mode,
    registration,
    rfc_6749,
    response_type,
    nonce,
    code_challenge,
    prompt,
    max_age,
    display,
    claims,
    acr_values,
    id_token_hint,
    organisation,
    scope,
    resource,
];

/// First, since every later refusal travels by it.
fn response_mode(draft: &mut Draft<'_>) -> Result<(), Refusal> {
    draft.recipient.mode = mode(draft.params);
    ResponseMode::parse(draft.params.get("response_mode")).map(drop)
}

/// How the answer travels, whatever becomes of the request: as it says, if it may.
fn mode(params: &Params) -> ResponseMode {
    let by_default = match (asked_response_type(params), params.get("response_type")) {
        (Some(asked), _) => asked.default_mode(),
        // Whoever asks for tokens, even for such as there are not, looks into the fragment (RFC 6749 §4.2.2.1).
        (None, Some(unknown)) if unknown.split(' ').any(|word| matches!(word, "token" | "id_token")) => {
            ResponseMode::Fragment
        }
        (None, _) => ResponseMode::default(),
    };
    match params.get("response_mode").and_then(ResponseMode::of) {
        Some(asked) if !would_leak(asked, by_default) => asked,
        _ => by_default,
    }
}

/// Multiple Response Types §3: what holds tokens must not be sent in a query.
fn would_leak(asked: ResponseMode, by_default: ResponseMode) -> bool {
    asked == ResponseMode::Query && by_default == ResponseMode::Fragment
}

fn asked_response_type(params: &Params) -> Option<ResponseType> {
    params.get("response_type").and_then(ResponseType::read)
}

/// OIDC Core §3.1.2.6: what is not supported is said, not ignored.
fn registration(draft: &mut Draft<'_>) -> Result<(), Refusal> {
    match draft.params.get("registration") {
        None => Ok(()),
        Some(_) => {
            Err(Refusal::new(ErrorCode::RegistrationNotSupported, "`registration` is not supported by this server"))
        }
    }
}

fn rfc_6749(draft: &mut Draft<'_>) -> Result<(), Refusal> {
    let offered = draft.context.response_types;
    if let Some(asked) = asked_response_type(draft.params).filter(|asked| offered.contains(asked)) {
        draft.response_type = asked;
        return machine::ask(draft.params, Some(asked), offered, &draft.recipient.redirect_uri);
    }
    machine::ask(draft.params, None, offered, &draft.recipient.redirect_uri)
}

/// Product decision 15: what the operator offers is for those clients that are registered for it.
fn response_type(draft: &mut Draft<'_>) -> Result<(), Refusal> {
    let response_type = draft.response_type;
    if !draft.client.metadata.response_types.contains(&response_type) {
        let description = format!("this client is not registered for the response type `{response_type}`");
        return Err(Refusal::new(ErrorCode::UnauthorizedClient, description));
    }
    let mode = draft.params.get("response_mode").and_then(ResponseMode::of);
    if mode.is_some_and(|asked| would_leak(asked, response_type.default_mode())) {
        return Err(Refusal::new(ErrorCode::InvalidRequest, "`response_mode` is query, by which no tokens are sent"));
    }
    Ok(())
}

/// OIDC Core §3.2.2.1, §3.3.2.11: without it an ID token could be one that was stolen from another answer.
fn nonce(draft: &mut Draft<'_>) -> Result<(), Refusal> {
    if draft.response_type.has_id_token() { draft.params.need("nonce").map(drop) } else { Ok(()) }
}

/// RFC 7636 §4.4.1, and RFC 9700 §2.1.1: required with a code unless this client is registered without.
fn code_challenge(draft: &mut Draft<'_>) -> Result<(), Refusal> {
    let params = draft.params;
    draft.code_challenge = pkce::challenge(params.get("code_challenge"), params.get("code_challenge_method"))?;
    if draft.code_challenge.is_none() && draft.client.require_pkce && draft.response_type.has_code() {
        return Err(Refusal::new(
            ErrorCode::InvalidRequest,
            "`code_challenge` is missing; this client has to use PKCE with S256 (RFC 7636)",
        ));
    }
    Ok(())
}

fn prompt(draft: &mut Draft<'_>) -> Result<(), Refusal> {
    draft.prompt = Prompt::parse(draft.params.get("prompt"))?;
    Ok(())
}

fn max_age(draft: &mut Draft<'_>) -> Result<(), Refusal> {
    let Some(text) = draft.params.get("max_age") else {
        draft.max_age = draft.client.metadata.default_max_age.map(Lifetime::seconds);
        return Ok(());
    };
    match text.parse::<u32>() {
        Ok(seconds) => {
            draft.max_age = Some(Lifetime::seconds(seconds.into()));
            Ok(())
        }
        Err(_) => {
            Err(Refusal::new(ErrorCode::InvalidRequest, format!("`max_age` is `{text}`; expected a number of seconds")))
        }
    }
}

/// Our pages fit every display; the value is only checked.
fn display(draft: &mut Draft<'_>) -> Result<(), Refusal> {
    match draft.params.get("display") {
        None | Some("page" | "popup" | "touch" | "wap") => Ok(()),
        Some(other) => Err(Refusal::new(
            ErrorCode::InvalidRequest,
            format!("`display` is `{other}`; expected page, popup, touch or wap"),
        )),
    }
}

fn claims(draft: &mut Draft<'_>) -> Result<(), Refusal> {
    if let Some(text) = draft.params.get("claims") {
        draft.claims = ClaimsRequest::parse(text)?;
    }
    Ok(())
}

/// `acr_values` is a wish and never an error; an essential `acr` that cannot be reached is one, never a lower `acr` silently.
fn acr_values(draft: &mut Draft<'_>) -> Result<(), Refusal> {
    match draft.claims.essential_acr() {
        Some(values) if !values.is_empty() && !values.iter().any(|value| ACR_VALUES.contains(&value.as_str())) => {
            Err(Refusal::new(
                ErrorCode::UnmetAuthenticationRequirements,
                "no `acr` that is asked for as essential can be reached here; see acr_values_supported",
            ))
        }
        _ => Ok(()),
    }
}

fn id_token_hint(draft: &mut Draft<'_>) -> Result<(), Refusal> {
    // OIDC Core §5.5.1: a `sub` asked for by value is a hint of the same kind.
    let asked = draft.claims.subs();
    let subs = match &draft.hint {
        Hint::None => asked,
        Hint::Names(sub) if asked.is_none_or(|asked| asked.contains(sub)) => Some([sub.clone()].into()),
        Hint::Names(_) => Some(BTreeSet::new()),
        Hint::NotOurs => {
            let is_sealed = draft.params.get("id_token_hint").is_some_and(decryption::is_encrypted);
            let description = if is_sealed {
                "`id_token_hint` is encrypted; send the ID token that was in it"
            } else {
                "`id_token_hint` is not an ID token of this server"
            };
            return Err(Refusal::new(ErrorCode::InvalidRequest, description));
        }
        Hint::OfOthers => {
            return Err(Refusal::new(
                ErrorCode::InvalidRequest,
                "`id_token_hint` was issued to another client, which knows users by other names",
            ));
        }
    };
    if subs.as_ref().is_some_and(BTreeSet::is_empty) {
        return Err(Refusal::new(
            ErrorCode::InvalidRequest,
            "`id_token_hint` and `claims` name two different users; a request is for one",
        ));
    }
    let (subjects, key) = (Subjects::of(draft.client), draft.context.pairwise_key.clone());
    draft.expected = subs.map(|subs| Expected { subs, subjects, key });
    Ok(())
}

/// Product decision 9: two organisations at once are an error, never silently one of them.
fn organisation(draft: &mut Draft<'_>) -> Result<(), Refusal> {
    let asked = Scope::parse(draft.params.get("scope").unwrap_or_default())?;
    for token in asked.iter() {
        let wish = match token.split_once(':') {
            None if token == "org" => OrgWish::Any,
            Some(("org", slug)) => OrgWish::Slug(slug.to_owned()),
            _ => continue,
        };
        if !draft.client.metadata.scope.contains("org") && !draft.client.metadata.scope.contains(token) {
            if matches!(wish, OrgWish::Slug(_)) {
                return Err(Refusal::new(
                    ErrorCode::InvalidScope,
                    format!(
                        "the scope `{token}` is not registered for this client; register `org` to allow any organisation"
                    ),
                ));
            }
            continue;
        }
        match (&draft.org, wish) {
            (OrgWish::Slug(_), OrgWish::Slug(_)) => {
                return Err(Refusal::new(
                    ErrorCode::InvalidScope,
                    "`scope` names two organisations; a token is bound to one, so ask once for each",
                ));
            }
            (OrgWish::Slug(_), _) => {}
            (_, wish) => draft.org = wish,
        }
    }
    Ok(())
}

/// OIDC Core §3.1.2.1: scopes that are not understood, or not this client's, are dropped; if nothing remains, that is said.
fn scope(draft: &mut Draft<'_>) -> Result<(), Refusal> {
    let asked = Scope::parse(draft.params.get("scope").unwrap_or_default())?;
    let registered = &draft.client.metadata.scope;
    let is_refreshable = draft.response_type.has_code();
    draft.scope = asked.filter(|token| match classify(token) {
        // OIDC Core §11: it means nothing where no refresh token can come of it.
        ScopeToken::Protocol if token == "offline_access" && !is_refreshable => false,
        ScopeToken::Org(_) => registered.contains(token) || registered.contains("org"),
        ScopeToken::Protocol => registered.contains(token),
        ScopeToken::Permission(_) | ScopeToken::Pattern(_) => audience::may_ask(registered, token),
        ScopeToken::Unknown => {
            registered.contains(token) && draft.resources.iter().any(|resource| resource.scope.contains(token))
        }
    });
    if draft.scope.is_empty() {
        return Err(Refusal::new(
            ErrorCode::InvalidScope,
            "none of the scopes asked for is registered for this client",
        ));
    }
    if draft.response_type.has_id_token() && !draft.scope.contains("openid") {
        return Err(Refusal::new(
            ErrorCode::InvalidScope,
            "`scope` lacks `openid`, without which there is no ID token",
        ));
    }
    Ok(())
}

/// RFC 8707 §2, and product decision 2: which APIs the token will be for has to be clear before anybody is asked.
fn resource(draft: &mut Draft<'_>) -> Result<(), Refusal> {
    let asked = audience::asked(draft.params, draft.client, draft.resources)?;
    audience::resolve(&draft.scope, &asked, draft.resources, draft.context.issuer)?;
    draft.asked_resources = asked;
    Ok(())
}

//! Clients that register themselves (RFC 7591, OIDC Registration) and look after what they registered (RFC 7592).

use std::sync::Arc;

use serde_json::{Map, Value};

use super::{
    CertificateName, Client, Encryption, Registry,
    authentication::is_live_secret,
    logout::Logout,
    metadata::{DEFAULT_SCOPE, wrong},
    operators,
    registration::{self, New, Wanted},
    subject::Sector,
};
use crate::{
    config,
    keys::shared_secret::HS256,
    outgoing::Outgoing,
    protocol::{
        Algorithm, ApplicationType, AuthMethod, ContentEncryption, ErrorCode, GrantType, KeyManagement, PlainSecret,
        Refusal, ResponseType, Result, Scope, Signing, SubjectType, Timestamp,
    },
    random::Random,
    store::{Access, Write, clients, registration_tokens},
};

/// What a registration stands on.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The registered clients.
    pub registry: &'a Registry,
    /// What the operator lets strangers register.
    pub settings: &'a config::Registration,
    /// By what clients may prove themselves.
    pub tls: &'a config::Tls,
    /// Reads what clients keep elsewhere.
    pub outgoing: &'a Outgoing,
    /// The algorithms for which there are keys.
    pub algorithms: &'a [Algorithm],
    /// The algorithms by which clients can encrypt for this server.
    pub encryption_algorithms: &'a [KeyManagement],
    /// Chance.
    pub random: &'a Random,
    /// The time.
    pub now: Timestamp,
}

/// A client that has registered itself, with what it is told this once.
pub struct Registered {
    /// The client.
    pub client: Client,
    /// Its secret, if it needs one.
    pub secret: Option<PlainSecret>,
    /// With which it looks after its registration.
    pub token: PlainSecret,
}

/// Register a client of a stranger, who shows an initial access token where the operator wants one.
///
/// # Errors
/// `invalid_token` for an initial access token that does not count; `invalid_redirect_uri` or `invalid_client_metadata`,
/// naming the member (RFC 7591 §3.2.2). The token is used up only by what is registered.
pub async fn register(context: Context<'_>, token: Option<&PlainSecret>, body: &[u8]) -> Result<Registered> {
    if let Some(token) = token {
        let mut db = context.registry.store().read().await?;
        if !registration_tokens::is_live(&mut db, token.hash().as_str(), context.now.0).await? {
            return Err(not_counting().into());
        }
    }
    let mut wanted = wanted(context, &Members::read(body)?)?;
    wanted.sector = Sector::read(context.outgoing, &wanted, None).await?;
    let own = PlainSecret::new(format!("lkt_{}", context.random.token()));
    let mut tx = context.registry.store().write().await?;
    if let Some(token) = token
        && !registration_tokens::spend(&mut tx, token.hash().as_str(), context.now.0).await?
    {
        return Err(not_counting().into());
    }
    let new = New { wanted, is_by_itself: true, ..New::default() };
    let (client, secret) = registration::create_in(&mut tx, context.registry, new, context.now, context.random).await?;
    registration_tokens::insert_of_client(&mut tx, &client.id, own.hash().as_str()).await?;
    tx.commit().await?;
    Ok(Registered { client, secret, token: own })
}

/// The client that this token looks after.
///
/// # Errors
/// `invalid_token` when it is another's, or the client is not there or disabled (RFC 7592 §2.1).
pub async fn find(context: Context<'_>, id: &str, token: &PlainSecret) -> Result<Arc<Client>> {
    let found = context.registry.find(id).await?;
    let mut db = context.registry.store().read().await?;
    let is_own = looks_after(&mut db, found.as_deref(), token).await?;
    Ok(found.filter(|_| is_own).ok_or_else(not_of_client)?)
}

/// The same client, taken for this transaction: what is judged of it is what is changed.
async fn lock(tx: &mut Write, context: Context<'_>, id: &str, token: &PlainSecret) -> Result<Client> {
    let found = registration::lock(tx, context.registry, id, context.now).await?;
    let is_own = looks_after(tx, found.as_ref(), token).await?;
    Ok(found.filter(|_| is_own).ok_or_else(not_of_client)?)
}

async fn looks_after(db: &mut impl Access, client: Option<&Client>, token: &PlainSecret) -> Result<bool> {
    let Some(client) = client.filter(|client| client.enabled && client.self_registered) else { return Ok(false) };
    let own = registration_tokens::of_client(db, &client.id).await?;
    Ok(own.is_some_and(|own| token.hash().is_that_of(&own).into()))
}

fn not_of_client() -> Refusal {
    Refusal::new(ErrorCode::InvalidToken, "the registration access token is not that of this client")
}

/// Put something else in the place of what a client registered. A member that is left out takes its default
/// (RFC 7592 §2.2). What an operator has added since would be lost, or be had for another redirect URI: such a client is
/// changed by operators alone. A client that needs a secret from now on is given one.
///
/// # Errors
/// Those of [`find`] and [`register`].
pub async fn replace(
    context: Context<'_>,
    id: &str,
    token: &PlainSecret,
    body: &[u8],
) -> Result<(Client, Option<PlainSecret>)> {
    // Who only guesses has nothing read or locked; what counts is asked again once nobody else can change it.
    let known = find(context, id, token).await?;
    let members = Members::read(body)?;
    if members.text("client_id")?.as_deref() != Some(id) {
        return Err(wrong("`client_id` has to be that of the client, as RFC 7592 section 2.2 wants it").into());
    }
    let mut wanted = wanted(context, &members)?;
    wanted.sector = Sector::read(context.outgoing, &wanted, Some(&operators::what_stays(&known)?)).await?;
    let mut tx = context.registry.store().write().await?;
    let before = lock(&mut tx, context, id, token).await?;
    if is_of_operators(&before) {
        return Err(wrong("an operator of this server has changed this client, and looks after it from now on").into());
    }
    if let Some(secret) = members.text("client_secret")? {
        let secrets = clients::secrets(&mut tx, id).await?;
        if !is_live_secret(&secrets, &PlainSecret::new(secret).hash(), context.now) {
            return Err(wrong("`client_secret` is not the secret of this client, which cannot choose another").into());
        }
    }
    keep(&before, &members, &mut wanted)?;
    let done = registration::replace_in(&mut tx, context.registry, before, wanted, context.now, context.random).await?;
    tx.commit().await?;
    Ok(done)
}

/// What a client cannot give up again.
fn keep(before: &Client, members: &Members, wanted: &mut Wanted) -> Result<(), Refusal> {
    let is_operators = |name| before.metadata.is_set_by_operator(name);
    // What an operator has set takes no default where it is left out.
    let is_left_out = |name| is_operators(name) && members.value(name).is_none();
    wanted.grant_types.take_if(|_| is_left_out("grant_types"));
    wanted.scope.take_if(|_| is_left_out("scope"));
    // Nobody makes a client of theirs weaker than it has become.
    let is_needed = !is_operators(operators::REQUIRE_PKCE) && wanted.require_pkce.unwrap_or(true);
    wanted.require_pkce = Some(before.require_pkce || is_needed);
    if before.metadata.subject_type == SubjectType::Pairwise {
        // Else it could learn, once it has users, who they are elsewhere.
        if wanted.subject_type == Some(SubjectType::Public) {
            return Err(wrong("`subject_type` is public, which only an operator makes of a pairwise client"));
        }
        wanted.subject_type = Some(SubjectType::Pairwise);
    }
    Ok(())
}

/// End a client and everything it was given.
///
/// # Errors
/// Those of [`find`].
pub async fn delete(context: Context<'_>, id: &str, token: &PlainSecret) -> Result<()> {
    find(context, id, token).await?;
    let mut tx = context.registry.store().write().await?;
    lock(&mut tx, context, id, token).await?;
    registration::delete_in(&mut tx, id, context.now).await?;
    tx.commit().await?;
    Ok(())
}

/// What is asked for, as far as strangers may have it; the answer says what was registered (RFC 7591 §3.2.1).
fn wanted(context: Context<'_>, members: &Members) -> Result<Wanted, Refusal> {
    members.refuse_unsupported()?;
    let response_types = members.words("response_types", ResponseType::read)?;
    let grants = grant_types(members, response_types.as_deref())?;
    if let Some(other) = response_types.iter().flatten().find(|own| !context.settings.response_types.contains(own)) {
        return Err(wrong(format!("`response_types` has `{other}`, which this server does not give to clients")));
    }
    let method = members.word("token_endpoint_auth_method", AuthMethod::of)?;
    if let Some(method) = method.filter(|method| !context.tls.allows(*method)) {
        return Err(unknown("token_endpoint_auth_method", method.as_str()));
    }
    let mut names = Vec::new();
    for (name, make) in CertificateName::MEMBERS {
        names.extend(members.text(name)?.map(make));
    }
    let own_keys = |name| match members.word(name, Algorithm::of)? {
        Some(alg) if !context.algorithms.contains(&alg) => {
            Err(wrong(format!("`{name}` is `{alg}`, for which this server keeps no keys")))
        }
        alg => Ok(alg),
    };
    let unsigned = signing(context, members, "id_token_signed_response_alg")?;
    let id_token_signing = unsigned.filter(|signing| *signing == Signing::Unsigned).map(Some);
    Ok(Wanted {
        client_name: members.text("client_name")?,
        redirect_uris: members.texts("redirect_uris")?,
        post_logout_redirect_uris: members.texts("post_logout_redirect_uris")?,
        grant_types: Some(grants),
        response_types,
        scope: Some(scope(members.text("scope")?.as_deref())?),
        resources: None,
        application_type: members.word("application_type", ApplicationType::of)?,
        token_endpoint_auth_method: method,
        certificate_name: CertificateName::only(names)?,
        token_endpoint_auth_signing_alg: members.assertion_algorithm()?,
        jwks: members.value("jwks").cloned(),
        jwks_uri: members.text("jwks_uri")?,
        logo_uri: members.text("logo_uri")?,
        client_uri: members.text("client_uri")?,
        policy_uri: members.text("policy_uri")?,
        tos_uri: members.text("tos_uri")?,
        initiate_login_uri: members.text("initiate_login_uri")?,
        contacts: members.texts("contacts")?,
        subject_type: members.word("subject_type", SubjectType::of)?,
        sector_identifier_uri: members.text("sector_identifier_uri")?,
        sector: None,
        signing_algorithm: id_token_signing.map_or_else(|| own_keys("id_token_signed_response_alg"), |_| Ok(None))?,
        id_token_signing,
        userinfo_signed_response_alg: own_keys("userinfo_signed_response_alg")?,
        id_token_encryption: members.encryption("id_token_encrypted_response")?,
        userinfo_encryption: members.encryption("userinfo_encrypted_response")?,
        request_uris: members.texts("request_uris")?,
        request_object_signing_alg: signing(context, members, "request_object_signing_alg")?.map(Some),
        request_object_encryption: for_this_server(context, members.encryption("request_object_encryption")?)?,
        default_max_age: members.number("default_max_age")?.map(Some),
        default_acr_values: members.texts("default_acr_values")?,
        require_auth_time: members.switch("require_auth_time")?,
        logout: Logout {
            back_channel_uri: members.text("backchannel_logout_uri")?,
            back_channel_needs_session: members.switch("backchannel_logout_session_required")?,
            front_channel_uri: members.text("frontchannel_logout_uri")?,
            front_channel_needs_session: members.switch("frontchannel_logout_session_required")?,
        },
        first_party: None,
        require_pkce: Some(context.settings.require_pkce),
    })
}

/// What is encrypted for this server has to be so for a key that it keeps.
fn for_this_server(context: Context<'_>, encryption: Encryption) -> Result<Encryption, Refusal> {
    match encryption.alg.flatten().filter(|alg| !context.encryption_algorithms.contains(alg)) {
        Some(alg) => {
            Err(wrong(format!("`request_object_encryption_alg` is `{alg}`, for which this server has no key")))
        }
        None => Ok(encryption),
    }
}

/// Who names no grant is given those that its response types need, which may be none; it is told so (RFC 7591 §3.2.1).
fn grant_types(members: &Members, response_types: Option<&[ResponseType]>) -> Result<Vec<GrantType>, Refusal> {
    let asked = members.words("grant_types", GrantType::of)?.filter(|asked| !asked.is_empty());
    let grants = asked.unwrap_or_else(|| {
        let response_types = response_types.unwrap_or(&[ResponseType::Code]);
        response_types.iter().flat_map(|own| own.grants()).collect()
    });
    if grants.contains(&GrantType::ClientCredentials) {
        return Err(wrong("`grant_types` has client_credentials, which only an operator gives to a client"));
    }
    Ok(grants)
}

/// Product decision 15: nothing goes without a signature unless the operator says so.
fn signing(context: Context<'_>, members: &Members, name: &str) -> Result<Option<Signing>, Refusal> {
    match members.word(name, Signing::of)? {
        Some(Signing::Unsigned) if !context.settings.allow_unsigned => {
            Err(wrong(format!("`{name}` is `none`, and this server takes nothing unsigned")))
        }
        signing => Ok(signing),
    }
}

/// Whether a client has what no stranger is given.
fn is_of_operators(client: &Client) -> bool {
    let metadata = &client.metadata;
    client.first_party
        || !metadata.resources.is_empty()
        || metadata.grant_types.contains(&GrantType::ClientCredentials)
        || metadata.scope.iter().any(|token| !is_open(token))
}

fn not_counting() -> Refusal {
    Refusal::new(
        ErrorCode::InvalidToken,
        "the initial access token is unknown, used up or expired; the operator makes them",
    )
}

/// Whatever OpenID Connect tells of a user who allows it; permissions and organisations are given out by operators.
fn scope(asked: Option<&str>) -> Result<String, Refusal> {
    let Some(asked) = asked else { return Ok(DEFAULT_SCOPE.to_owned()) };
    let asked = Scope::parse(asked).map_err(|refusal| wrong(refusal.description))?;
    let open: Vec<&str> = asked.iter().filter(|token| is_open(token)).collect();
    Ok(if open.is_empty() { "openid".to_owned() } else { open.join(" ") })
}

fn is_open(token: &str) -> bool {
    DEFAULT_SCOPE.split(' ').any(|own| own == token)
}

/// The members of a registration, as they came.
struct Members(Map<String, Value>);

impl Members {
    fn read(body: &[u8]) -> Result<Self, Refusal> {
        match serde_json::from_slice(body) {
            Ok(Value::Object(members)) => Ok(Self(members)),
            _ => Err(wrong("the body is no JSON object")),
        }
    }

    /// A member; null is as good as left out (RFC 7592 §2.2).
    fn value(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    fn is(&self, name: &str, text: &str) -> bool {
        self.value(name).and_then(Value::as_str) == Some(text)
    }

    fn text(&self, name: &str) -> Result<Option<String>, Refusal> {
        match self.value(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(wrong(format!("`{name}` is no text"))),
        }
    }

    fn texts(&self, name: &str) -> Result<Option<Vec<String>>, Refusal> {
        let Some(value) = self.value(name) else { return Ok(None) };
        let texts = value.as_array().and_then(|all| all.iter().map(|one| one.as_str().map(str::to_owned)).collect());
        texts.map(Some).ok_or_else(|| wrong(format!("`{name}` is no list of texts")))
    }

    fn number(&self, name: &str) -> Result<Option<i64>, Refusal> {
        let Some(value) = self.value(name) else { return Ok(None) };
        value.as_i64().map(Some).ok_or_else(|| wrong(format!("`{name}` is no whole number")))
    }

    fn switch(&self, name: &str) -> Result<Option<bool>, Refusal> {
        let Some(value) = self.value(name) else { return Ok(None) };
        value.as_bool().map(Some).ok_or_else(|| wrong(format!("`{name}` is neither true nor false")))
    }

    /// One of the specification's words.
    fn word<T>(&self, name: &str, of: fn(&str) -> Option<T>) -> Result<Option<T>, Refusal> {
        self.text(name)?.map(|text| of(&text).ok_or_else(|| unknown(name, &text))).transpose()
    }

    /// By which algorithm the client signs what it proves itself with. With a secret there is but one.
    fn assertion_algorithm(&self) -> Result<Option<Algorithm>, Refusal> {
        let name = "token_endpoint_auth_signing_alg";
        if self.is("token_endpoint_auth_method", AuthMethod::ClientSecretJwt.as_str()) && self.is(name, HS256) {
            return Ok(None);
        }
        self.word(name, Algorithm::of)
    }

    fn words<T>(&self, name: &str, of: fn(&str) -> Option<T>) -> Result<Option<Vec<T>>, Refusal> {
        let read = |texts: Vec<String>| texts.iter().map(|text| of(text).ok_or_else(|| unknown(name, text))).collect();
        self.texts(name)?.map(read).transpose()
    }

    fn encryption(&self, of: &str) -> Result<Encryption, Refusal> {
        let alg = self.word(&format!("{of}_alg"), KeyManagement::of)?;
        let enc = self.word(&format!("{of}_enc"), ContentEncryption::of)?;
        Ok(Encryption { alg: alg.map(Some), enc: enc.map(Some) })
    }

    /// What cannot be done for a client is refused, so that it does not count on it.
    fn refuse_unsupported(&self) -> Result<(), Refusal> {
        match UNSUPPORTED.iter().find(|name| self.value(name).is_some_and(|value| !is_nothing(value))) {
            Some(name) => Err(wrong(format!("`{name}` is not supported by this server"))),
            None => Ok(()),
        }
    }
}

fn unknown(name: &str, text: &str) -> Refusal {
    wrong(format!("`{name}` has `{text}`, which this server does not know"))
}

fn is_nothing(value: &Value) -> bool {
    value == &Value::Bool(false) || value.as_array().is_some_and(Vec::is_empty)
}

/// What OIDC Registration §2, RFC 7591 §2 and the specifications of request objects let a client ask for, and this server
/// does not do.
const UNSUPPORTED: &[&str] = &[
    "software_statement",
    "tls_client_certificate_bound_access_tokens",
    "require_pushed_authorization_requests",
    "require_signed_request_object",
    "dpop_bound_access_tokens",
];

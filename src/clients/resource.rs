//! The APIs that tokens are for (RFC 8707, product decision 2): what they are, and how operators register them.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use url::Url;

use super::{Registry, metadata::wrong};
use crate::{
    protocol::{
        Error, ErrorCode, Refusal, Result, Scope, Timestamp,
        permission::{ScopeToken, classify},
        typ, words,
    },
    store::resources,
};

/// An API that tokens are for, as it is shown too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Resource {
    /// What stands in `aud`.
    pub uri: String,
    /// What people know it by.
    pub name: String,
    /// The scopes that tell that a request means it.
    pub scope: Scope,
    /// What its access tokens are.
    pub access_token: AccessTokenFormat,
    /// The `typ` of its JWTs.
    pub typ: String,
    /// What opens its scopes to a user's apps.
    pub gate: Gate,
    /// The clients that may introspect its tokens.
    pub introspected_by: Vec<String>,
    /// Whether it is the issuer itself: the default, and what permissions belong to that no API lists.
    #[serde(skip)]
    pub issuer: bool,
}

impl Resource {
    /// The issuer as the API it is from the start.
    #[must_use]
    pub fn of_issuer(issuer: &str) -> Self {
        Self { issuer: true, ..Self::built_in(issuer.to_owned(), "the issuer itself") }
    }

    /// The issuer's own JSON API: never a default, so that no token made for another API works there.
    #[must_use]
    pub fn of_api(issuer: &str) -> Self {
        Self::built_in(format!("{issuer}/api/v1"), "the issuer's API")
    }

    /// Whether it is the issuer itself.
    #[must_use]
    pub fn is_issuer(&self) -> bool {
        self.issuer
    }

    fn built_in(uri: String, name: &str) -> Self {
        Self {
            uri,
            name: name.to_owned(),
            scope: Scope::default(),
            access_token: AccessTokenFormat::Jwt,
            typ: typ::AT_JWT.to_owned(),
            gate: Gate::Role,
            introspected_by: Vec::new(),
            issuer: false,
        }
    }
}

words! {
    /// What the access tokens of an API are.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum AccessTokenFormat {
        /// An RFC 9068 JWT, which the API checks by itself.
        #[default]
        Jwt = "jwt",
        /// A mere reference, which the API has to introspect.
        Opaque = "opaque",
    }
}

words! {
    /// What opens the scopes of an API to a user's apps.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum Gate {
        /// The user's role in an organisation has to allow them.
        #[default]
        Role = "role",
        /// The user's consent is enough.
        Consent = "consent",
    }
}

impl FromStr for AccessTokenFormat {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        Self::of(text).ok_or_else(|| wrong(format!("`{text}` is not one of {}", Self::listed())))
    }
}

impl FromStr for Gate {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        Self::of(text).ok_or_else(|| wrong(format!("`{text}` is not one of {}", Self::listed())))
    }
}

/// What is said about an API: at its registration, or to change it. What is left out takes its default, or stays.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// What people know it by; its URI by default.
    pub name: Option<String>,
    /// Its scopes, each entry one or several tokens; none by default.
    pub scope: Option<Vec<String>>,
    /// JWTs by default.
    pub access_token: Option<AccessTokenFormat>,
    /// `at+jwt` by default.
    pub typ: Option<String>,
    /// A role by default.
    pub gate: Option<Gate>,
    /// Nobody by default.
    pub introspected_by: Option<Vec<String>>,
}

/// Register an API.
///
/// # Errors
/// `invalid_target` for a URI that cannot be one or is taken, `invalid_client_metadata` for the rest.
pub async fn create(registry: &Registry, uri: &str, wanted: &Wanted, now: Timestamp) -> Result<Resource> {
    check_uri(uri)?;
    if registry.is_built_in(uri) {
        return Err(Refusal::new(
            ErrorCode::InvalidTarget,
            format!("`{uri}` is an API from the start; update it instead"),
        )
        .into());
    }
    let resource = apply(Resource { name: uri.to_owned(), ..Resource::built_in(uri.to_owned(), "") }, wanted)?;
    let row = to_row(&resource, now);
    let mut tx = registry.store().write().await?;
    check_introspectors(&mut tx, &resource).await?;
    if !resources::insert(&mut tx, &row).await? {
        return Err(Refusal::new(ErrorCode::InvalidTarget, format!("there is already an API `{uri}`")).into());
    }
    tx.commit().await?;
    Ok(resource)
}

/// Change what is said of an API; `None` if there is none of that URI.
///
/// # Errors
/// `invalid_client_metadata` for a member that cannot be so.
pub async fn update(registry: &Registry, uri: &str, wanted: &Wanted, now: Timestamp) -> Result<Option<Resource>> {
    let mut tx = registry.store().write().await?;
    // Locks the row, so that of two who change it at once neither undoes what the other did.
    let is_there = resources::lock(&mut tx, uri, now.0).await?;
    let before = match (is_there, registry.built_in(uri)) {
        (true, built_in) => {
            let row = resources::find(&mut tx, uri).await?.ok_or_else(|| Error::broken("a locked resource is gone"))?;
            Resource { issuer: built_in.is_some_and(|own| own.issuer), ..from_row(row)? }
        }
        (false, Some(built_in)) => built_in,
        (false, None) => return Ok(None),
    };
    let resource = apply(before, wanted)?;
    check_introspectors(&mut tx, &resource).await?;
    let row = to_row(&resource, now);
    if is_there {
        resources::update(&mut tx, &row).await?;
    } else if !resources::insert(&mut tx, &row).await? {
        return Err(
            Refusal::new(ErrorCode::TemporarilyUnavailable, "somebody else is changing this API; try again").into()
        );
    }
    tx.commit().await?;
    Ok(Some(resource))
}

/// Forget an API; false if there is none of that URI. Tokens that were made for it live until they expire.
///
/// # Errors
/// `invalid_target` for the issuer's own.
pub async fn delete(registry: &Registry, uri: &str) -> Result<bool> {
    if registry.is_built_in(uri) {
        return Err(Refusal::new(
            ErrorCode::InvalidTarget,
            format!("`{uri}` is the issuer's own and cannot be deleted"),
        )
        .into());
    }
    let mut tx = registry.store().write().await?;
    let was_there = resources::delete(&mut tx, uri).await?;
    tx.commit().await?;
    Ok(was_there)
}

/// RFC 8707 §2: an absolute URI without a fragment. Compared to the letter, so it has to be plain.
fn check_uri(uri: &str) -> Result<(), Refusal> {
    let refuse = |what: &str| Err(Refusal::new(ErrorCode::InvalidTarget, format!("`{uri}` {what}")));
    if uri.len() > 500 {
        return refuse("is longer than 500 characters");
    }
    if uri.contains('#') {
        return refuse("has a fragment (RFC 8707 section 2)");
    }
    if !uri.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\' | b'<' | b'>' | b'`')) {
        return refuse("has a character that no URI has");
    }
    match Url::parse(uri) {
        Ok(url) if !url.username().is_empty() || url.password().is_some() => refuse("has a user name in it"),
        Ok(url) if matches!(url.scheme(), "javascript" | "data" | "vbscript" | "blob" | "file") => {
            refuse("has a scheme that no API has")
        }
        Ok(_) => Ok(()),
        Err(_) => refuse("is not an absolute URI; expected one such as https://api.example.com"),
    }
}

fn apply(mut resource: Resource, wanted: &Wanted) -> Result<Resource, Refusal> {
    let wanted = wanted.clone();
    if let Some(name) = wanted.name {
        if name.trim().is_empty() || name.len() > 200 || name.chars().any(char::is_control) {
            return Err(wrong("the name is empty, longer than 200 bytes, or has control characters"));
        }
        resource.name = name;
    }
    if let Some(scope) = wanted.scope {
        resource.scope = listed_scope(&scope)?;
    }
    if let Some(format) = wanted.access_token {
        resource.access_token = format;
    }
    if let Some(typ) = wanted.typ {
        if ![typ::AT_JWT, typ::JWT].contains(&typ.as_str()) {
            return Err(wrong(format!("`{typ}` is neither at+jwt nor JWT")));
        }
        resource.typ = typ;
    }
    if let Some(gate) = wanted.gate {
        resource.gate = gate;
    }
    if let Some(clients) = wanted.introspected_by {
        resource.introspected_by = clients;
    }
    let is_no_permission = |token: &&str| !matches!(classify(token), ScopeToken::Permission(_));
    if let (Gate::Role, Some(token)) = (resource.gate, resource.scope.iter().find(is_no_permission)) {
        return Err(wrong(format!(
            "no role can allow `{token}`, which is not of the form resource:action; the gate `consent` lets users allow it"
        )));
    }
    Ok(resource)
}

/// An API lists concrete scopes: a pattern would make it the owner of what others will list.
fn listed_scope(texts: &[String]) -> Result<Scope, Refusal> {
    let scope = Scope::parse(&texts.join(" ")).map_err(|refusal| wrong(refusal.description))?;
    for token in scope.iter() {
        match classify(token) {
            ScopeToken::Permission(_) => {}
            ScopeToken::Unknown if !token.contains('*') && !token.starts_with("org:") => {}
            ScopeToken::Protocol | ScopeToken::Org(_) => {
                return Err(wrong(format!("`{token}` is a scope of the protocol and belongs to no API")));
            }
            _ => return Err(wrong(format!("`{token}` is not a concrete scope such as kb:read"))),
        }
    }
    Ok(scope)
}

async fn check_introspectors(tx: &mut crate::store::Write, resource: &Resource) -> Result<()> {
    for id in &resource.introspected_by {
        if crate::store::clients::find(tx, id).await?.is_none() {
            return Err(wrong(format!("`{id}` in introspected-by is no client that is registered here")).into());
        }
    }
    Ok(())
}

fn to_row(resource: &Resource, now: Timestamp) -> resources::Row {
    resources::Row {
        uri: resource.uri.clone(),
        name: resource.name.clone(),
        scope: resource.scope.to_string(),
        access_token: resource.access_token.to_string(),
        typ: resource.typ.clone(),
        gate: resource.gate.to_string(),
        introspected_by: resource.introspected_by.join(" "),
        created_at: now.0,
        updated_at: now.0,
    }
}

pub(super) fn from_row(row: resources::Row) -> Result<Resource> {
    let unreadable = |column: &'static str| crate::store::StoreError::Inconsistent {
        table: "resources",
        column,
        row: row.uri.clone(),
    };
    Ok(Resource {
        scope: Scope::parse(&row.scope).map_err(|_| unreadable("scope"))?,
        access_token: row.access_token.parse().map_err(|_| unreadable("access_token"))?,
        gate: row.gate.parse().map_err(|_| unreadable("gate"))?,
        introspected_by: row.introspected_by.split(' ').filter(|id| !id.is_empty()).map(str::to_owned).collect(),
        uri: row.uri,
        name: row.name,
        typ: row.typ,
        issuer: false,
    })
}

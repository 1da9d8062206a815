//! Authorization requests in an object that the client has signed, and may have encrypted besides (OIDC Core §6, RFC 9101):
//! sent along as `request`, or read from where the client keeps it (`request_uri`).

use serde_json::{Map, Value};
use url::Url;

use super::{
    request::{self, Context, PARAMETERS},
    response::Rejection,
};
use crate::{
    clients::{Client, ClientKeys, keys::BadKeys},
    keys::{Keyring, decryption, jwk_set},
    outgoing::{Outgoing, Unanswered},
    protocol::{Algorithm, ErrorCode, Lifetime, Params, Refusal, ResponseType, Signing, Timestamp, typ, with_causes},
};

/// Where request objects come from, and what is taken for one.
#[derive(Clone, Copy)]
pub struct Objects<'a> {
    /// The public keys of clients.
    pub keys: &'a ClientKeys,
    /// The keys for which clients encrypt.
    pub keyring: &'a Keyring,
    /// Reads what is at a `request_uri`.
    pub outgoing: &'a Outgoing,
    /// Whether some need no signature (product decision 15).
    pub allow_unsigned: bool,
    /// The time.
    pub now: Timestamp,
}

/// The parameters of a request, with those of its object in the place of those beside it; there is no object any more
/// in what comes out.
///
/// # Errors
/// A page while the client or its redirect URI is in doubt, a redirect otherwise.
pub(super) async fn expand(context: Context<'_>, params: Params) -> Result<Params, Rejection> {
    if params.get("request").is_none() && params.get("request_uri").is_none() {
        return Ok(params);
    }
    // First, since its keys are needed, and nothing is read for a client that is not there.
    let client = request::client(context.registry, &params).await?;
    let object = match read(context.objects, &client, &params).await {
        Ok(object) => object,
        Err(refusal) => return Err(request::refuse(context.registry, context.issuer, &params, refusal).await),
    };
    let expanded = match object.over(&params) {
        Ok(expanded) => expanded,
        Err(refusal) => return Err(request::refuse(context.registry, context.issuer, &params, refusal).await),
    };
    match object.check(context, &client) {
        Ok(()) => Ok(expanded),
        Err(refusal) => Err(request::refuse(context.registry, context.issuer, &expanded, refusal).await),
    }
}

/// The object of a request, signed as it has to be.
async fn read(objects: Objects<'_>, client: &Client, params: &Params) -> Result<Object, Refusal> {
    let object = match (params.get("request"), params.get("request_uri")) {
        (Some(object), None) => object.to_owned(),
        (None, Some(uri)) => fetch(objects, client, uri).await?,
        _ => {
            return Err(Refusal::new(
                ErrorCode::InvalidRequest,
                "there are both `request` and `request_uri`; the request object is to be in one place",
            ));
        }
    };
    verify(objects, client, &opened(objects, object)?).await
}

/// Read an object from where the client keeps it, each time: it may be another one each time. The fragment that OIDC Core
/// §6.2 allows tells those who remember objects that this is a new one.
async fn fetch(objects: Objects<'_>, client: &Client, uri: &str) -> Result<String, Refusal> {
    let registered = &client.metadata.request_uris;
    if registered.is_empty() {
        return Err(Refusal::new(
            ErrorCode::RequestUriNotSupported,
            "this client has registered no `request_uris`, and so may send none",
        ));
    }
    // Nobody has this server call where the client did not say so.
    let without_fragment = uri.split_once('#').map_or(uri, |(before, _)| before);
    if !registered.iter().any(|own| own == uri || own == without_fragment) {
        return Err(Refusal::new(
            ErrorCode::InvalidRequestUri,
            "`request_uri` is not one that this client has registered; it has to match to the letter",
        )
        .hint(format!("client {} sent {uri}", client.id)));
    }
    // What it is that answers there, or does not, is none of a stranger's business.
    let unreadable = |why: String| {
        Refusal::new(ErrorCode::InvalidRequestUri, "the request object cannot be read from `request_uri`")
            .hint(format!("client {}: {why}", client.id))
    };
    let url = Url::parse(without_fragment).map_err(|error| unreadable(error.to_string()))?;
    let answer = objects.outgoing.get(&url, ACCEPTED, LONGEST).await.map_err(|trouble| match trouble {
        Unanswered::Busy | Unanswered::HostBusy => Refusal::new(
            ErrorCode::InvalidRequestUri,
            "too many request objects are being read from `request_uri` at the moment; try again",
        )
        .hint(format!("client {}: {trouble}", client.id)),
        trouble => unreadable(with_causes(&trouble)),
    });
    let body = answer?.body;
    let text = String::from_utf8(body).map_err(|_| malformed("it is no signed JWT"))?;
    Ok(text.trim().to_owned())
}

/// What is in an object that is encrypted; one that is not is what it is. Anybody can encrypt for this server: that proves
/// nothing, and what is inside has to be signed all the same (RFC 9101 §6.1).
fn opened(objects: Objects<'_>, object: String) -> Result<String, Refusal> {
    if !decryption::is_encrypted(&object) {
        return Ok(object);
    }
    let inside = objects.keyring.decrypt(&object).map_err(malformed)?;
    String::from_utf8(inside).map_err(|_| malformed("what is encrypted is no signed JWT"))
}

/// See that the client has signed it, as it has registered to.
async fn verify(objects: Objects<'_>, client: &Client, token: &str) -> Result<Object, Refusal> {
    let registered = client.metadata.request_object_signing_alg;
    if let Some(unsigned) = jwk_set::unsigned(token) {
        return match registered {
            None | Some(Signing::Unsigned) if objects.allow_unsigned => Object::read(unsigned.typ, &unsigned.payload),
            _ => Err(malformed("it is not signed")),
        };
    }
    let accepted = match registered {
        None => Algorithm::ALL.to_vec(),
        Some(Signing::By(algorithm)) => vec![algorithm],
        Some(Signing::Unsigned) => Vec::new(),
    };
    match objects.keys.verify(client, token, &accepted, objects.now).await {
        Ok(signed) => Object::read(signed.typ, &signed.payload),
        Err(BadKeys::NoKeys) => Err(Refusal::new(
            ErrorCode::RequestNotSupported,
            "this client has registered no keys by which its request objects could be checked",
        )),
        Err(BadKeys::Jws(bad)) => Err(malformed(bad)),
        // What became of a call to the client's own server is for the log.
        Err(trouble) => Err(malformed("the keys of the client cannot be read").hint(format!(
            "client {}: {}",
            client.id,
            with_causes(&trouble)
        ))),
    }
}

/// What the client says.
struct Object {
    members: Map<String, Value>,
    /// Whether it says that it is a request object by RFC 9101, and not just one by OIDC Core.
    is_whole: bool,
}

impl Object {
    fn read(typ: Option<String>, payload: &[u8]) -> Result<Self, Refusal> {
        let is_whole = match typ.as_deref() {
            None => false,
            Some(typ) if typ::is_among(typ, TYPES) => true,
            Some(typ) if typ::is_among(typ, &[typ::JWT]) => false,
            // RFC 8725 §3.11: what the client has signed for another purpose is no request.
            Some(_) => return Err(malformed("its `typ` is that of something else")),
        };
        let members = serde_json::from_slice(payload).map_err(|_| malformed("it holds no JSON object"))?;
        Ok(Self { members, is_whole })
    }

    /// OIDC Core §6.1: what is inside supersedes what is outside, and the two cannot be of two clients, nor ask for two
    /// kinds of answers. Of what is outside nothing else counts where RFC 9101 does (§6.3), so that nobody on the way adds
    /// to what was signed.
    fn over(&self, params: &Params) -> Result<Params, Refusal> {
        let mut inside = vec![("request".to_owned(), String::new()), ("request_uri".to_owned(), String::new())];
        for name in PARAMETERS.iter().filter(|name| !NEVER_INSIDE.contains(name)) {
            let Some(value) = self.members.get(*name) else { continue };
            let texts = texts(name, value).ok_or_else(|| malformed(format!("`{name}` in it is no text")))?;
            inside.extend(texts.into_iter().map(|text| ((*name).to_owned(), text)));
        }
        for name in ["client_id", "response_type"] {
            let (outside, inside) = (params.get(name), inside.iter().find(|(own, _)| own == name));
            if let (Some(outside), Some((_, inside))) = (outside, inside)
                && outside != inside
                && !is_same_type(outside, inside)
            {
                return Err(malformed(format!("`{name}` in it is another than in the request")));
            }
        }
        let params = params.clone();
        let kept = if self.is_whole { params.only(&["client_id"]) } else { params };
        Ok(kept.superseded_by(inside))
    }

    /// See that it is of this client, for this server, and for now (RFC 9101 §4, §10.8).
    fn check(&self, context: Context<'_>, client: &Client) -> Result<(), Refusal> {
        if NEVER_INSIDE.iter().any(|name| self.members.contains_key(*name)) {
            return Err(malformed("it holds a request object itself"));
        }
        if self.members.get("iss").is_some_and(|iss| iss != client.id.as_str()) {
            return Err(malformed("its `iss` is not the client"));
        }
        // An assertion, with which the client proves itself: whoever has caught one cannot make a request of it.
        if self.members.get("sub").is_some_and(|sub| sub == client.id.as_str()) {
            return Err(malformed("its `sub` is the client, as in a client assertion"));
        }
        let is_for_us = match self.members.get("aud") {
            None => true,
            Some(Value::Array(all)) => all.iter().any(|one| one == context.issuer),
            Some(one) => one == context.issuer,
        };
        if !is_for_us {
            return Err(malformed("its `aud` is not the issuer of this server"));
        }
        let now = context.objects.now;
        if self.time("exp")?.is_some_and(|exp| exp <= now.0) {
            return Err(malformed("it has expired"));
        }
        if self.time("nbf")?.is_some_and(|nbf| nbf > (now + Lifetime::SKEW).0) {
            return Err(malformed("it is from the future; compare the clocks"));
        }
        Ok(())
    }

    /// A NumericDate, which may have a fraction (RFC 7519 §2).
    fn time(&self, name: &str) -> Result<Option<i64>, Refusal> {
        let Some(value) = self.members.get(name) else { return Ok(None) };
        let seconds = value.as_f64().ok_or_else(|| malformed(format!("its `{name}` is no time")))?;
        Ok(Some(seconds.floor() as i64))
    }
}

/// A response type is the same in whatever order its words are; a client's name has no space in it, and so one order.
fn is_same_type(one: &str, other: &str) -> bool {
    ResponseType::read(one).is_some_and(|own| ResponseType::read(other) == Some(own))
}

/// A member as the parameter it stands for: numbers and objects are written as JSON (RFC 9101 §4). `resource` alone may
/// have several values.
fn texts(name: &str, value: &Value) -> Option<Vec<String>> {
    let all = match value {
        Value::String(text) => vec![text.clone()],
        Value::Number(number) => vec![number.to_string()],
        Value::Object(_) => vec![value.to_string()],
        Value::Array(all) if name == "resource" => {
            all.iter().map(|one| one.as_str().map(str::to_owned)).collect::<Option<_>>()?
        }
        Value::Array(_) | Value::Bool(_) | Value::Null => return None,
    };
    let is_sound = all.len() <= MOST_VALUES && all.iter().all(|text| !text.contains('\0'));
    is_sound.then_some(all)
}

fn malformed(why: impl std::fmt::Display) -> Refusal {
    Refusal::new(ErrorCode::InvalidRequestObject, format!("the request object does not count: {why}"))
}

/// RFC 9101 §4: "request and request_uri parameters MUST NOT be included in Request Objects."
const NEVER_INSIDE: &[&str] = &["request", "request_uri"];
/// The kind that a request object of RFC 9101 may say it is of (§10.8).
const TYPES: &[&str] = &["oauth-authz-req+jwt", "application/oauth-authz-req+jwt"];
const ACCEPTED: &str = "application/oauth-authz-req+jwt, application/jwt";
/// In bytes.
const LONGEST: usize = 32 * 1024;
/// Of one parameter.
const MOST_VALUES: usize = 20;

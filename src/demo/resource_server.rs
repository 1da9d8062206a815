//! The sample resource server: a small knowledge base behind access tokens.
//!
//! It knows the issuer's URL and its own, and nothing else: the keys come by discovery, and every token is judged here.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Router,
    extract::{Path, State},
    http::{HeaderMap, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
    routing::{delete, get},
};
use openidconnect::reqwest;
use serde::Serialize;
use serde_json::json;

use super::{
    pages::{self, ApiPage},
    verifier::{Doubt, Token, Verifier},
};
use crate::clock::Clock;

/// The scopes this API lists. The sample app asks for two of them.
pub const SCOPES: &str = "kb:read kb:create kb:update kb:delete";

/// Where the articles are.
pub(super) const ARTICLES: &str = "/kb";

/// What the resource server needs to know.
pub(super) struct ResourceServer {
    url: String,
    issuer: String,
    verifier: Verifier,
    clock: Clock,
    /// The articles of each organisation, by its slug.
    shelves: Mutex<BTreeMap<String, Vec<Article>>>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct Article {
    id: u32,
    title: &'static str,
    revision: u32,
}

/// Why a request is turned away (RFC 6750 §3.1).
#[derive(Debug, PartialEq)]
enum Turned {
    /// No token came: say how to bring one, and no error code.
    NoToken,
    /// The `Authorization` header cannot be read.
    Malformed(&'static str),
    /// The token was not believed.
    Invalid(String),
    /// The token is good, but not for this.
    NotEnough { scope: &'static str },
    /// The issuer's keys cannot be had; the token may be good.
    Unavailable(String),
}

impl ResourceServer {
    /// A resource server at `url` that trusts `issuer`.
    pub(super) fn new(url: &str, issuer: &str, http: reqwest::Client, clock: Clock) -> Self {
        Self {
            url: url.to_owned(),
            issuer: issuer.to_owned(),
            verifier: Verifier::new(issuer, url, http),
            clock,
            shelves: Mutex::default(),
        }
    }

    /// Its routes.
    pub(super) fn router(self) -> Router {
        Router::new()
            .route("/", get(home))
            .route(ARTICLES, get(list))
            .route("/kb/{id}", delete(remove))
            .route(pages::STYLE, get(pages::style))
            .route(pages::ICON, get(pages::icon))
            .fallback(nothing_here)
            .with_state(Arc::new(self))
    }

    /// Let a request in if it brings a token that has the scope.
    async fn admit(&self, headers: &HeaderMap, scope: &'static str) -> Result<Token, Turned> {
        let token = self.verifier.verify(bearer(headers)?, self.clock.now()).await.map_err(|doubt| match doubt {
            Doubt::Invalid(why) => Turned::Invalid(why),
            Doubt::NoKeys(why) => Turned::Unavailable(why),
        })?;
        if token.scope.split(' ').any(|own| own == scope) { Ok(token) } else { Err(Turned::NotEnough { scope }) }
    }

    fn with_shelf<T>(&self, token: &Token, act: impl FnOnce(&mut Vec<Article>) -> T) -> T {
        let mut shelves = self.shelves.lock().unwrap_or_else(PoisonError::into_inner);
        // A role opened the scope, so there is an organisation; it was made by Latchkey's operator, so there are few.
        act(shelves.entry(token.org_slug.clone().unwrap_or_default()).or_insert_with(|| FIRST_ARTICLES.to_vec()))
    }
}

/// The token of the `Authorization` header (RFC 6750 §2.1).
fn bearer(headers: &HeaderMap) -> Result<&str, Turned> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Err(Turned::NoToken) };
    if values.next().is_some() {
        return Err(Turned::Malformed("more than one Authorization header"));
    }
    let value = value.to_str().map_err(|_| Turned::Malformed("the Authorization header cannot be read"))?;
    let (scheme, token) = value.split_once(' ').unwrap_or((value, ""));
    if !scheme.eq_ignore_ascii_case("Bearer") {
        return Err(Turned::NoToken);
    }
    let is_b68 = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
    if token.is_empty() || !token.bytes().all(is_b68) {
        return Err(Turned::Malformed("the Authorization header holds no token"));
    }
    Ok(token)
}

async fn list(State(server): State<Arc<ResourceServer>>, headers: HeaderMap) -> Response {
    match server.admit(&headers, "kb:read").await {
        Ok(token) => {
            let articles = server.with_shelf(&token, |shelf| shelf.clone());
            answer(StatusCode::OK, &json!({ "shelf": token.org_slug, "articles": articles, "asked_by": asker(&token) }))
        }
        Err(turned) => turned.answer(),
    }
}

async fn remove(State(server): State<Arc<ResourceServer>>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    let token = match server.admit(&headers, "kb:delete").await {
        Ok(token) => token,
        Err(turned) => return turned.answer(),
    };
    // A sample should work twice: the article that goes is followed by its next revision.
    let gone = server.with_shelf(&token, |shelf| {
        let article = shelf.iter_mut().find(|article| id.parse() == Ok(article.id))?;
        let gone = article.clone();
        article.revision = article.revision.saturating_add(1);
        Some(gone)
    });
    match gone {
        Some(article) => answer(
            StatusCode::OK,
            &json!({
                "deleted": article,
                "shelf": token.org_slug,
                "note": "a fresh copy with the next revision took its place, so that you can try again",
                "asked_by": asker(&token),
            }),
        ),
        None => answer(
            StatusCode::NOT_FOUND,
            &json!({ "error": "not_found", "error_description": "there is no such article" }),
        ),
    }
}

async fn home(State(server): State<Arc<ResourceServer>>) -> Response {
    pages::show(StatusCode::OK, "", &ApiPage { url: &server.url, issuer: &server.issuer, scopes: SCOPES })
}

async fn nothing_here(method: Method, uri: Uri) -> Response {
    let description = format!("there is nothing to {method} at {}", uri.path());
    answer(StatusCode::NOT_FOUND, &json!({ "error": "not_found", "error_description": description }))
}

/// Who asked, by the token alone.
fn asker(token: &Token) -> serde_json::Value {
    json!({ "sub": token.sub, "client_id": token.client_id, "role": token.role })
}

fn answer(status: StatusCode, body: &serde_json::Value) -> Response {
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
    (status, headers, body.to_string()).into_response()
}

impl Turned {
    /// RFC 6750 §3: the challenge, and the same in JSON for those who read bodies.
    fn answer(self) -> Response {
        let (status, code, description) = match &self {
            Self::NoToken => {
                (StatusCode::UNAUTHORIZED, None, "send an access token as Authorization: Bearer".to_owned())
            }
            Self::Malformed(why) => (StatusCode::BAD_REQUEST, Some("invalid_request"), (*why).to_owned()),
            Self::Invalid(why) => (StatusCode::UNAUTHORIZED, Some("invalid_token"), why.clone()),
            Self::NotEnough { scope } => {
                (StatusCode::FORBIDDEN, Some("insufficient_scope"), format!("the token has not the scope {scope}"))
            }
            Self::Unavailable(why) => {
                (StatusCode::SERVICE_UNAVAILABLE, None, format!("tokens cannot be checked now: {why}"))
            }
        };
        let mut body = json!({ "error_description": description });
        let mut challenge = "Bearer realm=\"kb\"".to_owned();
        if let Some(code) = code {
            body = json!({ "error": code, "error_description": description });
            challenge.push_str(&format!(", error=\"{code}\", error_description=\"{}\"", quotable(&description)));
        }
        if let Self::NotEnough { scope } = &self {
            challenge.push_str(&format!(", scope=\"{scope}\""));
        }
        let mut response = answer(status, &body);
        if status != StatusCode::SERVICE_UNAVAILABLE
            && let Ok(challenge) = challenge.parse()
        {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

/// The characters that RFC 6750 §3 allows in an `error_description`; a token's claims may hold others.
fn quotable(text: &str) -> String {
    text.chars().filter(|c| matches!(c, ' '..='!' | '#'..='[' | ']'..='~')).collect()
}

const FIRST_ARTICLES: &[Article] = &[
    Article { id: 1, title: "How we name things", revision: 1 },
    Article { id: 2, title: "What to do when a key is lost", revision: 1 },
    Article { id: 3, title: "Who may open which door", revision: 1 },
];

#[cfg(test)]
mod tests {
    use super::*;

    fn with(value: &str) -> HeaderMap {
        HeaderMap::from_iter([(header::AUTHORIZATION, value.parse().expect("a header value"))])
    }

    #[test]
    fn a_bearer_token_is_read_whatever_the_case_of_the_scheme() {
        assert_eq!(bearer(&with("Bearer a.b-c_d")), Ok("a.b-c_d"));
        assert_eq!(bearer(&with("bearer a.b-c_d")), Ok("a.b-c_d"));
    }

    #[test]
    fn another_scheme_is_no_token_and_a_torn_header_is_a_bad_request() {
        assert_eq!(bearer(&HeaderMap::new()), Err(Turned::NoToken));
        assert_eq!(bearer(&with("Basic YTpi")), Err(Turned::NoToken));
        for torn in ["Bearer", "Bearer ", "Bearer a b", "Bearer a,b", "Bearer  a"] {
            assert!(matches!(bearer(&with(torn)), Err(Turned::Malformed(_))), "{torn}");
        }
        let mut two = with("Bearer a");
        two.append(header::AUTHORIZATION, "Bearer b".parse().expect("a header value"));
        assert!(matches!(bearer(&two), Err(Turned::Malformed(_))));
    }

    #[test]
    fn a_refusal_names_the_scope_that_is_missing_and_no_token_names_no_error() {
        let challenge = |turned: Turned| {
            let response = turned.answer();
            let value =
                response.headers().get(header::WWW_AUTHENTICATE).map(|own| own.to_str().expect("text").to_owned());
            (response.status().as_u16(), value.unwrap_or_default())
        };
        let (status, text) = challenge(Turned::NotEnough { scope: "kb:delete" });
        assert_eq!(status, 403);
        assert!(text.contains("error=\"insufficient_scope\"") && text.ends_with("scope=\"kb:delete\""), "{text}");
        assert_eq!(challenge(Turned::NoToken), (401, "Bearer realm=\"kb\"".to_owned()));
        let (status, text) = challenge(Turned::Invalid("the token is for \"a\"\r\nx".to_owned()));
        assert_eq!(status, 401);
        assert!(text.ends_with("error_description=\"the token is for ax\""), "{text}");
    }
}

//! How each family of endpoints says that something went wrong.
//!
//! Inside there are two kinds of error ([`Error`]); outside there are dialects, and a handler picks one by how it
//! answers: [`token`] for what clients post, [`bearer`] for what an access token opens. An answer carries its error
//! along ([`Logged`]), so that one middleware logs it, once.

use std::sync::Arc;

use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, Response as HttpResponse, StatusCode, header},
    response::Response,
};
use serde::Serialize;

use crate::{
    protocol::{Error, ErrorCode, Refusal, Result},
    store::StoreError,
};

/// The error behind an answer, on the answer's extensions, for the one place that logs.
#[derive(Clone, Debug)]
pub struct Logged(pub Arc<Error>);

/// Leave the error behind an answer for the log.
pub fn note(answer: &mut Response, error: Error) {
    answer.extensions_mut().insert(Logged(Arc::new(error)));
}

/// Answer in the dialect of RFC 6749 §5.2: what went well as it is, what went wrong as JSON.
#[must_use]
pub fn token(request_id: &str, issuer: &str, outcome: Result<Response>) -> Response {
    outcome.unwrap_or_else(|error| {
        let told = Told::of(&error, request_id, issuer);
        let mut answer = answer(told.status, &told);
        if told.error == ErrorCode::InvalidClient.as_str() {
            challenge(&mut answer, format!("Basic realm=\"{issuer}\", charset=\"UTF-8\""));
        }
        note(&mut answer, error);
        answer
    })
}

/// Answer in the dialect of RFC 6750 §3: the challenge says what is wrong with the access token, and so does the body.
#[must_use]
pub fn bearer(request_id: &str, issuer: &str, outcome: Result<Response>) -> Response {
    outcome.unwrap_or_else(|error| {
        let told = Told::of(&error, request_id, issuer);
        let mut answer = answer(told.status, &told);
        if matches!(told.code, ErrorCode::InvalidRequest | ErrorCode::InvalidToken | ErrorCode::InsufficientScope) {
            let scope = if told.code == ErrorCode::InsufficientScope { ", scope=\"openid\"" } else { "" };
            challenge(
                &mut answer,
                format!(
                    "Bearer realm=\"{issuer}\", error=\"{}\", error_description=\"{}\", error_uri=\"{}\"{scope}",
                    told.error, told.error_description, told.error_uri
                ),
            );
        }
        note(&mut answer, error);
        answer
    })
}

/// Ask for an access token that was not sent at all. RFC 6750 §3.1: then the challenge names no error.
#[must_use]
pub fn ask_for_bearer(issuer: &str) -> Response {
    let mut answer = empty(StatusCode::UNAUTHORIZED);
    challenge(&mut answer, format!("Bearer realm=\"{issuer}\""));
    answer
}

/// A JSON answer that no cache may keep.
#[must_use]
pub fn json(status: StatusCode, body: Vec<u8>) -> Response {
    let mut answer = empty(status);
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    *answer.body_mut() = Body::from(body);
    answer
}

/// A signed answer (RFC 7519 §10.3.1) that no cache may keep.
#[must_use]
pub fn jwt(token: String) -> Response {
    let mut answer = empty(StatusCode::OK);
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/jwt"));
    *answer.body_mut() = Body::from(token);
    answer
}

/// An answer without a body that no cache may keep (RFC 6749 §5.1).
#[must_use]
pub fn empty(status: StatusCode) -> Response {
    let mut answer = HttpResponse::new(Body::empty());
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer.headers_mut().insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    answer
}

/// What the asker is told.
#[derive(Serialize)]
struct Told {
    error: &'static str,
    error_description: String,
    error_uri: String,
    #[serde(skip)]
    code: ErrorCode,
    #[serde(skip)]
    status: StatusCode,
}

impl Told {
    fn of(error: &Error, request_id: &str, issuer: &str) -> Self {
        let (code, error_description) = match error {
            Error::Refused(Refusal { code, description, .. }) => (*code, description.to_string()),
            Error::Failed(_) if StoreError::is_behind(error) => (
                ErrorCode::TemporarilyUnavailable,
                format!(
                    "this server cannot use its database at the moment; try again; its operator finds the cause under the request id {request_id}"
                ),
            ),
            // The cause is for the log; the asker gets what leads the operator to it.
            Error::Failed(_) => (
                ErrorCode::ServerError,
                format!("this server failed; its operator finds the cause under the request id {request_id}"),
            ),
        };
        let (error, error_uri) = (code.as_str(), code.uri(issuer));
        Self { error, error_description, error_uri, code, status: status(code) }
    }
}

/// RFC 6749 §5.2 says 400, and 401 for a client that failed to authenticate; RFC 6750 §3.1 says 401 and 403 for tokens.
fn status(code: ErrorCode) -> StatusCode {
    match code {
        ErrorCode::InvalidClient | ErrorCode::InvalidToken => StatusCode::UNAUTHORIZED,
        ErrorCode::InsufficientScope => StatusCode::FORBIDDEN,
        ErrorCode::ServerError => StatusCode::INTERNAL_SERVER_ERROR,
        ErrorCode::TemporarilyUnavailable => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::BAD_REQUEST,
    }
}

fn answer(status: StatusCode, told: &Told) -> Response {
    let mut answer = json(status, serde_json::to_vec(told).unwrap_or_default());
    if status == StatusCode::SERVICE_UNAVAILABLE {
        answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    answer
}

fn challenge(answer: &mut Response, text: String) {
    const NAME: HeaderName = header::WWW_AUTHENTICATE;
    if let Ok(value) = HeaderValue::from_maybe_shared(text.into_bytes()) {
        answer.headers_mut().insert(NAME, value);
    }
}

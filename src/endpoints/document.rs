//! Public documents whose bytes are made once and sent to everybody: metadata and keys.

use axum::{
    body::Body,
    http::{HeaderValue, Response as HttpResponse, StatusCode, header},
    response::Response,
};

use crate::keys::Published;

/// How long anybody may keep a document: a change has reached everybody after five minutes.
const KEPT: HeaderValue = HeaderValue::from_static("public, max-age=300");

/// Answer with a JSON document, or with 304 to whoever has these bytes (RFC 9110 §13.1.2).
#[must_use]
pub fn answer(if_none_match: Option<&HeaderValue>, document: &Published) -> Response {
    let Published { body, etag } = document;
    let is_known = if_none_match.and_then(|text| text.to_str().ok()).is_some_and(|text| names(text, etag));
    let mut answer = HttpResponse::new(if is_known { Body::empty() } else { Body::from(body.clone()) });
    let headers = answer.headers_mut();
    headers.insert(header::CACHE_CONTROL, KEPT);
    if let Ok(etag) = HeaderValue::from_str(etag) {
        headers.insert(header::ETAG, etag);
    }
    if is_known {
        *answer.status_mut() = StatusCode::NOT_MODIFIED;
    } else {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    answer
}

/// Whether an `If-None-Match` names the tag; weakly, as RFC 9110 §13.1.2 asks.
fn names(if_none_match: &str, etag: &str) -> bool {
    if_none_match.split(',').map(str::trim).any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_has_the_bytes_gets_none() {
        let document = Published { body: b"{}".to_vec(), etag: "\"abc\"".to_owned() };
        for known in ["\"abc\"", "W/\"abc\"", "\"x\", \"abc\"", "*"] {
            let answer = answer(Some(&HeaderValue::from_static(known)), &document);
            assert_eq!(answer.status(), StatusCode::NOT_MODIFIED, "{known}");
            assert_eq!(answer.headers()[header::ETAG], "\"abc\"");
        }
        for other in ["\"ab\"", "abc", ""] {
            let answer = answer(Some(&HeaderValue::from_static(other)), &document);
            assert_eq!(answer.status(), StatusCode::OK, "{other}");
        }
    }
}

//! The pages that `error_uri` leads to: each error code with its cause and its cure (RFC 6749 §5.2).

use axum::{extract::Path, http::StatusCode, response::Response};

use crate::{
    protocol::ErrorCode,
    web::{
        headers::{self, PagePolicy},
        locale::Locale,
        views,
        visitor::Visitor,
    },
};

/// The page of one error.
pub const ERROR: &str = "/errors/{code}";

/// The list of all.
pub const ERRORS: &str = "/errors";

/// `GET /errors/{code}`: the page of the error, or the list for a code that does not exist.
pub async fn one(visitor: Visitor, Path(code): Path<String>) -> Response {
    // For developers, so in the language of the specifications, and in that alone.
    let frame = visitor.frame(Locale::En);
    match ErrorCode::ALL.iter().copied().find(|known| known.as_str() == code) {
        Some(code) => answer(StatusCode::OK, views::error_code(&frame, code)),
        None => answer(StatusCode::NOT_FOUND, views::error_codes(&frame)),
    }
}

/// `GET /errors`.
pub async fn all(visitor: Visitor) -> Response {
    answer(StatusCode::OK, views::error_codes(&visitor.frame(Locale::En)))
}

fn answer(status: StatusCode, html: String) -> Response {
    headers::page(html, PagePolicy { status, has_form: false, ..PagePolicy::default() })
}

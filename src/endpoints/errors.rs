//! The pages that `error_uri` leads to: each error code with its cause and its cure (RFC 6749 §5.2).

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};

use super::request::Call;
use crate::{
    protocol::Code,
    server::Server,
    web::{
        headers::{self, PagePolicy},
        locale::Locale,
        views::{self, Frame},
    },
};

/// The page of one error.
pub const ERROR: &str = "/errors/{code}";

/// The list of all.
pub const ERRORS: &str = "/errors";

/// `GET /errors/{code}`: the page of the error, or the list for a code that does not exist.
pub async fn one(State(server): State<Arc<Server>>, Path(code): Path<String>, call: Call) -> Response {
    let frame = frame(&server, &call);
    match Code::ALL.iter().copied().find(|known| known.as_str() == code) {
        Some(code) => answer(StatusCode::OK, views::error_code(&frame, code)),
        None => answer(StatusCode::NOT_FOUND, views::error_codes(&frame)),
    }
}

/// `GET /errors`.
pub async fn all(State(server): State<Arc<Server>>, call: Call) -> Response {
    answer(StatusCode::OK, views::error_codes(&frame(&server, &call)))
}

/// For developers, so in the language of the specifications, and in that alone.
fn frame<'a>(server: &'a Server, call: &'a Call) -> Frame<'a> {
    Frame { locale: Locale::En, brand: &server.brand, base: server.settings.base_path(), request_id: &call.id }
}

fn answer(status: StatusCode, html: String) -> Response {
    headers::page(html, PagePolicy { status, has_form: false, ..PagePolicy::default() })
}

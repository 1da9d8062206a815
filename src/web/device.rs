//! The cookie that says that a user has signed in in this browser before (product decision 14).

use axum::http::HeaderValue;
use tower_sessions::cookie::{Cookie, SameSite, time::Duration};

use crate::{
    accounts::{Account, devices},
    protocol::{Result, Timestamp},
    server::Server,
    web::visitor::Visitor,
};

/// The cookie; see [`crate::config::Settings::cookie`] for the whole name.
const COOKIE: &str = "latchkey-device";

/// What it holds, if the browser has sent it.
#[must_use]
pub fn secret(server: &Server, visitor: &Visitor) -> Option<String> {
    visitor.cookie(&server.settings.cookie(COOKIE))
}

/// Know this browser again: the cookie gets its user past the limits that strangers can fill up.
///
/// # Errors
/// When the database cannot.
pub async fn remember(server: &Server, account: &Account, before: Option<&str>, now: Timestamp) -> Result<HeaderValue> {
    let secret = devices::remember(&server.store, &account.sub, before, now, &server.random).await?;
    let cookie = Cookie::build((server.settings.cookie(COOKIE), secret.expose().to_owned()))
        .path("/")
        .secure(server.settings.is_https())
        .http_only(true)
        .same_site(SameSite::Lax)
        .max_age(Duration::seconds(devices::KNOWN_FOR.0))
        .build();
    Ok(HeaderValue::from_str(&cookie.to_string())?)
}

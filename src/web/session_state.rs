//! How apps watch a session (OIDC Session Management 1.0): a cookie that scripts of ours may read,
//! a page of ours that apps frame, and, in each answer to an app, what that page compares with the cookie.

use std::sync::Arc;

use axum::{
    extract::{RawQuery, State},
    http::{
        HeaderValue, Method,
        header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, SET_COOKIE, X_FRAME_OPTIONS},
    },
    middleware::Next,
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use tower_sessions::cookie::{Cookie, SameSite, time::Duration};
use url::Url;

use crate::{
    authorization::{login::Login, request::Request, response},
    keys::RefreshKey,
    protocol::{Params, Result},
    server::Server,
    web::{
        headers,
        page::{self, PageError},
        session::{self, BrowserSession, Found},
        views,
        visitor::Visitor,
    },
};

/// What apps frame (`check_session_iframe`).
pub const CHECK_SESSION: &str = "/session/check";

/// What its script asks in browsers that do not hash.
pub const STATE: &str = "/session/check/state";

/// The cookie that tells one browser state from another; see [`crate::config::Settings::cookie`] for the whole name.
const COOKIE: &str = "latchkey-state";

/// `GET /session/check`.
pub async fn check(State(server): State<Arc<Server>>, visitor: Visitor) -> Response {
    let html = views::check_session(&visitor.frame(visitor.locale(None)), &server.settings.cookie(COOKIE));
    headers::framed_by_anybody(html)
}

/// `GET /session/check/state`: what the script of that page makes of the cookie, worked out here.
pub async fn judge(State(server): State<Arc<Server>>, visitor: Visitor, RawQuery(query): RawQuery) -> Response {
    let state = visitor.cookie(&server.settings.cookie(COOKIE)).unwrap_or_default();
    let word = Params::parse(query.unwrap_or_default().as_bytes()).ok().and_then(|params| {
        let told = params.get("session_state")?;
        let (_, salt) = told.split_once('.')?;
        let own = session_state(params.get("client_id")?, params.get("origin")?, &state, salt);
        // Any site can work out what "nobody is signed in" hashes to: it learns nothing by asking.
        Some(if own == told && !state.is_empty() { "unchanged" } else { "changed" })
    });
    // For our own script alone: another site learns not even how long the answer is.
    let own = [
        (CACHE_CONTROL, "no-store"),
        (headers::RESOURCE_POLICY, "same-origin"),
        (CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
        (X_FRAME_OPTIONS, "DENY"),
    ];
    (own, word.unwrap_or("error")).into_response()
}

/// Carry a yes to a client, with what its page needs to watch the session that gave it.
#[must_use]
pub fn deliver(
    server: &Server,
    visitor: &Visitor,
    request: &Request,
    login: &Login,
    mut answer: response::Response,
) -> Response {
    let key = server.keyring.refresh_key();
    let origin = Url::parse(&answer.redirect_uri).ok().map(|url| url.origin()).filter(url::Origin::is_tuple);
    // An app on a device has no page that could ask.
    if let Some(origin) = origin.filter(|_| request.ask.scope.contains("openid")) {
        let (state, salt) = (browser_state(&key, &login.sid), salt(&key, &answer));
        let told = session_state(&request.ask.client.id, &origin.ascii_serialization(), &state, &salt);
        answer.params.push(("session_state", told));
    }
    page::deliver(visitor, &answer)
}

/// Have the browser hold the state of whoever was found to be signed in, and for as long as it holds the session's own
/// cookie; and none once nobody is. Within the layer that sends the latter.
///
/// # Errors
/// When a cookie cannot be written.
pub async fn follow(
    State(server): State<Arc<Server>>,
    visitor: Visitor,
    browser: BrowserSession,
    request: axum::extract::Request,
    next: Next,
) -> std::result::Result<Response, PageError> {
    let held = visitor.cookie(&server.settings.cookie(COOKIE));
    let has_told = session::has_cookie(&server, &visitor) || is_opened(&request);
    let mut response = next.run(request).await;
    match browser.found() {
        Found::Unknown => {}
        Found::Nobody if held.is_some() && has_told => set(&server, String::new(), Duration::ZERO, &mut response)?,
        Found::Nobody => {}
        Found::Somebody(login) => {
            let state = browser_state(&server.keyring.refresh_key(), &login.sid);
            if held.as_ref() != Some(&state) {
                browser.give_sign_of_life(server.clock.now()).await?;
            }
            if browser.is_kept_anew() {
                set(&server, state, Duration::seconds(server.settings.sessions.idle.0), &mut response)?;
            }
        }
    }
    Ok(response)
}

/// Whether this is a page that somebody opens: then the browser sends the session's cookie, if it has one. In a frame of
/// another site it never does, and to have sent none says nothing.
fn is_opened(request: &axum::extract::Request) -> bool {
    request.method() == Method::GET && request.headers().get("sec-fetch-dest").is_some_and(|dest| dest == "document")
}

fn set(server: &Server, state: String, lives: Duration, response: &mut Response) -> Result<()> {
    let is_secure = server.settings.is_https();
    let cookie = Cookie::build((server.settings.cookie(COOKIE), state))
        .path("/")
        .secure(is_secure)
        // Read by our page in other sites' frames. Without https browsers take no such cookie; there, all are on one machine.
        .same_site(if is_secure { SameSite::None } else { SameSite::Lax })
        .max_age(lives)
        .build();
    response.headers_mut().append(SET_COOKIE, HeaderValue::from_str(&cookie.to_string())?);
    Ok(())
}

/// Another for each session, and nothing that anybody could guess or learn something from, though clients know the `sid`.
fn browser_state(key: &RefreshKey, sid: &str) -> String {
    // No refresh token and no code begins like this.
    URL_SAFE_NO_PAD.encode(key.mac(format!("browser state {sid}").as_bytes()))
}

/// Another for each answer, and the same when an answer is repeated.
fn salt(key: &RefreshKey, answer: &response::Response) -> String {
    let told: String = answer.params.iter().map(|(_, value)| value.as_str()).collect();
    URL_SAFE_NO_PAD.encode(key.mac(format!("salt {told}").as_bytes()))
}

/// OIDC Session Management §3.2; `check_session.js` works it out anew.
fn session_state(client_id: &str, origin: &str, browser_state: &str, salt: &str) -> String {
    let hash = Sha256::digest(format!("{client_id} {origin} {browser_state} {salt}"));
    format!("{}.{salt}", URL_SAFE_NO_PAD.encode(hash))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_is_the_hash_that_scripts_work_out() {
        // printf 'app https://app.example state salt' | openssl dgst -sha256 -binary | base64
        assert_eq!(
            session_state("app", "https://app.example", "state", "salt"),
            "TKK2TP5n4yQUmW1lBiWgEa8HDbaWxity4AYe1hjau78.salt"
        );
    }
}

//! The way back from a page: a request that waits is found again, in the browser that began it, and decided anew.

use std::sync::Arc;

use axum::{extract::State, response::Response};

use crate::{
    authorization::{
        interaction::Step,
        request::Request,
        situation::Situation,
        waiting::{self, Found, Waiting},
    },
    protocol::{Params, Timestamp},
    server::Server,
    web::{
        authorize, csrf,
        form::Query,
        page::{self, PageError},
        second_press,
        session::{BrowserSession, SignedIn},
        visitor::Visitor,
    },
};

/// Where a browser comes back to with a request that waits.
pub const RESUME: &str = "/authorize/resume";

/// Says that this browser was given a cookie a moment ago.
const ASKED: &str = "cookie";

/// `GET /authorize/resume`: go on with a request after a page.
///
/// # Errors
/// A page, when nothing waits under that reference any more.
pub async fn get(
    State(server): State<Arc<Server>>,
    visitor: Visitor,
    browser: BrowserSession,
    Query(query): Query,
) -> Result<Response, PageError> {
    let now = server.clock.now();
    let id = query.get("request").ok_or(PageError::NoReference)?;
    let own = browser.browser().await?;
    if own.is_none() && query.get(ASKED).is_none() {
        // A page has found no session, so one begins here; a browser that keeps no cookies would go round in circles.
        browser.browser_or_begin().await?;
        return Ok(page::see_other(&server, &format!("{}&{ASKED}=yes", path(id))));
    }
    let found = waiting::find(&mut server.store.read().await?, id, own.as_deref(), now).await?;
    match found {
        Found::AnotherBrowsers(params) if own.is_none() => Err(PageError::NoCookies(params)),
        // Answered before (the back button, a double click), or begun in another browser: begin again with the same
        // parameters, which is what following the app's own link would do.
        Found::Mine(request) if request.is_spent => {
            authorize::begin(&server, &visitor, &browser, request.params, None).await
        }
        Found::Mine(request) => {
            let params = request.params.clone();
            authorize::begin(&server, &visitor, &browser, params, Some(request)).await
        }
        Found::AnotherBrowsers(params) => authorize::begin(&server, &visitor, &browser, params, None).await,
        Found::Late(params) => Err(PageError::Late(params)),
        Found::Nothing => Err(PageError::Expired),
    }
}

/// Where a browser goes on with a request.
#[must_use]
pub fn path(id: &str) -> String {
    format!("{RESUME}?request={id}")
}

/// Lead the browser to where its request goes on.
#[must_use]
pub fn go_on(server: &Server, id: &str) -> Response {
    page::see_other(server, &path(id))
}

/// Answer a form about a request that does not wait for it, or not any more: once more what its first press was answered
/// with, or by going on with the request.
///
/// # Errors
/// When the database cannot.
pub async fn go_round(
    server: &Server,
    visitor: &Visitor,
    browser: &BrowserSession,
    id: &str,
    form: &Params,
    is_current: bool,
) -> Result<Response, PageError> {
    let again = if is_current { second_press::repeat(server, visitor, browser, id, form).await? } else { None };
    Ok(again.unwrap_or_else(|| go_on(server, id)))
}

/// The request of that reference, if it still waits in this browser; `None` when it has to be begun anew, which
/// [`get`] does.
///
/// # Errors
/// [`PageError::Late`] or [`PageError::Expired`] when there is no such request any more.
pub async fn find_waiting(
    server: &Server,
    browser: &BrowserSession,
    id: &str,
    now: Timestamp,
) -> Result<Option<Waiting>, PageError> {
    let own = browser.browser().await?;
    let mut db = server.store.read().await?;
    match waiting::find(&mut db, id, own.as_deref(), now).await? {
        Found::Mine(waiting) if !waiting.is_spent => Ok(Some(waiting)),
        Found::Mine(_) | Found::AnotherBrowsers(_) => Ok(None),
        Found::Late(params) => Err(PageError::Late(params)),
        Found::Nothing => Err(PageError::Expired),
    }
}

/// A request that waits for a word of its user's, with all that is known about it.
#[derive(Clone, Debug)]
pub struct Pending {
    /// The request, as it was kept.
    pub waiting: Waiting,
    /// The request, as it reads now.
    pub request: Request,
    /// What it is decided by.
    pub situation: Situation,
    /// Whose word it waits for.
    pub signed_in: SignedIn,
}

/// The request that a page's address refers to, if the page is what it needs next; else where the browser goes instead.
///
/// # Errors
/// [`PageError::NoReference`], or as [`find_waiting`].
pub async fn at_page(
    server: &Server,
    browser: &BrowserSession,
    query: &Params,
    step: &Step,
) -> Result<Result<Pending, Response>, PageError> {
    let id = query.get("request").ok_or(PageError::NoReference)?;
    Ok(find_at(server, browser, id, step).await?.ok_or_else(|| go_on(server, id)))
}

/// The same for the form of that page, and whether it belongs to the session as it stands now.
///
/// # Errors
/// [`PageError::Forged`], or as [`at_page`].
pub async fn at_form(
    server: &Server,
    visitor: &Visitor,
    browser: &BrowserSession,
    query: &Params,
    form: &Params,
    step: &Step,
) -> Result<Result<(Pending, bool), Response>, PageError> {
    let id = query.get("request").ok_or(PageError::NoReference)?;
    let is_current = csrf::is_current(server, visitor, browser, form).await?;
    match find_at(server, browser, id, step).await? {
        Some(pending) => Ok(Ok((pending, is_current))),
        None => go_round(server, visitor, browser, id, form, is_current).await.map(Err),
    }
}

/// The request of that reference, if `step` is what it needs next; `None` when something else comes first, which [`get`]
/// will find: no page's form stands in for another's.
async fn find_at(
    server: &Server,
    browser: &BrowserSession,
    id: &str,
    step: &Step,
) -> Result<Option<Pending>, PageError> {
    let now = server.clock.now();
    let Some(waiting) = find_waiting(server, browser, id, now).await? else { return Ok(None) };
    let Some(signed_in) = browser.signed_in(server, now).await? else { return Ok(None) };
    let Ok(request) = authorize::read(server, waiting.params.clone()).await else { return Ok(None) };
    let situation = authorize::gather(server, &request, Some(signed_in.login.clone()), Some(&waiting), now).await?;
    Ok((situation.next_step() == *step).then_some(Pending { waiting, request, situation, signed_in }))
}

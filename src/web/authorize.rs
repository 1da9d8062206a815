//! The authorization endpoint (RFC 6749 §3.1, OIDC Core §3.1.2): a request is read, decided, and led to a page or answered.

use std::sync::Arc;

use axum::{
    extract::{RawQuery, State},
    response::Response,
};

use crate::{
    authorization::{
        interaction::Step,
        login::Login,
        request::{self, Context, Request},
        request_object::Objects,
        response::Rejection,
        situation::{Moment, Situation},
        waiting::{self, By, Keepable, Waiting},
    },
    protocol::{Params, Readable, Timestamp},
    server::Server,
    tokens::id_token,
    web::{
        answer::{self, Approval},
        consent,
        form::FormBody,
        login,
        page::{self, PageError},
        pick_account, resume,
        session::BrowserSession,
        visitor::Visitor,
    },
};

/// Where clients send their users.
pub const AUTHORIZE: &str = "/authorize";

/// A posted request of at most so many bytes is sent on in the URL; a longer one by reference.
const LONGEST_URL: usize = 2_000;

/// `GET /authorize`.
///
/// # Errors
/// A page, while the client or its redirect URI is in doubt.
pub async fn get(
    State(server): State<Arc<Server>>,
    visitor: Visitor,
    browser: BrowserSession,
    RawQuery(query): RawQuery,
) -> Result<Response, PageError> {
    let params = match sound(&server, Readable::of(query.unwrap_or_default().as_bytes())).await {
        Ok(params) => params,
        Err(rejection) => return answer::refuse(&visitor, rejection),
    };
    begin(&server, &visitor, &browser, params, None).await
}

/// `POST /authorize`: a GET with the same parameters, since a POST from another site brings no `Lax` cookie.
///
/// # Errors
/// A page for parameters that cannot be read, and while the client or its redirect URI is in doubt.
pub async fn post(
    State(server): State<Arc<Server>>,
    visitor: Visitor,
    RawQuery(query): RawQuery,
    body: Result<FormBody, PageError>,
) -> Result<Response, PageError> {
    let FormBody(body) = body.map_err(PageError::of_authorization)?;
    let params = match sound(&server, Readable::of_post(query.as_deref(), &body)).await {
        Ok(params) => params,
        Err(rejection) => return answer::refuse(&visitor, rejection),
    };
    let encoded = params.to_query();
    if encoded.len() <= LONGEST_URL {
        return Ok(page::see_other(&server, &format!("{AUTHORIZE}?{encoded}")));
    }
    // Kept for a client that is known and for a request that it may make, or anybody could fill the disk.
    let request = match read(&server, params).await {
        Ok(request) => request,
        Err(rejection) => return answer::refuse(&visitor, rejection),
    };
    match Keepable::of(&request.params) {
        Ok(kept) => Ok(resume::go_on(&server, &keep(&server, kept, By::Unseen, server.clock.now()).await?)),
        Err(refusal) => answer::tell(&visitor, &request.recipient, refusal),
    }
}

/// Take a request as far as it goes without its user: to the next page, or to the answer.
///
/// # Errors
/// A page, while the client or its redirect URI is in doubt.
pub async fn begin(
    server: &Server,
    visitor: &Visitor,
    browser: &BrowserSession,
    params: Params,
    waiting: Option<Waiting>,
) -> Result<Response, PageError> {
    let now = server.clock.now();
    let request = match read(server, params).await {
        Ok(request) => request,
        Err(rejection) => return answer::refuse(visitor, rejection),
    };
    let login = browser.signed_in(server, now).await?.map(|signed_in| signed_in.login);
    let situation = gather(server, &request, login, waiting.as_ref(), now).await?;
    let page = match situation.next_step() {
        Step::Login => login::LOGIN,
        Step::PickAccount => pick_account::PICK_ACCOUNT,
        Step::Consent => consent::CONSENT,
        Step::Grant(offer) => {
            let approval = Approval { offer: &offer, consent: None };
            return answer::grant(server, visitor, &request, &situation.moment, waiting.as_ref(), approval).await;
        }
        Step::Refuse(refusal) => return answer::tell(visitor, &request.recipient, refusal),
    };
    if let Some(waiting) = waiting {
        return Ok(page::see_other(server, &format!("{page}?request={}", waiting.id)));
    }
    let kept = match Keepable::of(&request.params) {
        Ok(kept) => kept,
        Err(refusal) => return answer::tell(visitor, &request.recipient, refusal),
    };
    let own = browser.browser_or_begin().await?;
    let by = if situation.moment.login.is_some() { By::User(&own) } else { By::Stranger(&own) };
    let id = keep(server, kept, by, now).await?;
    Ok(page::see_other(server, &format!("{page}?request={id}")))
}

/// Keep a request; gives the reference to it.
async fn keep(server: &Server, params: Keepable, by: By<'_>, now: Timestamp) -> Result<String, PageError> {
    let mut tx = server.store.write().await?;
    let id = waiting::keep(&mut tx, params, by, now, &server.random).await?;
    tx.commit().await?;
    Ok(id)
}

/// Gather what a request is decided by.
///
/// # Errors
/// When the database cannot.
pub async fn gather(
    server: &Server,
    request: &Request,
    login: Option<Login>,
    waiting: Option<&Waiting>,
    now: Timestamp,
) -> Result<Situation, PageError> {
    let done = login.as_ref().zip(waiting).map(|(login, waiting)| waiting.done_in(&login.sid)).unwrap_or_default();
    let moment = Moment { login, done, issuer_epoch: server.grants.issuer_epoch().await?, now };
    let Server { store, registry, settings, .. } = server;
    Ok(Situation::gather(store, registry, &settings.issuer, request.ask.clone(), moment).await?)
}

/// Read a request's parameters.
///
/// # Errors
/// A page while the client or its redirect URI is in doubt, a redirect afterwards.
pub async fn read(server: &Server, params: Params) -> Result<Request, Rejection> {
    let read_hint = |text: &str| id_token::read_hint(&server.keyring, &server.settings.issuer, text);
    let pairwise_key = &server.keyring.pairwise_key();
    let Server { registry, settings, .. } = server;
    let response_types = &settings.registration.response_types;
    let objects = Objects {
        keys: &server.client_keys,
        keyring: &server.keyring,
        outgoing: &server.for_strangers,
        allow_unsigned: settings.registration.allow_unsigned,
        now: server.clock.now(),
    };
    let issuer = &settings.issuer;
    let context = Context { registry, issuer, response_types, read_hint: &read_hint, pairwise_key, objects };
    Request::parse(context, params).await
}

/// The parameters of a request that can be read as a whole.
async fn sound(server: &Server, read: Readable) -> Result<Params, Rejection> {
    let Some(flaw) = read.flaw else { return Ok(read.params.only(request::PARAMETERS)) };
    Err(request::refuse(&server.registry, &server.settings.issuer, &read.params, flaw).await)
}

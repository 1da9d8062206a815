//! The authorization endpoint (RFC 6749 §3.1, OIDC Core §3.1.2).

use std::sync::Arc;

use axum::{
    extract::{RawQuery, State},
    response::Response as HttpResponse,
};

use crate::{
    authorization::{
        code::{self, Terms},
        interaction::Step,
        login::Login,
        offer::Offer,
        request::{self, Context, Request},
        response::{Recipient, Rejection},
        situation::{Moment, Situation},
        waiting::{self, By, Found, Keepable, Waiting},
    },
    endpoints::dialect,
    protocol::{Code, Params, Readable, Refusal, Timestamp},
    server::Server,
    store::{
        authorization_requests,
        consents::{self, Consent},
    },
    tokens::id_token,
    web::{
        consent,
        form::{FormBody, Query},
        login,
        page::{self, PageError},
        pick_account, second_press,
        session::{BrowserSession, SignedIn},
        visitor::Visitor,
    },
};

/// Where clients send their users.
pub const AUTHORIZE: &str = "/authorize";

/// Where a browser comes back to with a request that waits.
pub const RESUME: &str = "/authorize/resume";

/// Says that this browser was given a cookie a moment ago.
const ASKED: &str = "cookie";

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
) -> Result<HttpResponse, PageError> {
    let params = match sound(&server, Readable::of(query.unwrap_or_default().as_bytes())).await {
        Ok(params) => params,
        Err(rejection) => return refuse(&visitor, rejection),
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
) -> Result<HttpResponse, PageError> {
    let FormBody(body) = body.map_err(PageError::of_authorization)?;
    let params = match sound(&server, Readable::of_post(query.as_deref(), &body)).await {
        Ok(params) => params,
        Err(rejection) => return refuse(&visitor, rejection),
    };
    let encoded = params.to_query();
    if encoded.len() <= LONGEST_URL {
        return Ok(page::see_other(&server, &format!("{AUTHORIZE}?{encoded}")));
    }
    // Kept for a client that is known and for a request that it may make, or anybody could fill the disk.
    let request = match read(&server, params).await {
        Ok(request) => request,
        Err(rejection) => return refuse(&visitor, rejection),
    };
    match Keepable::of(&request.params) {
        Ok(kept) => Ok(page::see_other(&server, &resume_path(&keep(&server, kept, By::Unseen).await?))),
        Err(refusal) => answer_refusal(&visitor, &request.recipient, refusal),
    }
}

/// `GET /authorize/resume`: go on with a request after a page.
///
/// # Errors
/// A page, when nothing waits under that reference any more.
pub async fn resume(
    State(server): State<Arc<Server>>,
    visitor: Visitor,
    browser: BrowserSession,
    Query(query): Query,
) -> Result<HttpResponse, PageError> {
    let now = server.clock.now();
    let id = query.get("request").ok_or(PageError::NoReference)?;
    let own = browser.browser().await?;
    if own.is_none() && query.get(ASKED).is_none() {
        // A page has found no session, so one begins here; a browser that keeps no cookies would go round in circles.
        browser.browser_or_begin().await?;
        return Ok(page::see_other(&server, &format!("{}&{ASKED}=yes", resume_path(id))));
    }
    let found = waiting::find(&mut server.store.read().await?, id, own.as_deref(), now).await?;
    match found {
        Found::AnotherBrowsers(params) if own.is_none() => Err(PageError::NoCookies(params)),
        // Answered before (the back button, a double click), or begun in another browser: begin again with the same
        // parameters, which is what following the app's own link would do.
        Found::Mine(request) if request.is_spent => begin(&server, &visitor, &browser, request.params, None).await,
        Found::Mine(request) => {
            let params = request.params.clone();
            begin(&server, &visitor, &browser, params, Some(request)).await
        }
        Found::AnotherBrowsers(params) => begin(&server, &visitor, &browser, params, None).await,
        Found::Late(params) => Err(PageError::Late(params)),
        Found::Nothing => Err(PageError::Expired),
    }
}

/// Where a browser goes on with a request.
#[must_use]
pub fn resume_path(id: &str) -> String {
    format!("{RESUME}?request={id}")
}

/// The request of that reference, if it still waits in this browser; `None` when it has to be begun anew, which
/// [`resume`] does.
///
/// # Errors
/// [`PageError::Late`] or [`PageError::Expired`] when there is no such request any more.
pub async fn find_waiting(server: &Server, browser: &BrowserSession, id: &str) -> Result<Option<Waiting>, PageError> {
    let own = browser.browser().await?;
    let mut db = server.store.read().await?;
    match waiting::find(&mut db, id, own.as_deref(), server.clock.now()).await? {
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

/// The request of that reference, if `step` is what it needs next; `None` when something else comes first, which
/// [`resume`] will find: no page's form stands in for another's.
///
/// # Errors
/// As [`find_waiting`].
pub async fn find_at(
    server: &Server,
    browser: &BrowserSession,
    id: &str,
    step: &Step,
    now: Timestamp,
) -> Result<Option<Pending>, PageError> {
    let Some(waiting) = find_waiting(server, browser, id).await? else { return Ok(None) };
    let Some(signed_in) = browser.signed_in(server, now).await? else { return Ok(None) };
    let Ok(request) = read(server, waiting.params.clone()).await else { return Ok(None) };
    let situation = gather(server, &request, Some(signed_in.login.clone()), Some(&waiting), now).await?;
    Ok((situation.next_step() == *step).then_some(Pending { waiting, request, situation, signed_in }))
}

/// Gather what a request is decided by.
async fn gather(
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
    let context = Context { registry: &server.registry, issuer: &server.settings.issuer, read_hint: &read_hint };
    Request::parse(context, params).await
}

/// The parameters of a request that can be read as a whole.
async fn sound(server: &Server, read: Readable) -> Result<Params, Rejection> {
    let Some(flaw) = read.flaw else { return Ok(read.params.only(request::PARAMETERS)) };
    Err(request::refuse(&server.registry, &server.settings.issuer, &read.params, flaw).await)
}

/// Take a request as far as it goes without its user: to the next page, or to the answer.
async fn begin(
    server: &Server,
    visitor: &Visitor,
    browser: &BrowserSession,
    params: Params,
    waiting: Option<Waiting>,
) -> Result<HttpResponse, PageError> {
    let now = server.clock.now();
    let request = match read(server, params).await {
        Ok(request) => request,
        Err(rejection) => return refuse(visitor, rejection),
    };
    let login = browser.signed_in(server, now).await?.map(|signed_in| signed_in.login);
    let situation = gather(server, &request, login, waiting.as_ref(), now).await?;
    let page = match situation.next_step() {
        Step::Login => login::LOGIN,
        Step::PickAccount => pick_account::PICK_ACCOUNT,
        Step::Consent => consent::CONSENT,
        Step::Grant(offer) => {
            let approval = Approval { offer: &offer, consent: None };
            return grant(server, visitor, &request, &situation.moment, waiting.as_ref(), approval).await;
        }
        Step::Refuse(refusal) => return answer_refusal(visitor, &request.recipient, refusal),
    };
    if let Some(waiting) = waiting {
        return Ok(page::see_other(server, &format!("{page}?request={}", waiting.id)));
    }
    let kept = match Keepable::of(&request.params) {
        Ok(kept) => kept,
        Err(refusal) => return answer_refusal(visitor, &request.recipient, refusal),
    };
    let own = browser.browser_or_begin().await?;
    let by = if situation.moment.login.is_some() { By::User(&own) } else { By::Stranger(&own) };
    let id = keep(server, kept, by).await?;
    Ok(page::see_other(server, &format!("{page}?request={id}")))
}

/// Keep a request; gives the reference to it.
async fn keep(server: &Server, params: Keepable, by: By<'_>) -> Result<String, PageError> {
    let mut tx = server.store.write().await?;
    let id = waiting::keep(&mut tx, params, by, server.clock.now(), &server.random).await?;
    tx.commit().await?;
    Ok(id)
}

/// What a request is answered with a code for.
#[derive(Clone, Copy, Debug)]
pub struct Approval<'a> {
    /// What the code will give.
    pub offer: &'a Offer,
    /// The user's yes of just now, to be remembered; `None` when an earlier one says it all.
    pub consent: Option<&'a Consent>,
}

/// Answer with a code: what was kept is spent in the same transaction, so that one approval gives one code.
///
/// # Errors
/// When the database cannot.
pub async fn grant(
    server: &Server,
    visitor: &Visitor,
    request: &Request,
    moment: &Moment,
    waiting: Option<&Waiting>,
    Approval { offer, consent }: Approval<'_>,
) -> Result<HttpResponse, PageError> {
    let Moment { login: Some(login), issuer_epoch, now, .. } = moment else {
        return Err(crate::protocol::Error::broken("a grant without anybody signed in").into());
    };
    let (issuer_epoch, now) = (*issuer_epoch, *now);
    let mut tx = server.store.write().await?;
    if let Some(waiting) = waiting
        && !authorization_requests::spend(&mut tx, &waiting.id, now.0).await?
    {
        // Pressed twice at once: one answer for both, as soon as the disk has what the first has done. Else another tab
        // answered it a moment ago: go round again, as after a reload.
        let given = match consent {
            Some(_) => second_press::allowed(server, &mut tx, request, &waiting.id, login, offer.org_id()).await?,
            None => None,
        };
        tx.commit().await?;
        return Ok(match given {
            Some(answer) => page::deliver(visitor, &answer),
            None => page::see_other(server, &resume_path(&waiting.id)),
        });
    }
    if let Some(consent) = consent {
        consents::remember(&mut tx, consent).await?;
    }
    let code = match waiting {
        Some(waiting) => code::of_request(&server.keyring.refresh_key(), &waiting.id),
        None => code::by_chance(&server.random),
    };
    let terms = Terms { code: &code, lifetime: server.settings.tokens.code, issuer_epoch, now };
    code::issue(&mut tx, request, login, offer, terms, &server.random).await?;
    tx.commit().await?;
    Ok(page::deliver(visitor, &request.recipient.accept(code.expose())))
}

/// Tell whoever may be told.
///
/// # Errors
/// A page, unless the client is known and the redirect URI its own.
pub fn refuse(visitor: &Visitor, rejection: Rejection) -> Result<HttpResponse, PageError> {
    match rejection {
        Rejection::Page(error) => Err(PageError::Authorization(error)),
        Rejection::Redirect(recipient, refusal) => answer_refusal(visitor, &recipient, refusal),
    }
}

/// Tell the client no.
///
/// # Errors
/// None; the signature is that of the other answers.
pub fn answer_refusal(visitor: &Visitor, recipient: &Recipient, refusal: Refusal) -> Result<HttpResponse, PageError> {
    let mut answer = page::deliver(visitor, &recipient.refuse(&refusal));
    dialect::note(&mut answer, refusal.into());
    Ok(answer)
}

/// The user said no: the request is answered, once.
///
/// # Errors
/// When the database cannot.
pub async fn deny(server: &Server, visitor: &Visitor, waiting: Waiting) -> Result<HttpResponse, PageError> {
    let mut tx = server.store.write().await?;
    if !authorization_requests::spend(&mut tx, &waiting.id, server.clock.now().0).await? {
        let resume = page::see_other(server, &resume_path(&waiting.id));
        // Said twice at once; or another tab has answered it, and the app is told one thing, not two.
        let was_denied = second_press::was_denied(server, &mut tx, &waiting.id).await?;
        tx.commit().await?;
        return if was_denied { tell_no(server, visitor, waiting.params).await } else { Ok(resume) };
    }
    tx.commit().await?;
    tell_no(server, visitor, waiting.params).await
}

/// Tell the client that its user said no.
///
/// # Errors
/// A page, when the client or its redirect URI is not what it was.
pub async fn tell_no(server: &Server, visitor: &Visitor, params: Params) -> Result<HttpResponse, PageError> {
    match read(server, params).await {
        Ok(request) => {
            let refusal = Refusal::new(Code::AccessDenied, "the user said no");
            answer_refusal(visitor, &request.recipient, refusal)
        }
        Err(rejection) => refuse(visitor, rejection),
    }
}

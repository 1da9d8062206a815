//! The sign-in page.

use std::sync::Arc;

use axum::{
    extract::State,
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{COOKIE, RETRY_AFTER, SET_COOKIE},
    },
    response::Response,
};
use tower_sessions::cookie::{Cookie, SameSite, time::Duration};

use crate::{
    accounts::{self, Account, Attempt, Credentials, devices},
    authorization::{
        interaction,
        login::{ACR_PASSWORD, Login},
        request::Request,
        waiting::{self, Waiting},
    },
    clients::Client,
    endpoints::authorize,
    protocol::{Code, Error, PlainSecret, Result, Timestamp},
    server::Server,
    web::{
        account::ACCOUNT,
        csrf,
        form::{Form, Query},
        headers::{self, PagePolicy},
        page::{self, PageError},
        second_press,
        session::{BrowserSession, SignedIn},
        views::{self, ClientView, LoginProblem, LoginView, Person, Place},
        visitor::Visitor,
    },
};

/// Where people sign in.
pub const LOGIN: &str = "/login";

/// Under which name the proof that a user has signed in here before travels, with and without TLS.
const DEVICE: (&str, &str) = ("__Host-latchkey-device", "latchkey-device");

/// `GET /login`.
///
/// # Errors
/// A page, when the request that waits for this login is past its time.
pub async fn get(
    State(server): State<Arc<Server>>,
    visitor: Visitor,
    browser: BrowserSession,
    Query(query): Query,
) -> std::result::Result<Response, PageError> {
    let purpose = match Purpose::find(&server, &browser, query.get("request")).await? {
        Ok(purpose) => purpose,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let signed_in = browser.signed_in(&server, server.clock.now()).await?;
    let problem = match (&purpose, signed_in) {
        (Purpose::Account, Some(_)) => return Ok(page::see_other(&server, ACCOUNT)),
        (Purpose::Account, None) if browser.take_unsaved().await? => Some(LoginProblem::Unsaved),
        (Purpose::Request(request, _), Some(signed_in))
            if !interaction::is_expected(&request.ask, &signed_in.login) =>
        {
            Some(LoginProblem::OtherAccount)
        }
        _ => None,
    };
    let username = purpose.login_hint().unwrap_or_default().to_owned();
    show(&server, &visitor, &browser, &purpose, &username, problem).await
}

/// `POST /login`.
///
/// # Errors
/// A page, when the form comes from elsewhere or what waits for it is past its time.
pub async fn post(
    State(server): State<Arc<Server>>,
    visitor: Visitor,
    browser: BrowserSession,
    Query(query): Query,
    Form(form): Form,
) -> std::result::Result<Response, PageError> {
    let now = server.clock.now();
    let username = form.get("username").unwrap_or_default().to_owned();
    let is_current = csrf::is_current(&server, &visitor, &browser, &form).await?;
    let id = query.get("request");
    let purpose = match Purpose::find(&server, &browser, id).await? {
        Ok(purpose) => purpose,
        Err(elsewhere) => {
            let again = match id.filter(|_| is_current) {
                Some(id) => second_press::repeat(&server, &visitor, &browser, id, &form).await?,
                None => None,
            };
            return Ok(again.unwrap_or(elsewhere));
        }
    };
    if !is_current {
        // An old tab, or the cookie is gone. Signed in meanwhile: go on; else the same page, fresh.
        if browser.signed_in(&server, now).await?.is_some() {
            return Ok(page::see_other(&server, &purpose.next()));
        }
        let problem = if browser.has_cookie() { LoginProblem::Expired } else { LoginProblem::NoCookie };
        return show(&server, &visitor, &browser, &purpose, &username, Some(problem)).await;
    }
    if form.get("action") == Some("cancel") {
        return match purpose {
            Purpose::Request(_, waiting) => authorize::deny(&server, &visitor, waiting).await,
            Purpose::Account => Ok(page::see_other(&server, LOGIN)),
        };
    }
    let device = device_cookie(&server, visitor.headers());
    let password = PlainSecret::new(form.get("password").unwrap_or_default());
    let credentials =
        Credentials { username: &username, password: &password, address: visitor.address(), device: device.as_deref() };
    let attempt = accounts::sign_in(&server.store, &server.passwords, credentials, now, &server.random).await;
    let problem = match attempt {
        Ok(Attempt::Welcome(account)) => {
            return welcome(&server, &visitor, &browser, &purpose, &account, device.as_deref(), now).await;
        }
        Ok(Attempt::Wrong) => LoginProblem::Wrong,
        Ok(Attempt::Throttled { until }) => LoginProblem::Throttled { seconds: (until - now).0.max(1) },
        Err(Error::Refused(refusal)) if refusal.code == Code::TemporarilyUnavailable => LoginProblem::Busy,
        Err(error) => return Err(error.into()),
    };
    show(&server, &visitor, &browser, &purpose, &username, Some(problem)).await
}

/// What somebody signs in for.
enum Purpose {
    /// To go on with an app's request.
    Request(Box<Request>, Waiting),
    /// To see their account.
    Account,
}

impl Purpose {
    /// Find it; or the answer to give instead of a page.
    async fn find(
        server: &Server,
        browser: &BrowserSession,
        id: Option<&str>,
    ) -> std::result::Result<std::result::Result<Self, Response>, PageError> {
        let Some(id) = id else { return Ok(Ok(Self::Account)) };
        let Some(waiting) = authorize::find_waiting(server, browser, id).await? else {
            return Ok(Err(page::see_other(server, &authorize::resume_path(id))));
        };
        match authorize::read(server, waiting.params.clone()).await {
            Ok(request) => Ok(Ok(Self::Request(Box::new(request), waiting))),
            // The client was changed meanwhile: where the request goes on, that is said.
            Err(_) => Ok(Err(page::see_other(server, &authorize::resume_path(id)))),
        }
    }

    fn login_hint(&self) -> Option<&str> {
        match self {
            Self::Request(request, _) => request.ask.login_hint.as_deref(),
            Self::Account => None,
        }
    }

    fn request(&self) -> Option<&Request> {
        match self {
            Self::Request(request, _) => Some(request),
            Self::Account => None,
        }
    }

    /// Where the form sends.
    fn action(&self) -> String {
        match self {
            Self::Request(_, waiting) => format!("{LOGIN}?request={}", waiting.id),
            Self::Account => LOGIN.to_owned(),
        }
    }

    /// Where to go once signed in.
    fn next(&self) -> String {
        match self {
            Self::Request(_, waiting) => authorize::resume_path(&waiting.id),
            Self::Account => ACCOUNT.to_owned(),
        }
    }
}

async fn show(
    server: &Server,
    visitor: &Visitor,
    browser: &BrowserSession,
    purpose: &Purpose,
    username: &str,
    problem: Option<LoginProblem>,
) -> std::result::Result<Response, PageError> {
    let csrf = browser.csrf().await?;
    let request = purpose.request();
    let locale = visitor.locale(request.and_then(|request| request.ask.ui_locales.as_deref()));
    let (status, retry_after) = match problem {
        Some(LoginProblem::Throttled { seconds }) => (StatusCode::TOO_MANY_REQUESTS, Some(seconds)),
        Some(LoginProblem::Busy) => (StatusCode::SERVICE_UNAVAILABLE, Some(1)),
        _ => (StatusCode::OK, None),
    };
    let html = views::login(
        &visitor.frame(locale),
        &LoginView {
            action: &format!("{}{}", server.settings.base_path(), purpose.action()),
            csrf: &csrf,
            client: request.map(|request| client_view(&request.ask.client, request.recipient.redirect_uri())),
            username,
            problem,
            can_cancel: request.is_some(),
        },
    );
    let policy = PagePolicy { status, ..policy(request) };
    let mut response = headers::page(html, policy);
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    Ok(response)
}

/// What a page that works for a request may load, and where its forms may lead.
#[must_use]
pub fn policy(request: Option<&Request>) -> PagePolicy<'_> {
    PagePolicy {
        leads_to: request.map(|request| request.recipient.redirect_uri()),
        logo: request.and_then(|request| request.ask.client.metadata.logo_uri.as_deref()),
        is_popup: request.is_some_and(|request| request.params.get("display") == Some("popup")),
        ..PagePolicy::default()
    }
}

/// How a page presents a client: its name, and the place that really gets the answer.
#[must_use]
pub fn client_view(client: &Client, redirect_uri: &str) -> ClientView {
    ClientView {
        name: client.name().into(),
        place: Place::of(redirect_uri),
        logo_uri: client.metadata.logo_uri.clone(),
        policy_uri: client.metadata.policy_uri.clone(),
        tos_uri: client.metadata.tos_uri.clone(),
        client_uri: client.metadata.client_uri.clone(),
        // Whoever is registered, the operator has registered: there is no other way in until clients can register
        // themselves (RFC 7591).
        verified: true,
    }
}

/// What somebody is called: their name, else what they sign in with.
fn name(account: &Account) -> &str {
    account.claims.get("name").and_then(|name| name.as_str()).unwrap_or(&account.username)
}

/// How a page names somebody.
#[must_use]
pub fn person(account: &Account) -> Person {
    Person { name: name(account).into(), detail: Some(account.email.as_deref().unwrap_or(&account.username).into()) }
}

async fn welcome(
    server: &Server,
    visitor: &Visitor,
    browser: &BrowserSession,
    purpose: &Purpose,
    account: &Account,
    device: Option<&str>,
    now: Timestamp,
) -> std::result::Result<Response, PageError> {
    let before = browser.signed_in(server, now).await?;
    let login = Login {
        sub: account.sub.clone(),
        sid: sid(before, account, server),
        auth_time: now,
        acr: ACR_PASSWORD.to_owned(),
        amr: vec!["pwd".to_owned()],
        epoch: account.epoch,
        agent: visitor.agent(),
    };
    browser.sign_in(&login, now).await?;
    if let Purpose::Request(_, request) = purpose {
        let mut tx = server.store.write().await?;
        waiting::authenticated(&mut tx, &request.id, &login.sid).await?;
        tx.commit().await?;
    }
    let cookie = remember_device(server, account, device, now).await?;
    let mut response = page::see_other(server, &purpose.next());
    response.headers_mut().append(SET_COOKIE, cookie);
    Ok(response)
}

/// Proving again who one is goes on with the same session; another user begins another.
fn sid(before: Option<SignedIn>, account: &Account, server: &Server) -> String {
    match before {
        Some(before) if before.login.sub == account.sub => before.login.sid,
        _ => server.random.id(),
    }
}

/// The cookie by which this browser gets past the limits that strangers can fill up (product decision 14).
pub(super) async fn remember_device(
    server: &Server,
    account: &Account,
    before: Option<&str>,
    now: Timestamp,
) -> Result<HeaderValue> {
    let secret = devices::remember(&server.store, &account.sub, before, now, &server.random).await?;
    let is_secure = server.settings.is_https();
    let cookie = Cookie::build((if is_secure { DEVICE.0 } else { DEVICE.1 }, secret.expose().to_owned()))
        .path("/")
        .secure(is_secure)
        .http_only(true)
        .same_site(SameSite::Lax)
        .max_age(Duration::seconds(devices::KNOWN_FOR.0))
        .build();
    Ok(HeaderValue::from_str(&cookie.to_string())?)
}

pub(super) fn device_cookie(server: &Server, headers: &HeaderMap) -> Option<String> {
    let name = if server.settings.is_https() { DEVICE.0 } else { DEVICE.1 };
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(Cookie::split_parse)
        .filter_map(std::result::Result::ok)
        .find(|cookie| cookie.name() == name)
        .map(|cookie| cookie.value().to_owned())
}

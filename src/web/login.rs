//! The sign-in page.

use std::sync::Arc;

use axum::{
    extract::State,
    http::{
        HeaderValue, StatusCode,
        header::{RETRY_AFTER, SET_COOKIE},
    },
    response::Response,
};

use crate::{
    accounts::{self, Account, Attempt, Credentials},
    authorization::{
        interaction,
        login::{ACR_PASSWORD, Login},
        request::Request,
        waiting::{self, Waiting},
    },
    protocol::{Error, ErrorCode, PlainSecret, Timestamp},
    server::Server,
    web::{
        account::ACCOUNT,
        answer, authorize, csrf, device,
        form::{Form, Query},
        headers::{self, PagePolicy},
        page::{self, PageError},
        parties, resume,
        session::{self, BrowserSession, SignedIn},
        views::{self, LoginProblem, LoginView},
        visitor::Visitor,
    },
};

/// Where people sign in.
pub const LOGIN: &str = "/login";

/// `GET /login`.
///
/// # Errors
/// A page, when the request that waits for this login is past its time.
pub async fn get(
    State(server): State<Arc<Server>>,
    visitor: Visitor,
    browser: BrowserSession,
    Query(query): Query,
) -> Result<Response, PageError> {
    let now = server.clock.now();
    let purpose = match query.get("request") {
        None => Purpose::Account,
        Some(id) => match Purpose::of(&server, &browser, id, now).await? {
            Some(purpose) => purpose,
            None => return Ok(resume::go_on(&server, id)),
        },
    };
    let problem = match (&purpose, browser.signed_in(&server, now).await?) {
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
) -> Result<Response, PageError> {
    let now = server.clock.now();
    let username = form.get("username").unwrap_or_default().to_owned();
    let is_current = csrf::is_current(&server, &visitor, &browser, &form).await?;
    let purpose = match query.get("request") {
        None => Purpose::Account,
        Some(id) => match Purpose::of(&server, &browser, id, now).await? {
            Some(purpose) => purpose,
            None => return resume::go_round(&server, &visitor, &browser, id, &form, is_current).await,
        },
    };
    if !is_current {
        // An old tab, or the cookie is gone. Signed in meanwhile: go on; else the same page, fresh.
        if browser.signed_in(&server, now).await?.is_some() {
            return Ok(page::see_other(&server, &purpose.next()));
        }
        let problem =
            if session::has_cookie(&server, &visitor) { LoginProblem::Expired } else { LoginProblem::NoCookie };
        return show(&server, &visitor, &browser, &purpose, &username, Some(problem)).await;
    }
    if form.get("action") == Some("cancel") {
        return match purpose {
            Purpose::Request(_, waiting) => answer::deny(&server, &visitor, waiting).await,
            Purpose::Account => Ok(page::see_other(&server, LOGIN)),
        };
    }
    let device = device::secret(&server, &visitor);
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
        Err(Error::Refused(refusal)) if refusal.code == ErrorCode::TemporarilyUnavailable => LoginProblem::Busy,
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
    /// The request of that reference, if it still waits in this browser and may still be answered; `None` when it goes on
    /// elsewhere.
    async fn of(
        server: &Server,
        browser: &BrowserSession,
        id: &str,
        now: Timestamp,
    ) -> Result<Option<Self>, PageError> {
        let Some(waiting) = resume::find_waiting(server, browser, id, now).await? else { return Ok(None) };
        // Where the client was changed meanwhile, that is said as the request goes on.
        let request = authorize::read(server, waiting.params.clone()).await.ok();
        Ok(request.map(|request| Self::Request(Box::new(request), waiting)))
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
            Self::Request(_, waiting) => resume::path(&waiting.id),
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
) -> Result<Response, PageError> {
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
            client: request.map(|request| parties::client(&request.ask.client, request.recipient.redirect_uri())),
            username,
            problem,
            can_cancel: request.is_some(),
        },
    );
    let policy = PagePolicy { status, ..request.map(PagePolicy::of).unwrap_or_default() };
    let mut response = headers::page(html, policy);
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    Ok(response)
}

async fn welcome(
    server: &Server,
    visitor: &Visitor,
    browser: &BrowserSession,
    purpose: &Purpose,
    account: &Account,
    device: Option<&str>,
    now: Timestamp,
) -> Result<Response, PageError> {
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
    if let Purpose::Request(_, waiting) = purpose {
        let mut tx = server.store.write().await?;
        waiting::authenticated(&mut tx, &waiting.id, &login.sid).await?;
        tx.commit().await?;
    }
    let cookie = device::remember(server, account, device, now).await?;
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

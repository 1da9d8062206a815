//! The account home: who one is here, the password, the browsers one is signed in in, the apps one has let in.

use std::sync::Arc;

use axum::{
    extract::State,
    http::{HeaderValue, StatusCode, header::SET_COOKIE},
    response::Response,
};

use crate::{
    accounts::{
        self, Attempt, Changes, Credentials, Detail, Unfit, detail,
        password::{self, Unusable},
    },
    authorization::login::Login,
    orgs::{self, Membership},
    protocol::{Error, ErrorCode, Params, PlainSecret, RedirectUri, Refusal, Timestamp},
    server::Server,
    store::{
        self, StoreError, browser_sessions,
        consents::{self, Consent},
        grants::{self, AppAccess},
        session_clients,
    },
    web::{
        csrf, device,
        form::Form,
        headers::{self, PagePolicy},
        login::LOGIN,
        logout,
        page::{self, PageError},
        session::{BrowserSession, SignedIn},
        views::{self, AccountNotice, AccountProblem, AccountView, AppLine, Place, SessionLine},
        visitor::Visitor,
    },
};

/// Why a session has ended.
const ENDED: &str = "session ended by its user";

/// Where people see their account.
pub const ACCOUNT: &str = "/account";

/// `GET /account`.
///
/// # Errors
/// When the database cannot.
pub async fn get(
    State(server): State<Arc<Server>>,
    visitor: Visitor,
    browser: BrowserSession,
) -> Result<Response, PageError> {
    match browser.signed_in(&server, server.clock.now()).await? {
        Some(signed_in) => {
            let notice = browser.take_notice().await?;
            show(&server, &visitor, &browser, &signed_in, notice, None).await
        }
        None => Ok(page::see_other(&server, LOGIN)),
    }
}

/// `POST /account`: whatever its forms ask for. What is done is said by the page that the browser is led to.
///
/// # Errors
/// A page, when the form comes from elsewhere.
pub async fn post(
    State(server): State<Arc<Server>>,
    visitor: Visitor,
    browser: BrowserSession,
    Form(form): Form,
) -> Result<Response, PageError> {
    let now = server.clock.now();
    let is_current = csrf::is_current(&server, &visitor, &browser, &form).await?;
    let Some(signed_in) = browser.signed_in(&server, now).await? else {
        browser.note_unsaved().await?;
        return Ok(page::see_other(&server, LOGIN));
    };
    let id = form.get("id").unwrap_or_default();
    let outcome = match form.get("action") {
        Some("change_details") if !is_current => refused_details(AccountProblem::Expired, &form),
        _ if !is_current => AccountProblem::Expired.into(),
        Some("change_details") => change_details(&server, &browser, &signed_in, &form, now).await?,
        Some("change_password") => change_password(&server, &visitor, &browser, &signed_in, &form, now).await?,
        Some("end_session") if id == signed_in.login.sid => {
            let frames = logout::end(&server, &browser, &signed_in, ENDED, now).await?;
            Outcome::Gone { frames }
        }
        Some("end_session") => {
            end_session(&server, &signed_in, id, now).await?;
            AccountNotice::SessionEnded.into()
        }
        Some("end_access") => {
            end_access(&server, &signed_in, id, now).await?;
            AccountNotice::AccessEnded.into()
        }
        Some("sign_out_everywhere") => {
            let frames = frames(&server, &signed_in).await?;
            accounts::sign_out_everywhere(&server.store, &signed_in.login.sub, now).await?;
            let anew = stay(&server, &visitor, &browser, &signed_in, frames, now).await?;
            Outcome::Done { notice: AccountNotice::SignedOutElsewhere, anew: Some(anew) }
        }
        _ => return Ok(page::see_other(&server, ACCOUNT)),
    };
    match outcome {
        Outcome::Refused(refused) => show(&server, &visitor, &browser, &signed_in, None, Some(refused)).await,
        Outcome::Gone { frames } => Ok(go_on(&server, &visitor, &frames, LOGIN)),
        Outcome::Done { notice, anew } => {
            browser.say_later(notice).await?;
            let Some(Anew { device, frames }) = anew else { return Ok(page::see_other(&server, ACCOUNT)) };
            let mut response = go_on(&server, &visitor, &frames, ACCOUNT);
            response.headers_mut().append(SET_COOKIE, device);
            Ok(response)
        }
    }
}

/// What became of a form.
enum Outcome {
    Done {
        notice: AccountNotice,
        anew: Option<Anew>,
    },
    Refused(Refused),
    /// Nobody is signed in here any more.
    Gone {
        /// What the apps of the session want to be loaded.
        frames: Vec<String>,
    },
}

/// A session that has begun anew, since every other has ended.
struct Anew {
    /// By which this browser is known again.
    device: HeaderValue,
    /// What the apps of the session before want to be loaded.
    frames: Vec<String>,
}

/// What a form came to nothing by.
struct Refused {
    problem: AccountProblem,
    /// What was typed into the form of the details.
    typed: Option<Vec<(Detail, String)>>,
}

impl From<AccountNotice> for Outcome {
    fn from(notice: AccountNotice) -> Self {
        Self::Done { notice, anew: None }
    }
}

impl From<AccountProblem> for Outcome {
    fn from(problem: AccountProblem) -> Self {
        Self::Refused(Refused { problem, typed: None })
    }
}

/// The details as they were typed; an empty field is one that was emptied, and does not show among the parameters.
fn refused_details(problem: AccountProblem, form: &Params) -> Outcome {
    let typed = |own: &Detail| (*own, form.get(own.claim()).unwrap_or_default().to_owned());
    Outcome::Refused(Refused { problem, typed: Some(Detail::ALL.iter().map(typed).collect()) })
}

async fn change_details(
    server: &Server,
    browser: &BrowserSession,
    signed_in: &SignedIn,
    form: &Params,
    now: Timestamp,
) -> Result<Outcome, PageError> {
    let claims = match detail::changes(&signed_in.account, |own| form.get(own.claim()).unwrap_or_default()) {
        Ok(claims) => claims,
        Err(Unfit::Detail(detail)) => return Ok(refused_details(AccountProblem::Unfit(detail), form)),
        Err(Unfit::TooMuch(detail)) => return Ok(refused_details(AccountProblem::TooMuch(detail), form)),
    };
    let sub = &signed_in.login.sub;
    match accounts::update(&server.store, sub, Changes { claims, ..Changes::default() }, now).await {
        Ok(_) => Ok(AccountNotice::DetailsChanged.into()),
        // Each detail is what it has to be: so the account is gone, or what an operator keeps of it is in the way.
        Err(Error::Refused(_)) if accounts::find(&mut server.store.read().await?, sub).await?.is_none() => {
            browser.sign_out().await?;
            Ok(Outcome::Gone { frames: Vec::new() })
        }
        Err(Error::Refused(_)) => Ok(refused_details(AccountProblem::NotSaved, form)),
        Err(error) => Err(error.into()),
    }
}

async fn change_password(
    server: &Server,
    visitor: &Visitor,
    browser: &BrowserSession,
    signed_in: &SignedIn,
    form: &Params,
    now: Timestamp,
) -> Result<Outcome, PageError> {
    let present = PlainSecret::new(form.get("password").unwrap_or_default());
    let new = PlainSecret::new(form.get("new_password").unwrap_or_default());
    match password::check(&new) {
        Err(Unusable::TooShort) => {
            return Ok(AccountProblem::TooShort { least: i64::try_from(password::SHORTEST)? }.into());
        }
        Err(Unusable::TooLong) => {
            return Ok(AccountProblem::TooLong { most: i64::try_from(password::LONGEST)? }.into());
        }
        Err(unusable @ Unusable::Nul) => return Err(Refusal::from(unusable).into()),
        Ok(()) => {}
    }
    // Through the same counters as a sign-in: a stolen open session is no place to guess from.
    let device = device::secret(server, visitor);
    let credentials = Credentials {
        username: &signed_in.account.username,
        password: &present,
        address: visitor.address(),
        device: device.as_deref(),
    };
    let problem = match accounts::sign_in(&server.store, &server.passwords, credentials, now, &server.random).await {
        Ok(Attempt::Welcome(_)) => {
            let sub = &signed_in.login.sub;
            let frames = frames(server, signed_in).await?;
            accounts::set_password(&server.store, &server.passwords, sub, &new, now, &server.random).await?;
            let anew = stay(server, visitor, browser, signed_in, frames, now).await?;
            return Ok(Outcome::Done { notice: AccountNotice::PasswordChanged, anew: Some(anew) });
        }
        Ok(Attempt::Wrong) => AccountProblem::WrongPassword,
        Ok(Attempt::Throttled { until }) => AccountProblem::Throttled { seconds: (until - now).0.max(1) },
        Err(Error::Refused(refusal)) if refusal.code == ErrorCode::TemporarilyUnavailable => AccountProblem::Busy,
        Err(error) => return Err(error.into()),
    };
    Ok(problem.into())
}

/// Every session has ended and every browser is forgotten, this one too: begin anew, since its user sits right here.
async fn stay(
    server: &Server,
    visitor: &Visitor,
    browser: &BrowserSession,
    signed_in: &SignedIn,
    frames: Vec<String>,
    now: Timestamp,
) -> Result<Anew, PageError> {
    let account = accounts::find(&mut server.store.read().await?, &signed_in.login.sub).await?;
    let account = account.ok_or_else(|| Error::broken("the account has gone while its user was signed in"))?;
    let login = Login { epoch: account.epoch, sid: server.random.id(), ..signed_in.login.clone() };
    browser.sign_in(&login, now).await?;
    let before = device::secret(server, visitor);
    let device = device::remember(server, &account, before.as_deref(), now).await?;
    Ok(Anew { device, frames })
}

/// What the apps of this session want to be loaded when it has ended with every other: read while it is there.
async fn frames(server: &Server, signed_in: &SignedIn) -> Result<Vec<String>, PageError> {
    let sid = &signed_in.login.sid;
    let let_in = session_clients::list(&mut server.store.read().await?, sid).await?;
    logout::frames(server, sid, &let_in).await
}

/// Go on to another page of ours, once the apps of a session that has ended are told.
fn go_on(server: &Server, visitor: &Visitor, frames: &[String], path: &str) -> Response {
    logout::go_on(visitor, visitor.locale(None), frames, &format!("{}{path}", server.settings.issuer))
}

async fn end_session(server: &Server, signed_in: &SignedIn, sid: &str, now: Timestamp) -> Result<(), StoreError> {
    store::retried(|| async {
        let mut tx = server.store.write().await?;
        let sessions = browser_sessions::list_of_user(&mut tx, &signed_in.login.sub, now.0).await?;
        // Their own alone.
        if sessions.iter().any(|session| session.sid.as_deref() == Some(sid)) {
            accounts::end_session(&mut tx, sid, ENDED, now).await?;
        }
        tx.commit().await
    })
    .await
}

async fn end_access(server: &Server, signed_in: &SignedIn, client_id: &str, now: Timestamp) -> Result<(), StoreError> {
    let sub = &signed_in.login.sub;
    store::retried(|| async {
        let mut tx = server.store.write().await?;
        consents::forget(&mut tx, sub, client_id).await?;
        grants::end_of_client(&mut tx, sub, client_id, "taken back by its user", now.0).await?;
        tx.commit().await
    })
    .await
}

/// The browsers in which somebody is signed in, this one first.
fn session_lines(sessions: Vec<browser_sessions::SignedIn>, current: &str) -> Vec<SessionLine> {
    let mut lines: Vec<SessionLine> = sessions
        .into_iter()
        .filter_map(|session| {
            let data: serde_json::Value = serde_json::from_str(&session.data).ok()?;
            let login: Login = serde_json::from_value(data.get(browser_sessions::LOGIN)?.clone()).ok()?;
            Some(SessionLine {
                is_current: login.sid == current,
                id: login.sid,
                agent: login.agent,
                signed_in_at: login.auth_time,
                seen_at: Timestamp(session.seen_at),
            })
        })
        .collect();
    lines.sort_by_key(|line| !line.is_current);
    lines
}

/// The apps that somebody has let in, or that still hold a grant.
async fn app_lines(
    server: &Server,
    consents: &[Consent],
    live: &[AppAccess],
    memberships: &[Membership],
) -> Result<Vec<AppLine>, PageError> {
    let mut ids: Vec<&str> = consents.iter().map(|consent| consent.client_id.as_str()).collect();
    ids.extend(live.iter().map(|access| access.client_id.as_str()));
    ids.sort_unstable();
    ids.dedup();
    let mut lines = Vec::new();
    for id in ids {
        let Some(client) = server.registry.find(id).await? else { continue };
        let given = live.iter().filter(|access| access.client_id == id);
        let allowed = consents.iter().filter(|consent| consent.client_id == id);
        let since = given.clone().map(|access| access.since).chain(allowed.clone().map(|own| own.updated_at)).min();
        let mut orgs: Vec<&str> = allowed.map(|consent| consent.org_id.as_str()).collect();
        orgs.extend(given.clone().filter_map(|access| access.org_id.as_deref()));
        lines.push(AppLine {
            id: id.to_owned(),
            name: client.name().into(),
            place: Place::of(client.metadata.redirect_uris.first().map(RedirectUri::as_str).unwrap_or_default()),
            organisations: memberships
                .iter()
                .filter(|membership| orgs.contains(&membership.org_id.as_str()))
                .map(|membership| membership.org_name.as_str().into())
                .collect(),
            since: Timestamp(since.unwrap_or_default()),
            is_offline: given.clone().any(|access| access.offline),
        });
    }
    Ok(lines)
}

/// What the page shows beside the account itself.
struct Shown {
    sessions: Vec<SessionLine>,
    apps: Vec<AppLine>,
    organisations: Vec<Membership>,
}

impl Shown {
    async fn read(server: &Server, signed_in: &SignedIn, now: Timestamp) -> Result<Self, PageError> {
        let sub = &signed_in.login.sub;
        let mut db = server.store.read().await?;
        let sessions = browser_sessions::list_of_user(&mut db, sub, now.0).await?;
        let consents = consents::of_user(&mut db, sub).await?;
        let live = grants::access_given_by(&mut db, sub, now.0).await?;
        let organisations = orgs::memberships_of(&mut db, sub).await?;
        drop(db);
        Ok(Self {
            sessions: session_lines(sessions, &signed_in.login.sid),
            apps: app_lines(server, &consents, &live, &organisations).await?,
            organisations,
        })
    }
}

async fn show(
    server: &Server,
    visitor: &Visitor,
    browser: &BrowserSession,
    signed_in: &SignedIn,
    notice: Option<AccountNotice>,
    refused: Option<Refused>,
) -> Result<Response, PageError> {
    let now = server.clock.now();
    let Shown { sessions, apps, organisations } = Shown::read(server, signed_in, now).await?;
    let account = &signed_in.account;
    let known = |detail: Detail| Some(detail.of(account)).filter(|text| !text.is_empty());
    let is_phone_number_verified = account.claims.get("phone_number_verified").and_then(serde_json::Value::as_bool);
    let problem = refused.as_ref().map(|refused| refused.problem);
    let typed = refused.and_then(|refused| refused.typed);
    let view = AccountView {
        action: &format!("{}{ACCOUNT}", server.settings.base_path()),
        csrf: &browser.csrf().await?,
        username: account.username.as_str().into(),
        name: known(Detail::Name).map(Into::into),
        email: account.email.as_deref().map(|email| (email.into(), account.email_verified)),
        phone_number: known(Detail::PhoneNumber)
            .map(|number| (number.into(), is_phone_number_verified.unwrap_or_default())),
        address: known(Detail::Address).unwrap_or_default().lines().map(Into::into).collect(),
        organisations: organisations
            .iter()
            .map(|own| (own.org_name.as_str().into(), own.role.as_str().into()))
            .collect(),
        is_editing: typed.is_some(),
        details: typed.unwrap_or_else(|| Detail::ALL.iter().map(|detail| (*detail, detail.of(account))).collect()),
        has_password: account.has_password,
        sessions,
        apps,
        notice,
        problem,
        now,
    };
    let html = views::account(&visitor.frame(visitor.locale(None)), &view);
    let status = match problem {
        Some(AccountProblem::Throttled { .. }) => StatusCode::TOO_MANY_REQUESTS,
        Some(AccountProblem::Busy) => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::OK,
    };
    Ok(headers::page(html, PagePolicy { status, ..PagePolicy::default() }))
}

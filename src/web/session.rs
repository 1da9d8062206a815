//! The browser session: which browser this is, who is signed in in it, and what its forms must bring.

use std::sync::{Arc, Mutex, PoisonError};

use axum::{
    extract::{FromRequestParts, Request, State},
    http::{HeaderValue, header::SET_COOKIE, request::Parts},
    middleware::Next,
    response::Response,
};
use tower_sessions::{
    Expiry, Session, SessionManagerLayer,
    cookie::{SameSite, time::Duration},
};

use crate::{
    accounts::Account,
    authorization::login::Login,
    protocol::{Error, Lifetime, Result, Timestamp},
    random::Random,
    server::Server,
    store::browser_sessions::{self, BrowserSessions, LOGIN, Lifetimes},
    web::{page::PageError, views::AccountNotice, visitor::Visitor},
};

/// The session's cookie; see [`crate::config::Settings::cookie`] for the whole name.
const COOKIE: &str = "latchkey";

/// The browser's own id: what a waiting authorization request is bound to. It outlives a change of the session's id.
const BROWSER: &str = "browser";

/// What a form of this session has to bring along.
const CSRF: &str = "csrf";

/// When the session last gave a sign of life.
const SEEN: &str = "seen";

/// What a form has done, until a page has said it.
const DONE: &str = "done";

/// That a form has come to nothing, since nobody was signed in any more.
const UNSAVED: &str = "unsaved";

/// A sign of life is written down no more often than this.
const SEEN_EVERY: Lifetime = Lifetime::minutes(5);

/// The layer that reads and writes the session's cookie.
#[must_use]
pub fn layer(server: &Server) -> SessionManagerLayer<BrowserSessions> {
    let lifetimes = Lifetimes { idle: server.settings.sessions.idle, absolute: server.settings.sessions.absolute };
    let sessions = BrowserSessions::new(server.store.clone(), server.clock.clone(), server.random.clone(), lifetimes);
    let is_secure = server.settings.is_https();
    SessionManagerLayer::new(sessions)
        .with_name(server.settings.cookie(COOKIE))
        .with_secure(is_secure)
        .with_http_only(true)
        // Lax: an app's link or redirect brings the session along, another site's form does not.
        .with_same_site(SameSite::Lax)
        .with_path("/")
        .with_expiry(Expiry::OnInactivity(Duration::seconds(lifetimes.idle.0)))
}

/// Say in full what removes the session's cookie. `tower-sessions` names no attributes then, and a browser heeds nothing
/// about a `__Host-` cookie that is not `Secure`: it would stay there after a sign-out (RFC 6265bis §5.7).
pub async fn remove_in_full(State(server): State<Arc<Server>>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let is_secure = server.settings.is_https();
    let removal = format!("{}=;", server.settings.cookie(COOKIE));
    let attributes = if is_secure { "; HttpOnly; SameSite=Lax; Secure" } else { "; HttpOnly; SameSite=Lax" };
    let cookies = response.headers_mut().iter_mut().filter(|(name, _)| *name == SET_COOKIE);
    for (_, cookie) in cookies.filter(|(_, cookie)| cookie.as_bytes().starts_with(removal.as_bytes())) {
        if let Ok(whole) = HeaderValue::try_from([cookie.as_bytes(), attributes.as_bytes()].concat()) {
            *cookie = whole;
        }
    }
    response
}

/// Whether the browser has sent a session's cookie, be the session alive or not.
#[must_use]
pub fn has_cookie(server: &Server, visitor: &Visitor) -> bool {
    visitor.cookie(&server.settings.cookie(COOKIE)).is_some()
}

/// The session of the browser that sent this request.
#[derive(Clone, Debug)]
pub struct BrowserSession {
    session: Session,
    random: Random,
    found: Arc<Mutex<Found>>,
}

/// Who was found to be signed in while one request was answered.
#[derive(Clone, Debug, Default)]
pub enum Found {
    /// Nobody has looked.
    #[default]
    Unknown,
    /// Nobody is.
    Nobody,
    /// Somebody is, by this login.
    Somebody(Login),
}

/// Who is signed in.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// How and when.
    pub login: Login,
    /// Whose account it is, as it stands now.
    pub account: Arc<Account>,
}

impl FromRequestParts<Arc<Server>> for BrowserSession {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, server: &Arc<Server>) -> std::result::Result<Self, PageError> {
        let session = parts.extensions.get::<Session>().cloned();
        let session = session.ok_or_else(|| Error::broken("no session layer is around this route"))?;
        // One for all that have to do with this request.
        let found = parts.extensions.get_or_insert_default::<Arc<Mutex<Found>>>().clone();
        Ok(Self { session, random: server.random.clone(), found })
    }
}

impl BrowserSession {
    /// The browser's id, if it has a session.
    ///
    /// # Errors
    /// When the session cannot be read.
    pub async fn browser(&self) -> Result<Option<String>> {
        Ok(self.session.get(BROWSER).await?)
    }

    /// The browser's id; a session begins if there is none.
    ///
    /// # Errors
    /// When the session cannot be read.
    pub async fn browser_or_begin(&self) -> Result<String> {
        if let Some(browser) = self.browser().await? {
            return Ok(browser);
        }
        // Both at once and never again without a new session id: so two tabs never overwrite each other's.
        let browser = self.random.id();
        self.session.insert(BROWSER, &browser).await?;
        self.session.insert(CSRF, self.random.token()).await?;
        Ok(browser)
    }

    /// What the forms of this session carry; a session begins if there is none.
    ///
    /// # Errors
    /// When the session cannot be read.
    pub async fn csrf(&self) -> Result<String> {
        self.browser_or_begin().await?;
        let token: Option<String> = self.session.get(CSRF).await?;
        token.ok_or_else(|| Error::broken("a session has no csrf token"))
    }

    /// What a form has to bring; `None` when there is no session.
    ///
    /// # Errors
    /// When the session cannot be read.
    pub async fn expected_csrf(&self) -> Result<Option<String>> {
        Ok(self.session.get(CSRF).await?)
    }

    /// Who is signed in, if that login still counts.
    ///
    /// # Errors
    /// When the session or the account cannot be read.
    pub async fn signed_in(&self, server: &Server, now: Timestamp) -> Result<Option<SignedIn>> {
        let signed_in = self.look(server, now).await?;
        let login = signed_in.as_ref().map(|signed_in| signed_in.login.clone());
        self.note(login.map_or(Found::Nobody, Found::Somebody));
        Ok(signed_in)
    }

    async fn look(&self, server: &Server, now: Timestamp) -> Result<Option<SignedIn>> {
        let Some(login) = self.session.get::<Login>(LOGIN).await? else { return Ok(None) };
        let account = server.grants.user(&login.sub).await?;
        let Some(account) = account.filter(|account| account.enabled && account.epoch == login.epoch) else {
            return Ok(None);
        };
        let seen: i64 = self.session.get(SEEN).await?.unwrap_or_default();
        if now.0.saturating_sub(seen) > SEEN_EVERY.0 {
            self.give_sign_of_life(now).await?;
        }
        Ok(Some(SignedIn { login, account }))
    }

    /// Have the session, and its cookie, last from now on.
    ///
    /// # Errors
    /// When the session cannot be read.
    pub async fn give_sign_of_life(&self, now: Timestamp) -> Result<()> {
        Ok(self.session.insert(SEEN, now.0).await?)
    }

    /// Whether the browser gets the session's cookie with this answer.
    #[must_use]
    pub fn is_kept_anew(&self) -> bool {
        self.session.is_modified()
    }

    /// Who is signed in, as far as anybody has looked.
    #[must_use]
    pub fn found(&self) -> Found {
        self.found.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, found: Found) {
        *self.found.lock().unwrap_or_else(PoisonError::into_inner) = found;
    }

    /// Sign a user in: under a new id, so that whoever planted or saw the old one has nothing (session fixation).
    ///
    /// # Errors
    /// When the session cannot be written.
    pub async fn sign_in(&self, login: &Login, now: Timestamp) -> Result<()> {
        self.browser_or_begin().await?;
        let before: Option<Login> = self.session.get(LOGIN).await?;
        // What was done before was done by somebody else, perhaps.
        for left in [DONE, UNSAVED] {
            self.session.remove_value(left).await?;
        }
        match before {
            Some(before) if before.sid == login.sid => browser_sessions::renew(&self.session).await?,
            _ => self.session.cycle_id().await?,
        }
        self.session.insert(LOGIN, login).await?;
        self.note(Found::Somebody(login.clone()));
        self.session.insert(CSRF, self.random.token()).await?;
        self.give_sign_of_life(now).await?;
        // At once, not when the answer leaves: the answer may lead to a page that already needs it.
        Ok(self.session.save().await?)
    }

    /// Keep what a form has done for the page that the browser is led to: that one can be loaded again, and does nothing.
    ///
    /// # Errors
    /// When the session cannot be read.
    pub async fn say_later(&self, notice: AccountNotice) -> Result<()> {
        Ok(self.session.insert(DONE, notice).await?)
    }

    /// What has been kept to be said, for once.
    ///
    /// # Errors
    /// When the session cannot be read.
    pub async fn take_notice(&self) -> Result<Option<AccountNotice>> {
        let kept = self.session.remove_value(DONE).await?;
        // Another version's word is left unsaid.
        Ok(kept.and_then(|kept| serde_json::from_value(kept).ok()))
    }

    /// Keep for the sign-in page that a form has come to nothing, since nobody was signed in any more.
    ///
    /// # Errors
    /// When the session cannot be read.
    pub async fn note_unsaved(&self) -> Result<()> {
        self.browser_or_begin().await?;
        Ok(self.session.insert(UNSAVED, true).await?)
    }

    /// Whether a form has come to nothing like that, for once.
    ///
    /// # Errors
    /// When the session cannot be read.
    pub async fn take_unsaved(&self) -> Result<bool> {
        Ok(self.session.remove_value(UNSAVED).await?.is_some())
    }

    /// Forget everything about this browser.
    ///
    /// # Errors
    /// When the session cannot be deleted.
    pub async fn sign_out(&self) -> Result<()> {
        self.note(Found::Nobody);
        Ok(self.session.flush().await?)
    }
}

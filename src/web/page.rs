//! How a page comes to be an answer: redirects between pages, the last step to a client, and what went wrong.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use url::form_urlencoded;

use crate::{
    authorization::response,
    endpoints::dialect,
    protocol::{Error, ErrorCode, Params, Refusal, Result},
    server::Server,
    store::{MayConflict, StoreError, authorization_requests, browser_sessions},
    web::{
        authorize::AUTHORIZE,
        form::SentForm,
        headers::{self, PagePolicy},
        views::{self, BackLink, Developer, FormPostView, ProblemKind, ProblemView},
        visitor::Visitor,
    },
};

/// What went wrong on the way to a page. It becomes a page of its own, in the reader's language, in
/// [`show_problems`]; and a line in the log, where every answer is logged.
#[derive(Debug)]
pub enum PageError {
    /// An authorization request that nobody may be told of but the one who looks at the page (RFC 6749 §4.1.2.1).
    Authorization(Error),
    /// A sign-out that was not asked for as it should be (OIDC RP-Initiated Logout 1.0 §4).
    SignOut(Error),
    /// The page's address names no request that it could go on with.
    NoReference,
    /// The browser has not kept the cookie it was given; with one the same request can be begun anew.
    NoCookies(Params),
    /// What was begun here is past its time, or never was.
    Expired,
    /// The request of this browser is past its time; the same can be begun anew.
    Late(Params),
    /// A form that another site's page sent.
    Forged,
    /// Anything else.
    Other(Error),
}

impl PageError {
    /// A sign-out that came to nothing.
    pub fn sign_out(error: impl Into<Error>) -> Self {
        Self::SignOut(error.into())
    }

    fn kind(&self) -> ProblemKind {
        match self {
            Self::Authorization(Error::Failed(_)) | Self::SignOut(Error::Failed(_)) | Self::Other(Error::Failed(_)) => {
                ProblemKind::Failed
            }
            Self::Authorization(Error::Refused(_)) => ProblemKind::Authorization,
            Self::SignOut(Error::Refused(_)) => ProblemKind::SignOut,
            Self::Other(Error::Refused(refusal)) if refusal.code == ErrorCode::TemporarilyUnavailable => {
                ProblemKind::Busy
            }
            Self::Other(Error::Refused(_)) => ProblemKind::Unreadable,
            Self::NoReference => ProblemKind::NothingAsked,
            Self::NoCookies(_) => ProblemKind::NoCookies,
            Self::Expired | Self::Late(_) => ProblemKind::RequestGone,
            Self::Forged => ProblemKind::FormRefused,
        }
    }

    fn developer(&self) -> Option<Developer> {
        match self {
            Self::Authorization(Error::Refused(refusal)) | Self::SignOut(Error::Refused(refusal)) => {
                Some(Developer { error: refusal.code, description: refusal.description.to_string() })
            }
            _ => None,
        }
    }

    /// What was wrong with the body of an authorization request, told as such: to its app's developer, too.
    #[must_use]
    pub fn of_authorization(self) -> Self {
        match self {
            Self::Other(error @ Error::Refused(_)) => Self::Authorization(error),
            other => other,
        }
    }

    /// The same of a sign-out.
    #[must_use]
    pub fn of_sign_out(self) -> Self {
        match self {
            Self::Other(error @ Error::Refused(_)) => Self::SignOut(error),
            other => other,
        }
    }

    /// Where the same request goes on.
    fn go_on(&self, server: &Server) -> Option<String> {
        match self {
            Self::Late(params) | Self::NoCookies(params) => {
                Some(format!("{}{AUTHORIZE}?{}", server.settings.base_path(), params.to_query()))
            }
            _ => None,
        }
    }

    fn into_error(self) -> Error {
        match self {
            Self::Authorization(error) | Self::SignOut(error) | Self::Other(error) => error,
            Self::NoReference => Refusal::new(ErrorCode::InvalidRequest, "`request` is missing").into(),
            Self::NoCookies(_) => Refusal::new(ErrorCode::InvalidRequest, "the browser keeps no cookies").into(),
            Self::Expired | Self::Late(_) => {
                Refusal::new(ErrorCode::InvalidRequest, "the page is past its time").into()
            }
            Self::Forged => {
                Refusal::new(ErrorCode::InvalidRequest, "the form was sent from a page of another site").into()
            }
        }
    }
}

impl MayConflict for PageError {
    fn store_error(&self) -> Option<&StoreError> {
        match self {
            Self::Authorization(error) | Self::SignOut(error) | Self::Other(error) => error.cause(),
            Self::NoReference | Self::NoCookies(_) | Self::Expired | Self::Late(_) | Self::Forged => None,
        }
    }
}

impl<E: Into<Error>> From<E> for PageError {
    #[track_caller]
    fn from(error: E) -> Self {
        Self::Other(error.into())
    }
}

/// A problem that still has to be shown.
#[derive(Clone)]
struct Unshown(Arc<std::sync::Mutex<Option<PageError>>>);

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        let mut response = self.kind().status().into_response();
        response.extensions_mut().insert(Unshown(Arc::new(std::sync::Mutex::new(Some(self)))));
        response
    }
}

/// Turn what went wrong into a page, around all routes that people see.
pub async fn show_problems(
    State(server): State<Arc<Server>>,
    visitor: Visitor,
    mut request: Request,
    next: Next,
) -> Response {
    let query = request.uri().query().unwrap_or_default().to_owned();
    let sent = SentForm::default();
    request.extensions_mut().insert(sent.clone());
    let (mut response, fault) = browser_sessions::watched(next.run(request)).await;
    let unshown = response.extensions_mut().remove::<Unshown>();
    let error = unshown.and_then(|own| own.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take());
    let error = match (error, fault) {
        // The session that could not be read is behind it, or the one that could not be kept: with its cause.
        (Some(PageError::Other(Error::Failed(_))), Some(fault)) => fault.into(),
        (None, Some(fault)) if response.status() == StatusCode::INTERNAL_SERVER_ERROR => fault.into(),
        (Some(error), _) => error,
        (None, _) => return response,
    };
    let kind = error.kind();
    let told = [query.as_bytes(), sent.body()].join(&b'&');
    let told = String::from_utf8_lossy(&told);
    // Who has failed asks for nothing more; what the browser has told is at hand.
    let behind = match kind {
        ProblemKind::Failed => Behind { back: None, ui_locales: once(&told, "ui_locales") },
        _ => Behind::find(&server, &told).await.unwrap_or_default(),
    };
    let Behind { back, ui_locales } = behind;
    let view = ProblemView { kind, go_on: error.go_on(&server), back, developer: error.developer() };
    let html = views::problem(&visitor.frame(visitor.locale(ui_locales.as_deref())), &view);
    let error = error.into_error();
    // Whoever shares out requests is to know that another try may do.
    let status = if StoreError::is_behind(&error) { StatusCode::SERVICE_UNAVAILABLE } else { kind.status() };
    let mut page = headers::page(html, PagePolicy { status, has_form: false, ..PagePolicy::default() });
    // A session cookie that was set on the way is still set.
    for cookie in response.headers().get_all(header::SET_COOKIE) {
        page.headers_mut().append(header::SET_COOKIE, cookie.clone());
    }
    dialect::note(&mut page, error);
    page
}

/// The app behind a page, as the page's address tells: by itself, or by the request that waits under the reference there.
#[derive(Debug, Default)]
pub struct Behind {
    /// The way back to it, if it is registered, enabled and at home on the web.
    pub back: Option<BackLink>,
    /// The languages it asks for (`ui_locales`).
    pub ui_locales: Option<String>,
}

impl Behind {
    /// Find it. An address that cannot be taken as a whole still says this much.
    ///
    /// # Errors
    /// When the database cannot.
    pub async fn find(server: &Server, query: &str) -> Result<Self> {
        let waiting = match once(query, "request") {
            // To the authorization endpoint itself, `request` means something else (OIDC Core §6.1).
            Some(id) if once(query, "client_id").is_none() => {
                authorization_requests::find(&mut server.store.read().await?, &id).await?
            }
            _ => None,
        };
        let query = waiting.as_ref().map_or(query, |waiting| &waiting.params);
        let client = match once(query, "client_id") {
            Some(id) => server.registry.find(&id).await?.filter(|client| client.enabled),
            None => None,
        };
        let back = client.and_then(|client| BackLink::to(client.name(), client.metadata.client_uri.as_deref()));
        Ok(Self { back, ui_locales: once(query, "ui_locales") })
    }
}

/// A parameter that is given exactly once.
fn once(query: &str, name: &str) -> Option<String> {
    let mut values = form_urlencoded::parse(query.as_bytes()).filter(|(own, _)| own == name).map(|(_, value)| value);
    match (values.next(), values.next()) {
        (Some(only), None) => Some(only.into_owned()),
        _ => None,
    }
}

/// Lead the browser to another page of ours. 303: what was posted is not posted again.
#[must_use]
pub fn see_other(server: &Server, path: &str) -> Response {
    redirect(&format!("{}{path}", server.settings.issuer))
}

/// Carry an answer to a client, as its response mode says.
#[must_use]
pub fn deliver(visitor: &Visitor, answer: &response::Response) -> Response {
    match answer.location() {
        Some(location) => {
            let mut response = redirect(&location);
            // The code in that URL is told to nobody else.
            response.headers_mut().insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
            response
        }
        None => {
            let locale = visitor.locale(answer.ui_locales.as_deref());
            let params: Vec<(&str, &str)> = answer.params.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let view =
                FormPostView { action: &answer.redirect_uri, params: &params, app: answer.client_name.as_str().into() };
            let html = views::form_post(&visitor.frame(locale), &view);
            let policy = PagePolicy {
                leads_to: Some(&answer.redirect_uri),
                has_form: false,
                is_popup: answer.is_popup,
                ..PagePolicy::default()
            };
            headers::page(html, policy)
        }
    }
}

/// Lead the browser to a URL that was found to be right.
#[must_use]
pub fn redirect(location: &str) -> Response {
    // A redirect URI is printable ASCII: others cannot be registered.
    match HeaderValue::from_str(location) {
        Ok(location) => (
            StatusCode::SEE_OTHER,
            [(header::LOCATION, location), (header::CACHE_CONTROL, HeaderValue::from_static("no-store"))],
        )
            .into_response(),
        Err(_) => PageError::Other(Error::broken("a redirect leads to what is no URL")).into_response(),
    }
}

//! The sample third-party app. It speaks to the server and to the resource server by HTTP alone.

use std::sync::Arc;

use axum::{
    Extension, Router,
    extract::{DefaultBodyLimit, FromRequest, RawQuery, Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use openidconnect::{core::CoreAuthPrompt, reqwest, url::form_urlencoded};
use subtle::ConstantTimeEq;

use super::{
    dashboard, pages,
    pages::{HomePage, Place, SignedOutPage, TroublePage, TroubleView},
    relying_party::{RelyingParty, Trouble},
    visits::{self, Person, Visits},
};
use crate::clock::Clock;

/// The app's name, as people see it when it asks for their consent.
pub const NAME: &str = "Fieldnotes";
/// What it asks for.
pub const SCOPE: &str = "openid profile email offline_access org kb:read kb:delete";
/// Where answers to sign-ins come back.
pub const CALLBACK: &str = "/callback";
/// Where sign-outs come back.
pub const SIGNED_OUT: &str = "/signed-out";
/// Where its logo is.
pub const LOGO: &str = pages::ICON;

const HOME: &str = "/";
const SIGN_IN: &str = "/sign-in";
const CALL: &str = "/call";
const REFRESH: &str = "/refresh";
const USERINFO: &str = "/userinfo";
const SIGN_OUT: &str = "/sign-out";

/// The app, running.
pub(super) struct App {
    pub(super) place: Place,
    pub(super) provider: RelyingParty,
    pub(super) visits: Visits,
    pub(super) http: reqwest::Client,
    pub(super) clock: Clock,
}

/// The app's routes.
pub(super) fn router(app: Arc<App>) -> Router {
    Router::new()
        .route(HOME, get(home))
        .route(SIGN_IN, post(sign_in))
        .route(CALLBACK, get(callback))
        .route(CALL, post(dashboard::call))
        .route(REFRESH, post(dashboard::refresh))
        .route(USERINFO, post(dashboard::userinfo))
        .route(SIGN_OUT, post(sign_out))
        .route(SIGNED_OUT, get(signed_out))
        .fallback(nothing_here)
        .layer(middleware::from_fn_with_state(app.clone(), know_the_browser))
        // No page depends on these, and they need no visit.
        .route(pages::STYLE, get(pages::style))
        .route(pages::ICON, get(pages::icon))
        .layer(DefaultBodyLimit::max(LONGEST_FORM))
        .with_state(app)
}

/// The browser a request comes from, by the id of its visit.
#[derive(Clone)]
pub(super) struct Browser(pub(super) String);

/// Find the browser's visit, or open one; set the cookie when the id is new.
async fn know_the_browser(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let known = app.visits.known(request.headers());
    let id = known.clone().unwrap_or_else(|| app.visits.open());
    request.extensions_mut().insert(Browser(id.clone()));
    let mut response = next.run(request).await;
    let id = response.extensions_mut().remove::<Browser>().map_or(id, |renewed| renewed.0);
    if known.as_ref() != Some(&id)
        && let Ok(value) = visits::cookie(&id).parse()
    {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    response
}

/// A form that this app wrote, sent by the browser it was written for.
pub(super) struct Form {
    pub(super) id: String,
    fields: Vec<(String, String)>,
}

impl Form {
    /// What a button or field of that name says.
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }
}

impl FromRequest<Arc<App>> for Form {
    type Rejection = Response;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Response> {
        let Some(Browser(id)) = request.extensions().get::<Browser>().cloned() else {
            return Err(StatusCode::INTERNAL_SERVER_ERROR.into_response());
        };
        let origin = request.headers().get(header::ORIGIN).cloned();
        let body = axum::body::Bytes::from_request(request, app).await.map_err(IntoResponse::into_response)?;
        let form = Self { id, fields: form_urlencoded::parse(&body).into_owned().collect() };
        let token = form.field("csrf").unwrap_or_default().as_bytes();
        let is_ours =
            app.visits.with(&form.id, |visit| bool::from(visit.csrf.as_bytes().ct_eq(token))).unwrap_or(false);
        if is_ours && origin.is_none_or(|origin| origin == app.place.app.as_str()) {
            Ok(form)
        } else {
            let words = "This button belongs to a page that has gone stale, or to another site. Nothing was done.";
            Err(app.trouble(StatusCode::FORBIDDEN, &form.id, "Please try again", TroubleView::plain(words.to_owned())))
        }
    }
}

impl App {
    /// The page for something that went wrong.
    fn trouble(&self, status: StatusCode, id: &str, heading: &str, trouble: TroubleView) -> Response {
        let csrf = self.csrf(id);
        let page = TroublePage { place: &self.place, csrf: &csrf, heading, trouble };
        pages::show(status, &self.place.issuer, &page)
    }

    fn no_sign_in(&self, id: &str, trouble: &Trouble) -> Response {
        let status = match trouble {
            Trouble::NoAnswer(_) => StatusCode::BAD_GATEWAY,
            Trouble::Refused { .. } | Trouble::Untrusted(_) => StatusCode::BAD_REQUEST,
        };
        self.trouble(status, id, "You are not signed in", TroubleView::new(trouble, &self.place.issuer))
    }

    fn csrf(&self, id: &str) -> String {
        self.visits.with(id, |visit| visit.csrf.clone()).unwrap_or_default()
    }
}

async fn home(State(app): State<Arc<App>>, Extension(Browser(id)): Extension<Browser>) -> Response {
    match app.visits.with(&id, |visit| visit.person.clone()).flatten() {
        Some(person) => dashboard::show(&app, &app.csrf(&id), &person),
        None => pages::show(StatusCode::OK, &app.place.issuer, &HomePage { place: &app.place, csrf: &app.csrf(&id) }),
    }
}

/// Send the browser to Latchkey.
async fn sign_in(State(app): State<Arc<App>>, form: Form) -> Response {
    let prompt = match form.field("prompt") {
        Some("consent") => Some(CoreAuthPrompt::Consent),
        Some("select_account") => Some(CoreAuthPrompt::SelectAccount),
        _ => None,
    };
    match app.provider.begin(prompt).await {
        Ok(begun) => {
            app.visits.with(&form.id, |visit| visit.begin(begun.state, begun.proof));
            see_other(begun.url.as_str())
        }
        Err(trouble) => app.no_sign_in(&form.id, &trouble),
    }
}

/// The browser comes back, with a code or with a refusal.
async fn callback(
    State(app): State<Arc<App>>,
    Extension(Browser(id)): Extension<Browser>,
    RawQuery(query): RawQuery,
) -> Response {
    match signed_in(&app, &id, query.as_deref().unwrap_or_default()).await {
        Ok(person) => {
            let Some(renewed) = app.visits.renew(&id) else { return see_other(HOME) };
            app.visits.with(&renewed, |visit| visit.person = Some(person));
            // A new address, so that a reload does not send the code again.
            (Extension(Browser(renewed)), see_other(HOME)).into_response()
        }
        Err(trouble) => app.no_sign_in(&id, &trouble),
    }
}

/// Check the answer in the order that trusts it least: whose it is, who says so, what it says.
async fn signed_in(app: &App, id: &str, query: &str) -> Result<Person, Trouble> {
    let fields: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let field = |name: &str| fields.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str());
    let proof = app.visits.with(id, |visit| visit.take(field("state").unwrap_or_default())).flatten();
    let proof = proof.ok_or_else(|| {
        Trouble::Untrusted("It belongs to no sign-in that this browser has begun, or to one that is over.".to_owned())
    })?;
    app.provider.check_issuer(field("iss")).await?;
    if let Some(code) = field("error") {
        let text = |name: &str| field(name).map(str::to_owned);
        return Err(Trouble::Refused {
            code: code.to_owned(),
            description: text("error_description"),
            uri: text("error_uri"),
        });
    }
    let code = field("code").ok_or_else(|| Trouble::Untrusted("It holds neither a code nor an error.".to_owned()))?;
    let tokens = app.provider.redeem(code, proof).await?;
    let userinfo = app.provider.userinfo(&tokens).await;
    Ok(Person { tokens, userinfo, call: None, refresh: None })
}

/// Forget the person here, then have Latchkey do so.
async fn sign_out(State(app): State<Arc<App>>, form: Form) -> Response {
    let Some(person) = app.visits.with(&form.id, |visit| visit.person.take()).flatten() else { return see_other(HOME) };
    let state = app.visits.state();
    let id = app.visits.leave(&form.id, &state);
    let next = match app.provider.logout_url(&person.tokens, &state).await {
        Ok(Some(url)) => url.to_string(),
        Ok(None) | Err(_) => SIGNED_OUT.to_owned(),
    };
    (Extension(Browser(id)), see_other(&next)).into_response()
}

async fn signed_out(
    State(app): State<Arc<App>>,
    Extension(Browser(id)): Extension<Browser>,
    RawQuery(query): RawQuery,
) -> Response {
    let query = query.unwrap_or_default();
    let state = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "state").map(|(_, value)| value);
    let Some((is_signed_in, leaving)) = app.visits.with(&id, |visit| (visit.person.is_some(), visit.leaving.clone()))
    else {
        return see_other(HOME);
    };
    if is_signed_in {
        return see_other(HOME);
    }
    let is_everywhere = leaving.is_some() && leaving.as_deref() == state.as_deref();
    let page = SignedOutPage { place: &app.place, csrf: &app.csrf(&id), is_everywhere };
    pages::show(StatusCode::OK, &app.place.issuer, &page)
}

async fn nothing_here(State(app): State<Arc<App>>, Extension(Browser(id)): Extension<Browser>) -> Response {
    let words = "There is no page at this address.".to_owned();
    app.trouble(StatusCode::NOT_FOUND, &id, "Nothing here", TroubleView::plain(words))
}

/// 303: whatever the request was, the next one is a GET.
pub(super) fn see_other(to: &str) -> Response {
    let mut headers = HeaderMap::new();
    if let Ok(to) = to.parse() {
        headers.insert(header::LOCATION, to);
    }
    headers.insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    (StatusCode::SEE_OTHER, headers).into_response()
}

const LONGEST_FORM: usize = 16 * 1_024;

//! The pages of the sample app and the sample resource server.

use askama::Template;
use axum::{
    http::{HeaderName, StatusCode, header},
    response::{Html, IntoResponse, Response},
};

use super::{
    relying_party::Trouble,
    visits::Call,
    words::{self, Change, Decoded, Line},
};

/// What every page of the app says of where it stands.
pub(super) struct Place {
    pub(super) app: String,
    pub(super) issuer: String,
    pub(super) api: String,
    pub(super) client_id: String,
    pub(super) scope: String,
}

/// Before anybody has signed in.
#[derive(Template)]
#[template(path = "demo/home.html")]
pub(super) struct HomePage<'a> {
    pub(super) place: &'a Place,
    pub(super) csrf: &'a str,
}

/// For somebody who is signed in.
#[derive(Template)]
#[template(path = "demo/dashboard.html")]
pub(super) struct DashboardPage<'a> {
    pub(super) place: &'a Place,
    pub(super) csrf: &'a str,
    pub(super) name: &'a str,
    pub(super) membership: Option<(&'a str, &'a str)>,
    pub(super) scope: &'a str,
    pub(super) id_token: Option<Decoded>,
    /// None if the access token is not meant to be read by anybody but Latchkey.
    pub(super) access_token: Option<Decoded>,
    pub(super) has_refresh_token: bool,
    pub(super) userinfo: Vec<Line>,
    pub(super) userinfo_trouble: Option<TroubleView>,
    pub(super) call: Option<&'a Call>,
    pub(super) refreshed: Option<RefreshView>,
    pub(super) refresh_trouble: Option<TroubleView>,
}

/// When a sign-in, or anything else, did not work.
#[derive(Template)]
#[template(path = "demo/trouble.html")]
pub(super) struct TroublePage<'a> {
    pub(super) place: &'a Place,
    pub(super) csrf: &'a str,
    pub(super) heading: &'a str,
    pub(super) trouble: TroubleView,
}

/// After signing out.
#[derive(Template)]
#[template(path = "demo/signed_out.html")]
pub(super) struct SignedOutPage<'a> {
    pub(super) place: &'a Place,
    pub(super) csrf: &'a str,
    /// Whether Latchkey sent the browser here to finish a sign-out that began here.
    pub(super) is_everywhere: bool,
}

/// What a person who opens the resource server in a browser sees.
#[derive(Template)]
#[template(path = "demo/api.html")]
pub(super) struct ApiPage<'a> {
    pub(super) url: &'a str,
    pub(super) issuer: &'a str,
    pub(super) scopes: &'a str,
}

/// What a refresh changed, as the page tells it: what is different, and the names of what is not.
pub(super) struct RefreshView {
    pub(super) id_token: (Vec<Change>, Vec<String>),
    pub(super) access_token: (Vec<Change>, Vec<String>),
    pub(super) is_refresh_token_new: bool,
}

/// Trouble as a page tells it: in words first, then as it came.
pub(super) struct TroubleView {
    pub(super) words: String,
    pub(super) code: Option<String>,
    pub(super) description: Option<String>,
    pub(super) more: Option<String>,
}

impl TroubleView {
    /// `issuer` is where a link may lead: nobody else's.
    pub(super) fn new(trouble: &Trouble, issuer: &str) -> Self {
        match trouble {
            Trouble::Refused { code, description, uri } => Self {
                words: words::error(code).to_owned(),
                code: Some(code.clone()),
                description: description.clone(),
                more: uri.clone().filter(|uri| uri.starts_with(&format!("{issuer}/"))),
            },
            Trouble::NoAnswer(what) => Self::plain(format!("Latchkey did not answer as expected. {what}")),
            Trouble::Untrusted(what) => Self::plain(format!("The answer was not accepted. {what}")),
        }
    }

    /// Words alone.
    pub(super) fn plain(words: String) -> Self {
        Self { words, code: None, description: None, more: None }
    }
}

/// The text of a page.
pub(super) fn render(page: &impl Template) -> String {
    page.render().expect("a String takes whatever is written to it")
}

/// An answer with a page. `issuer` is where its forms may lead besides the app itself.
pub(super) fn show(status: StatusCode, issuer: &str, page: &impl Template) -> Response {
    (status, headers(issuer), Html(render(page))).into_response()
}

/// No script, no frame, nothing from elsewhere, nothing kept in a cache.
fn headers(issuer: &str) -> [(HeaderName, String); 4] {
    let policy = format!(
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self' {issuer}; frame-ancestors 'none'; base-uri 'none'"
    );
    [
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::CACHE_CONTROL, "no-store".to_owned()),
        // Forms are recognised by their `Origin`, which `no-referrer` would blank.
        (header::REFERRER_POLICY, "same-origin".to_owned()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
    ]
}

/// `GET /style.css`
pub(super) async fn style() -> Response {
    file("text/css; charset=utf-8", include_str!("../../templates/demo/style.css"))
}

/// `GET /icon.svg`
pub(super) async fn icon() -> Response {
    file("image/svg+xml", include_str!("../../templates/demo/icon.svg"))
}

fn file(kind: &'static str, text: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, "max-age=60"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, text).into_response()
}

/// Where the style sheet is.
pub(super) const STYLE: &str = "/style.css";
/// Where the icon is.
pub(super) const ICON: &str = "/icon.svg";

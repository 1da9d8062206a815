//! Whole requests through the router, by somebody who is signed in or not: whatever comes, the answer is one of the
//! protocol's or a page, never a failure of ours, and nothing that was sent becomes markup.
#![no_main]

use std::{net::SocketAddr, sync::LazyLock};

use arbitrary::Arbitrary;
use axum::{
    Router,
    body::Body,
    extract::ConnectInfo,
    http::{HeaderMap, Request, StatusCode, header},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http_body_util::BodyExt;
use latchkey::{
    accounts::{self, NewAccount},
    authorization::request::PARAMETERS,
    clients::registration::{self, New, Wanted},
    clock::Clock,
    config::Settings,
    protocol::{GrantType, PlainSecret},
    random::Random,
    server::{self, Server},
};
use libfuzzer_sys::fuzz_target;
use tokio::runtime::Runtime;
use tower::ServiceExt;
use url::form_urlencoded::{Serializer, byte_serialize};

const ISSUER: &str = "http://localhost:8080";
const PASSWORD: &str = "correct horse battery";
const SECRET: &str = "a-secret-of-the-wiki-that-is-long-enough";
const ASKED: &str = "client_id=wiki&redirect_uri=https%3A%2F%2Fwiki.example%2Fcb&response_type=code&scope=openid+profile\
    &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256";

const PATHS: [&str; 21] = [
    "/authorize",
    "/authorize",
    "/authorize/resume",
    "/token",
    "/token",
    "/userinfo",
    "/introspect",
    "/revoke",
    "/logout",
    "/logout/confirm",
    "/logout/done",
    "/session/check",
    "/session/check/state",
    "/login",
    "/login/account",
    "/consent",
    "/account",
    "/errors",
    "/errors/x",
    "/",
    "/x",
];
const METHODS: [&str; 5] = ["GET", "POST", "POST", "HEAD", "OPTIONS"];
/// What else than an authorization request may say.
const OTHER_FIELDS: [&str; 21] = [
    "grant_type",
    "code",
    "code_verifier",
    "refresh_token",
    "client_secret",
    "token",
    "token_type_hint",
    "access_token",
    "post_logout_redirect_uri",
    "csrf",
    "username",
    "password",
    "action",
    "org",
    "name",
    "address",
    "logout_hint",
    "client_assertion",
    "client_assertion_type",
    "session_state",
    "origin",
];
const HEADERS: [&str; 8] = [
    "authorization",
    "cookie",
    "content-type",
    "origin",
    "accept-language",
    "accept",
    "x-forwarded-for",
    "sec-fetch-site",
];

/// A request somebody could send.
#[derive(Arbitrary, Debug)]
struct Sent<'a> {
    path: u8,
    method: u8,
    is_signed_in: bool,
    is_the_wiki: bool,
    begins_well: bool,
    query: Vec<(u8, &'a str)>,
    raw_query: &'a str,
    headers: Vec<(u8, &'a [u8])>,
    form: Vec<(u8, &'a str)>,
    raw_body: &'a [u8],
}

struct Site {
    runtime: Runtime,
    router: Router,
    cookies: String,
    csrf: String,
}

static SITE: LazyLock<Site> = LazyLock::new(|| {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let router = runtime.block_on(open());
    let mut site = Site { runtime, router, cookies: String::new(), csrf: String::new() };
    site.signs_in();
    site
});

fuzz_target!(|sent: Sent<'_>| {
    let site = &*SITE;
    let Some(request) = site.request(&sent) else { return };
    let (status, headers, body) = site.send(request);
    assert!(!status.is_server_error() || status == StatusCode::SERVICE_UNAVAILABLE, "{status} for {sent:?}: {body}");
    assert!(headers.contains_key("x-request-id"), "{status} for {sent:?}");
    let is_html = headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    assert!(!is_html || !body.contains("<zq") && !body.contains("\"zq="), "markup for {sent:?}: {body}");
});

impl Site {
    fn request(&self, sent: &Sent<'_>) -> Option<Request<Body>> {
        let path = PATHS[usize::from(sent.path) % PATHS.len()];
        let start = if sent.begins_well && path == "/authorize" { ASKED } else { "" };
        let query = [start, &encoded(&sent.query), sent.raw_query].join("&");
        let csrf = if sent.is_signed_in { format!("csrf={}", self.csrf) } else { String::new() };
        let form = [csrf.as_bytes(), encoded(&sent.form).as_bytes(), sent.raw_body].join(&b'&');
        let method = METHODS[usize::from(sent.method) % METHODS.len()];
        let mut request = Request::builder().method(method).uri(format!("{path}?{}", query.trim_matches('&')));
        for (name, value) in &sent.headers {
            request = request.header(HEADERS[usize::from(*name) % HEADERS.len()], *value);
        }
        if sent.is_signed_in {
            request = request.header(header::COOKIE, &self.cookies).header(header::ORIGIN, ISSUER);
        }
        if sent.is_the_wiki {
            let halves = format!("wiki:{}", byte_serialize(SECRET.as_bytes()).collect::<String>());
            let basic = base64::engine::general_purpose::STANDARD.encode(halves);
            request = request.header(header::AUTHORIZATION, format!("Basic {basic}"));
        }
        if sent.begins_well {
            request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        }
        request.body(if method == "POST" { form.into() } else { Body::empty() }).ok()
    }

    fn send(&self, mut request: Request<Body>) -> (StatusCode, HeaderMap, String) {
        request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 50_000))));
        self.runtime.block_on(async {
            let answer = self.router.clone().oneshot(request).await.expect("the router never fails");
            let (parts, body) = answer.into_parts();
            let body = body.collect().await.expect("a body").to_bytes();
            (parts.status, parts.headers, String::from_utf8(body.to_vec()).expect("text"))
        })
    }

    /// Go to the login page with alice's password, and stay signed in.
    fn signs_in(&mut self) {
        let mut page =
            self.follows(Request::get(format!("/authorize?{ASKED}")).body(Body::empty()).expect("a request"));
        let action = between(&page, "action=\"", "\"").replace("&amp;", "&");
        let form = Serializer::new(String::new())
            .append_pair("csrf", &between(&page, "name=\"csrf\" value=\"", "\""))
            .append_pair("request", &between(&page, "name=\"request\" value=\"", "\""))
            .append_pair("username", "alice")
            .append_pair("password", PASSWORD)
            .finish();
        let request = Request::post(action.strip_prefix(ISSUER).unwrap_or(&action))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::ORIGIN, ISSUER)
            .header(header::COOKIE, &self.cookies);
        self.follows(request.body(form.into()).expect("a request"));
        let request = Request::get("/account").header(header::COOKIE, &self.cookies);
        page = self.follows(request.body(Body::empty()).expect("a request"));
        self.csrf = between(&page, "name=\"csrf\" value=\"", "\"");
        assert!(page.contains("alice") && !self.csrf.is_empty(), "nobody is signed in: {page}");
    }

    /// The page that a request ends at, keeping cookies on the way.
    fn follows(&mut self, mut request: Request<Body>) -> String {
        loop {
            let (status, headers, body) = self.send(request);
            for cookie in headers.get_all(header::SET_COOKIE) {
                let pair = cookie.to_str().expect("a cookie").split(';').next().unwrap_or_default().to_owned();
                let name = pair.split_once('=').map_or("", |(name, _)| name);
                let others =
                    self.cookies.split("; ").filter(|own| !own.is_empty() && !own.starts_with(&format!("{name}=")));
                self.cookies = others.map(str::to_owned).chain([pair.clone()]).collect::<Vec<_>>().join("; ");
            }
            if status != StatusCode::SEE_OTHER {
                return body;
            }
            let location = headers[header::LOCATION].to_str().expect("a location");
            let Some(path) = location.strip_prefix(ISSUER) else { return body };
            request = Request::get(path).header(header::COOKIE, &self.cookies).body(Body::empty()).expect("a request");
        }
    }
}

/// A server with an app and a user, in a folder of its own.
async fn open() -> Router {
    let folder = tempfile::tempdir().expect("a folder").keep();
    let database_url = format!("sqlite:{}", folder.join("latchkey.db").display());
    let mut settings = Settings { issuer: ISSUER.to_owned(), database_url, ..Settings::default() };
    settings.keys.master_key = Some(PlainSecret::new(URL_SAFE_NO_PAD.encode([7; 32])));
    let server = Server::open(settings, Clock::System, Random::System).await.expect("the server opens");
    let now = server.clock.now();
    let alice = NewAccount {
        username: "alice".to_owned(),
        email: None,
        email_verified: false,
        claims: serde_json::Map::new(),
        password: Some(PlainSecret::new(PASSWORD)),
    };
    accounts::create(&server.store, &server.passwords, alice, now, &server.random).await.expect("an account");
    let wanted = Wanted {
        client_name: Some("The wiki".to_owned()),
        redirect_uris: Some(vec!["https://wiki.example/cb".to_owned()]),
        post_logout_redirect_uris: Some(vec!["https://wiki.example/bye".to_owned()]),
        grant_types: Some(vec![GrantType::AuthorizationCode, GrantType::RefreshToken, GrantType::ClientCredentials]),
        scope: Some("openid profile email offline_access orgs org kb:*".to_owned()),
        ..Wanted::default()
    };
    let wiki = New { id: Some("wiki".to_owned()), secret: Some(PlainSecret::new(SECRET)), wanted, ..New::default() };
    registration::create(&server.registry, wiki, now, &server.random).await.expect("a client");
    server::router(server)
}

fn field(number: u8) -> &'static str {
    let fields = PARAMETERS.len() + OTHER_FIELDS.len();
    PARAMETERS.iter().chain(&OTHER_FIELDS).nth(usize::from(number) % fields).expect("a field of that number")
}

fn encoded(fields: &[(u8, &str)]) -> String {
    let pairs = fields.iter().map(|(name, value)| (field(*name), *value));
    Serializer::new(String::new()).extend_pairs(pairs).finish()
}

fn between(text: &str, start: &str, end: &str) -> String {
    let rest = text.split_once(start).map_or("", |(_, rest)| rest);
    rest.split_once(end).map_or("", |(inside, _)| inside).to_owned()
}

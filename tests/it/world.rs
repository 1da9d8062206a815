//! What a test stands on: a server of its own on a database of its own, a clock that stands still, and actors.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Method, Request, StatusCode, header},
};
use http_body_util::BodyExt;
use latchkey::{
    accounts::{self, NewAccount},
    clients::{
        registration::{self, New, Wanted},
        resource,
    },
    clock::Clock,
    config::Settings,
    orgs,
    protocol::{GrantType, Lifetime, PlainSecret, Timestamp},
    random::Random,
    server::{self, Server},
};
use serde_json::Value;
use tower::ServiceExt;
use url::form_urlencoded;

pub(crate) use crate::database::{database_url, directory, store};
use crate::{database::Mould, wire};

/// When a test's world begins: 2030-01-01T00:00:00Z.
pub(crate) const BEGINNING: Timestamp = Timestamp(1_893_456_000);

/// The issuer of a test's server.
pub(crate) const ISSUER: &str = "http://localhost:8080";

/// The master key of a test's server.
pub(crate) const MASTER_KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

/// The password of everybody in a test.
pub(crate) const PASSWORD: &str = "correct horse battery";

/// A server, its database, its clock.
pub(crate) struct World {
    pub(crate) server: Arc<Server>,
    pub(crate) router: Router,
    pub(crate) clock: Clock,
    /// Where it listens, if it does: then every request goes there over a socket.
    pub(crate) address: Option<SocketAddr>,
}

impl World {
    /// A server with the default settings.
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// A server whose settings differ. Those of one issuer sign with the same keys, made once, unless they keep others.
    pub(crate) async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        static FIRST_START: Mould = Mould::new();
        let mut settings = settings();
        change(&mut settings);
        if settings.issuer != ISSUER || settings.keys.algorithms != Settings::default().keys.algorithms {
            return Self::apart(settings).await;
        }
        let first_start = async |url| {
            let world = Self::open(Settings { database_url: url, ..self::settings() }, Clock::fixed(BEGINNING)).await;
            world.server.store.close().await;
        };
        settings.database_url = FIRST_START.copy(first_start).await;
        Self::open(settings, Clock::fixed(BEGINNING)).await
    }

    /// A server whose keys are not those of any other.
    pub(crate) async fn with_keys_of_its_own() -> Self {
        Self::apart(settings()).await
    }

    async fn apart(settings: Settings) -> Self {
        Self::open(Settings { database_url: database_url().await, ..settings }, Clock::fixed(BEGINNING)).await
    }

    /// A server of today on this database: what it leaves there is good for the program.
    pub(crate) async fn of_today(database_url: &str) -> Self {
        let settings = Settings { database_url: database_url.to_owned(), ..settings() };
        Self::open(settings, Clock::System).await
    }

    /// Another node on the same database.
    pub(crate) async fn another_node(&self) -> Self {
        self.another_node_with(|_| {}).await
    }

    /// Another node on the same database, whose settings differ.
    pub(crate) async fn another_node_with(&self, change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = Settings::clone(&self.server.settings);
        change(&mut settings);
        Self::open(settings, self.clock.clone()).await
    }

    async fn open(settings: Settings, clock: Clock) -> Self {
        let server = Server::open(settings, clock.clone(), Random::System).await.expect("the server opens");
        Self { router: server::router(server.clone()), server, clock, address: None }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn advance(&self, by: Lifetime) {
        self.clock.advance(by);
    }

    /// Send a request as it is.
    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        if let Some(address) = self.address {
            return wire::send(address, request).await;
        }
        let mut request = request;
        let address: SocketAddr = ([127, 0, 0, 1], 50_000).into();
        request.extensions_mut().insert(axum::extract::ConnectInfo(address));
        let response = self.router.clone().oneshot(request).await.expect("the router never fails");
        let (parts, body) = response.into_parts();
        let body = body.collect().await.expect("the body can be read").to_bytes();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8(body.to_vec()).expect("the body is UTF-8"),
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(path).body(Body::empty()).expect("a request")).await
    }

    /// A form, with further headers.
    pub(crate) async fn post(&self, path: &str, headers: &[(&str, &str)], fields: &[(&str, &str)]) -> Answer {
        let mut request = Request::post(path).header(header::CONTENT_TYPE, FORM);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Body::from(encode(fields))).expect("a request")).await
    }

    /// Somebody with an account; the username is their name.
    pub(crate) async fn user(&self, username: &str) -> String {
        let claims = serde_json::json!({ "name": format!("{username} Example"), "locale": "en" });
        let Value::Object(claims) = claims else { unreachable!() };
        let new = NewAccount {
            username: username.to_owned(),
            email: Some(format!("{username}@example.com")),
            email_verified: true,
            claims,
            password: Some(PlainSecret::new(PASSWORD)),
        };
        let account =
            accounts::create(&self.server.store, &self.server.passwords, new, self.now(), &self.server.random)
                .await
                .expect("the account can be made");
        account.sub
    }

    /// An organisation with members, each with a role.
    pub(crate) async fn org(&self, slug: &str, members: &[(&str, &str)]) -> String {
        let new = orgs::NewOrg { slug, name: slug };
        let org = orgs::create(&self.server.store, new, self.now(), &self.server.random).await.expect("an org");
        for (sub, role) in members {
            orgs::add_member(&self.server.store, &org.id, sub, role, self.now()).await.expect("a member");
        }
        org.id
    }

    /// An API with scopes.
    pub(crate) async fn resource(&self, uri: &str, scope: &str, change: impl FnOnce(&mut resource::Wanted)) {
        let mut wanted = resource::Wanted {
            name: Some("Knowledge base".to_owned()),
            scope: Some(vec![scope.to_owned()]),
            ..resource::Wanted::default()
        };
        change(&mut wanted);
        resource::create(&self.server.registry, uri, &wanted, self.now()).await.expect("the resource can be made");
    }

    /// A confidential client of that id with one redirect URI and all grants.
    pub(crate) async fn app(&self, id: &str) -> App {
        self.app_with(id, |_| {}).await
    }

    /// A client that differs.
    pub(crate) async fn app_with(&self, id: &str, change: impl FnOnce(&mut Wanted)) -> App {
        let redirect_uri = format!("https://{id}.example/cb");
        let mut wanted = Wanted {
            client_name: Some(format!("The {id}")),
            redirect_uris: Some(vec![redirect_uri.clone()]),
            post_logout_redirect_uris: Some(vec![format!("https://{id}.example/bye")]),
            grant_types: Some(vec![
                GrantType::AuthorizationCode,
                GrantType::RefreshToken,
                GrantType::ClientCredentials,
            ]),
            scope: Some("openid profile email address phone offline_access orgs org kb:*".to_owned()),
            ..Wanted::default()
        };
        change(&mut wanted);
        let redirect_uri = wanted.redirect_uris.as_ref().and_then(|uris| uris.first().cloned()).unwrap_or(redirect_uri);
        // A public client has no refresh of its own accord; it may not act for itself either.
        if wanted.token_endpoint_auth_method == Some(latchkey::protocol::AuthMethod::None) {
            wanted.grant_types = Some(vec![GrantType::AuthorizationCode, GrantType::RefreshToken]);
        }
        let new = New { id: Some(id.to_owned()), wanted, ..New::default() };
        let (client, secret) =
            registration::create(&self.server.registry, new, self.now(), &self.server.random).await.expect("a client");
        App { id: client.id, secret: secret.map(|secret| secret.expose().to_owned()), redirect_uri }
    }

    /// A browser that nobody has used yet.
    pub(crate) fn browser(&self) -> Browser<'_> {
        Browser { world: self, cookies: Vec::new(), headers: Vec::new() }
    }
}

fn settings() -> Settings {
    let mut settings = Settings { issuer: ISSUER.to_owned(), ..Settings::default() };
    // Of the test itself: two servers on one database share it, others do not.
    settings.keys.master_key = Some(PlainSecret::new(MASTER_KEY));
    settings
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("JSON, not {}: {}", self.status, self.body))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    pub(crate) fn location(&self) -> &str {
        let location = self.header("location");
        assert!(!location.is_empty(), "no redirect but {}: {}", self.status, self.body);
        location
    }

    /// A parameter of the URL that the answer leads to, in its query or fragment.
    pub(crate) fn param(&self, name: &str) -> Option<String> {
        let location = self.location();
        let (_, query) = location.split_once(['?', '#'])?;
        form_urlencoded::parse(query.as_bytes()).find(|(own, _)| own == name).map(|(_, value)| value.into_owned())
    }

    /// That this is OAuth's refusal of that code, said as JSON.
    #[track_caller]
    pub(crate) fn refused(&self, code: &str) -> Value {
        assert!(self.status.is_client_error(), "{} {}", self.status, self.body);
        let body = self.json();
        assert_eq!(body["error"], code, "{body}");
        body
    }

    /// That this went well, and what it says.
    #[track_caller]
    pub(crate) fn ok(&self) -> Value {
        assert_eq!(self.status, StatusCode::OK, "{}", self.body);
        self.json()
    }
}

/// A client, as its own program knows it.
#[derive(Clone, Debug)]
pub(crate) struct App {
    pub(crate) id: String,
    pub(crate) secret: Option<String>,
    pub(crate) redirect_uri: String,
}

/// A PKCE verifier for tests, and its S256 challenge (RFC 7636, appendix B).
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(crate) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

impl App {
    /// Ask the token endpoint, authenticated as the client is.
    pub(crate) async fn token(&self, world: &World, fields: &[(&str, &str)]) -> Answer {
        self.post(world, "/token", fields).await
    }

    /// Ask any endpoint that clients authenticate at.
    pub(crate) async fn post(&self, world: &World, path: &str, fields: &[(&str, &str)]) -> Answer {
        match &self.secret {
            Some(secret) => {
                let basic = basic(&self.id, secret);
                world.post(path, &[("authorization", basic.as_str())], fields).await
            }
            None => {
                let mut fields = fields.to_vec();
                fields.push(("client_id", &self.id));
                world.post(path, &[], &fields).await
            }
        }
    }

    /// Exchange a code.
    pub(crate) async fn redeems(&self, world: &World, code: &str) -> Answer {
        self.token(
            world,
            &[
                ("grant_type", "authorization_code"),
                ("code", code),
                ("redirect_uri", &self.redirect_uri),
                ("code_verifier", VERIFIER),
            ],
        )
        .await
    }

    /// Exchange a refresh token.
    pub(crate) async fn refreshes(&self, world: &World, refresh_token: &str) -> Answer {
        self.token(world, &[("grant_type", "refresh_token"), ("refresh_token", refresh_token)]).await
    }

    /// The parameters of an authorization request.
    pub(crate) fn asks<'a>(&'a self, scope: &'a str) -> Vec<(&'a str, &'a str)> {
        vec![
            ("client_id", &self.id),
            ("redirect_uri", &self.redirect_uri),
            ("response_type", "code"),
            ("scope", scope),
            ("state", "s-t-a-t-e"),
            ("nonce", "n-o-n-c-e"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ]
    }
}

/// An `Authorization: Basic` header.
pub(crate) fn basic(id: &str, secret: &str) -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    format!("Basic {}", STANDARD.encode(format!("{}:{}", encode(id), encode(secret))))
}

/// A browser: it keeps cookies and sends forms with the `Origin` of the page they are on.
#[derive(Clone)]
pub(crate) struct Browser<'a> {
    pub(crate) world: &'a World,
    pub(crate) cookies: Vec<(String, String)>,
    /// Sent with every request.
    pub(crate) headers: Vec<(&'static str, String)>,
}

impl<'a> Browser<'a> {
    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        let path = path.strip_prefix(ISSUER).unwrap_or(path).to_owned();
        self.send(Method::GET, &path, Body::empty(), &[]).await
    }

    pub(crate) async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let headers = [(header::CONTENT_TYPE.as_str(), FORM), ("origin", ISSUER)];
        self.send(Method::POST, path, Body::from(encode(fields)), &headers).await
    }

    /// A request with whatever cookies there are.
    pub(crate) async fn send(&mut self, method: Method, path: &str, body: Body, headers: &[(&str, &str)]) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        if !self.cookies.is_empty() {
            let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request = request.header(header::COOKIE, cookies.join("; "));
        }
        let answer = self.world.send(request.body(body).expect("a request")).await;
        self.keep_cookies(&answer);
        answer
    }

    /// Keep the cookies that an answer sets, as if it had been asked for here.
    pub(crate) fn keep_cookies(&mut self, answer: &Answer) {
        for cookie in answer.headers.get_all(header::SET_COOKIE) {
            self.keep(cookie.to_str().expect("a cookie is ASCII"));
        }
    }

    fn keep(&mut self, cookie: &str) {
        let (pair, attributes) = cookie.split_once(';').unwrap_or((cookie, ""));
        let (name, value) = pair.split_once('=').expect("a cookie has a value");
        self.cookies.retain(|(own, _)| own != name);
        if !attributes.contains("Max-Age=0") && !value.is_empty() {
            self.cookies.push((name.to_owned(), value.to_owned()));
        }
    }

    /// Follow redirects as long as they stay on the server.
    pub(crate) async fn follow(&mut self, mut answer: Answer) -> Answer {
        for _ in 0..10 {
            if answer.status != StatusCode::SEE_OTHER || !answer.location().starts_with(ISSUER) {
                return answer;
            }
            let location = answer.location().to_owned();
            answer = self.get(&location).await;
        }
        panic!("redirects without end");
    }

    /// Begin an authorization request; it ends on a page or at the app.
    pub(crate) async fn authorizes(&mut self, params: &[(&str, &str)]) -> Answer {
        let answer = self.get(&format!("/authorize?{}", encode(params))).await;
        self.follow(answer).await
    }

    /// Send the form of a page, with what the page itself puts into it, and follow where it leads.
    pub(crate) async fn submits(&mut self, page: &Answer, fields: &[(&str, &str)]) -> Answer {
        let answer = self.submits_only(page, fields).await;
        self.follow(answer).await
    }

    /// The same, without following.
    pub(crate) async fn submits_only(&mut self, page: &Answer, fields: &[(&str, &str)]) -> Answer {
        let action = attribute(&page.body, "<form", "action").expect("the page has a form");
        let form = page.body.split("<form").nth(1).and_then(|rest| rest.split("</form>").next()).unwrap_or_default();
        let hidden: Vec<(String, String)> = form
            .split("<input")
            .filter(|input| input.contains("type=\"hidden\""))
            .filter_map(|input| {
                let input = format!("<input{input}");
                Some((attribute(&input, "<input", "name")?, attribute(&input, "<input", "value")?))
            })
            .filter(|(name, _)| fields.iter().all(|(own, _)| own != name))
            .collect();
        let mut all: Vec<(&str, &str)> = hidden.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        all.extend_from_slice(fields);
        self.post(&action, &all).await
    }

    /// Sign in on the page that is shown.
    pub(crate) async fn signs_in(&mut self, page: &Answer, username: &str) -> Answer {
        self.submits(page, &[("username", username), ("password", PASSWORD)]).await
    }

    /// Say yes on the page that is shown.
    pub(crate) async fn allows(&mut self, page: &Answer) -> Answer {
        assert!(page.body.contains("consent-allow"), "no consent page: {} {}", page.status, page.body);
        let org = field(&page.body, "org");
        let mut fields = vec![("action", "allow")];
        fields.extend(org.as_deref().map(|org| ("org", org)));
        self.submits(page, &fields).await
    }

    /// Go all the way: sign in where asked, say yes where asked. Ends at the app.
    pub(crate) async fn goes_through(&mut self, params: &[(&str, &str)], username: &str) -> Answer {
        let mut answer = self.authorizes(params).await;
        if answer.body.contains("id=\"login-submit\"") {
            answer = self.signs_in(&answer, username).await;
        }
        if answer.body.contains("id=\"consent-allow\"") {
            answer = self.allows(&answer).await;
        }
        answer
    }

    /// Go all the way and take the code.
    pub(crate) async fn code(&mut self, app: &App, scope: &str, username: &str) -> String {
        let answer = self.goes_through(&app.asks(scope), username).await;
        answer.param("code").unwrap_or_else(|| panic!("no code in {}", answer.location()))
    }
}

/// The value of a hidden or first field of that name.
pub(crate) fn field(html: &str, name: &str) -> Option<String> {
    html.match_indices("<input").find_map(|(at, _)| {
        let tag = html[at..].split_inclusive('>').next()?;
        if !tag.contains(&format!("name=\"{name}\"")) {
            return None;
        }
        attribute(tag, "<input", "value")
    })
}

/// An attribute of the first tag of that kind, with its character references resolved.
pub(crate) fn attribute(html: &str, tag: &str, name: &str) -> Option<String> {
    let tag = html[html.find(tag)?..].split_once('>')?.0;
    let value = tag.split_once(&format!(" {name}=\""))?.1.split_once('"')?.0;
    Some(
        value
            .replace("&#34;", "\"")
            .replace("&#39;", "'")
            .replace("&#60;", "<")
            .replace("&#62;", ">")
            .replace("&amp;", "&")
            .replace("&#38;", "&"),
    )
}

/// Fields as a form sends them.
pub(crate) fn encode(fields: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

const FORM: &str = "application/x-www-form-urlencoded";

/// The claims of a JWT, unverified: what a test wants to look at.
pub(crate) fn claims(token: &str) -> Value {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let payload = token.split('.').nth(1).expect("a JWT has a payload");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).expect("base64url")).expect("JSON")
}

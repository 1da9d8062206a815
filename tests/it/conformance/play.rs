//! A module's run for one variant: the client asks, the user answers as asked, and everything that comes is looked at.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use reqwest::Method;
use serde_json::Value;
use url::{Url, form_urlencoded};

use super::{
    browser::{self, Browser, Page, Sent, Visit},
    checks::{self, Expected},
    client::{CALLBACK, Client},
    plans::{self, ResponseMode, Variant},
    site::{Site, USERNAME},
};
use crate::world::{Answer, PASSWORD};

/// Play a module with everything that some plan runs it with, at a server of its own.
pub(super) async fn each(module: &str, act: impl AsyncFn(&mut Play<'_>)) {
    let site = Site::new().await;
    each_at(&site, module, act).await;
}

/// The same, at a server that there is.
pub(super) async fn each_at(site: &Site, module: &str, act: impl AsyncFn(&mut Play<'_>)) {
    let variants = plans::variants(module);
    assert!(!variants.is_empty(), "no plan has {module}");
    for variant in variants {
        println!("{module} with {variant:?}");
        let mut play = Play::begin(site, variant, Client::of(site, variant).await);
        act(&mut play).await;
        play.client.leaves(site).await;
    }
}

/// One run. The browser is new, and keeps its cookies until the end.
pub(super) struct Play<'a> {
    pub(super) site: &'a Site,
    pub(super) variant: Variant,
    pub(super) client: Client,
    pub(super) browser: Browser,
    /// Whose account it is.
    pub(super) username: &'static str,
    /// What goes with the `code_challenge` of requests.
    pub(super) verifier: Option<String>,
    /// How often the user has been asked to sign in, and to allow something.
    pub(super) asked_to_sign_in: usize,
    pub(super) asked_to_allow: usize,
}

/// The parameters of an authorization request, in order.
#[derive(Clone, Debug)]
pub(super) struct Request(pub(super) Vec<(String, String)>);

/// What came of a request that succeeded.
#[derive(Debug)]
pub(super) struct Flow {
    /// The parameters of the answer.
    pub(super) params: Params,
    /// What the token endpoint gave for the code.
    pub(super) tokens: Option<Value>,
    /// The ID token that counts: the token endpoint's, else that of the answer.
    pub(super) id_token: String,
    pub(super) claims: Value,
    /// The access token that counts, likewise.
    pub(super) access_token: Option<String>,
    pub(super) userinfo: Option<Value>,
}

/// The parameters of an answer.
#[derive(Clone, Debug)]
pub(super) struct Params(Vec<(String, String)>);

impl Request {
    /// Set a parameter, which comes last if it was not there.
    pub(super) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        match self.0.iter_mut().find(|(own, _)| own == name) {
            Some((_, own)) => *own = value.into(),
            None => self.0.push((name.to_owned(), value.into())),
        }
        self
    }

    pub(super) fn without(mut self, name: &str) -> Self {
        self.0.retain(|(own, _)| own != name);
        self
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn encoded(&self) -> String {
        form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.0).finish()
    }
}

impl Params {
    #[track_caller]
    fn read(text: &str) -> Self {
        let all: Vec<(String, String)> = form_urlencoded::parse(text.as_bytes()).into_owned().collect();
        let names: BTreeSet<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names.len(), all.len(), "something is said twice: {text}");
        Self(all)
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    fn names(&self) -> BTreeSet<&str> {
        self.0.iter().map(|(name, _)| name.as_str()).collect()
    }
}

impl<'a> Play<'a> {
    pub(super) fn begin(site: &'a Site, variant: Variant, client: Client) -> Self {
        let browser = Browser::new(site.http.clone(), &site.issuer);
        Self {
            site,
            variant,
            client,
            browser,
            username: USERNAME,
            verifier: None,
            asked_to_sign_in: 0,
            asked_to_allow: 0,
        }
    }

    /// An ordinary request, with a state that is long and of all kinds of characters.
    pub(super) fn asks(&self, scope: &str) -> Request {
        let request = Request(Vec::new())
            .with("client_id", self.client.id.as_str())
            .with("redirect_uri", CALLBACK)
            .with("scope", scope)
            .with("state", format!("{}~+ /?&=%ü", self.site.random(118)))
            .with("nonce", self.site.random(10))
            .with("response_type", self.variant.response_type);
        match self.variant.response_mode {
            ResponseMode::Default => request,
            ResponseMode::FormPost => request.with("response_mode", "form_post"),
        }
    }

    /// Send the user with a request, who signs in and allows where asked.
    pub(super) async fn sends(&mut self, request: &Request) -> Visit {
        let visit = self.browser.opens(&self.url_of(request)).await;
        self.goes_through(visit).await
    }

    pub(super) fn url_of(&self, request: &Request) -> String {
        format!("{}?{}", self.site.at("authorization_endpoint"), request.encoded())
    }

    /// Do on pages what they ask for.
    pub(super) async fn goes_through(&mut self, mut visit: Visit) -> Visit {
        for _ in 0..MOST_PAGES {
            let Visit::Here(page) = visit else { return visit };
            visit = if page.has("login-submit") {
                self.asked_to_sign_in += 1;
                let typed = [("username", self.username), ("password", PASSWORD)];
                self.browser.presses(&page, "login-submit", &typed).await
            } else if page.has("consent-allow") {
                self.asked_to_allow += 1;
                self.browser.presses(&page, "consent-allow", &[]).await
            } else if page.has("answer") {
                self.browser.presses(&page, "answer", &[]).await
            } else {
                return Visit::Here(page);
            };
        }
        panic!("page after page, last {visit:?}");
    }

    /// The answer to a request, which came the way that it had to.
    pub(super) async fn is_answered(&mut self, request: &Request) -> Params {
        let visit = self.sends(request).await;
        self.reads(request, visit)
    }

    /// What a visit has brought the client.
    #[track_caller]
    pub(super) fn reads(&self, request: &Request, visit: Visit) -> Params {
        let is_form = self.variant.response_mode == ResponseMode::FormPost;
        // Without a type of response there is only the query (RFC 6749 §4.1.2.1).
        let is_query = request.get("response_type").is_none_or(|own| own == "code");
        let params = came(visit.there(), request.get("redirect_uri").unwrap_or(CALLBACK), is_form, is_query);
        assert_eq!(params.get("state"), request.get("state"), "{params:?}");
        assert_eq!(params.get("iss"), Some(self.site.issuer.as_str()), "{params:?}");
        params
    }

    /// The same, where nothing was wrong; the tokens are fetched, and everything is right.
    pub(super) async fn succeeds(&mut self, request: &Request) -> Flow {
        let visit = self.sends(request).await;
        self.gets(request, visit).await
    }

    /// What a visit has brought, with the tokens for its code.
    pub(super) async fn gets(&mut self, request: &Request, visit: Visit) -> Flow {
        let params = self.reads(request, visit);
        self.is_whole(&params);
        let front = match params.get("id_token") {
            Some(token) => Some(self.front(request, &params, token).await),
            None => None,
        };
        let tokens = match params.get("code") {
            Some(code) => Some(checks::tokens(&self.redeems(code, request.get("redirect_uri")).await)),
            None => None,
        };
        let flow = self.flow(request, params, tokens, front).await;
        checks::typed(&flow.claims);
        flow
    }

    /// What is there of an answer is what the response type says, and nothing else but what goes with it.
    #[track_caller]
    fn is_whole(&self, params: &Params) {
        for what in ["code", "id_token"] {
            assert_eq!(params.get(what).is_some(), self.variant.gives(what), "{params:?}");
        }
        for name in ["access_token", "token_type", "expires_in"] {
            assert_eq!(params.get(name).is_some(), self.variant.gives("token"), "{params:?}");
        }
        let known = ["code", "id_token", "access_token", "token_type", "expires_in"];
        let others = ["state", "iss", "scope", "session_state"];
        assert!(params.names().iter().all(|name| known.contains(name) || others.contains(name)), "{params:?}");
        if let Some(code) = params.get("code") {
            checks::code(code);
        }
        if let Some(token) = params.get("access_token") {
            checks::bearer(token);
            checks::expires_in(&params.get("expires_in").and_then(|own| own.parse().ok()).unwrap_or_default());
            assert!(params.get("token_type").is_some_and(|own| own.eq_ignore_ascii_case("Bearer")), "{params:?}");
        }
    }

    async fn front(&self, request: &Request, params: &Params, token: &str) -> Value {
        let jwks = self.site.jwks().await;
        let (code, access_token) = (params.get("code"), params.get("access_token"));
        let expected = Expected { code, access_token, is_in_front: true, ..self.expected(request, &jwks) };
        checks::id_token(token, expected)
    }

    pub(super) fn expected<'e>(&'e self, request: &'e Request, jwks: &'e Value) -> Expected<'e> {
        Expected {
            jwks,
            issuer: &self.site.issuer,
            client_id: &self.client.id,
            now: self.site.world.now().0,
            nonce: request.get("nonce"),
            code: None,
            access_token: None,
            state: request.get("state"),
            is_in_front: false,
        }
    }

    async fn flow(&self, request: &Request, params: Params, tokens: Option<Value>, front: Option<Value>) -> Flow {
        let in_front = params.get("access_token").map(str::to_owned);
        let given = tokens.as_ref().map(|tokens| checks::text(tokens, "access_token").to_owned());
        let (id_token, claims) = match &tokens {
            Some(tokens) => {
                let jwks = self.site.jwks().await;
                let (token, access_token) = (checks::text(tokens, "id_token"), given.as_deref());
                let expected = Expected { access_token, code: params.get("code"), ..self.expected(request, &jwks) };
                (token.to_owned(), checks::id_token(token, expected))
            }
            None => (params.get("id_token").expect("it gives one").to_owned(), front.clone().expect("the same")),
        };
        if let Some(front) = front {
            // OIDC Core §3.3.3.6.
            assert_eq!((&front["sub"], &front["iss"]), (&claims["sub"], &claims["iss"]));
        }
        let mut userinfo = None;
        for token in [&in_front, &given].into_iter().flatten() {
            let told = self.is_told(token).await;
            assert_eq!(told["sub"], claims["sub"], "{told}");
            userinfo = Some(told);
        }
        Flow { params, tokens, id_token, claims, access_token: given.or(in_front), userinfo }
    }

    /// Redeem a code.
    pub(super) async fn redeems(&self, code: &str, redirect_uri: Option<&str>) -> Answer {
        let redirect_uri = redirect_uri.unwrap_or(CALLBACK);
        let mut fields = vec![("grant_type", "authorization_code"), ("code", code), ("redirect_uri", redirect_uri)];
        fields.extend(self.verifier.as_deref().map(|verifier| ("code_verifier", verifier)));
        self.client.asks(self.site, "token_endpoint", &fields).await
    }

    /// What userinfo tells for an access token.
    pub(super) async fn is_told(&self, access_token: &str) -> Value {
        let request = self.site.http.get(self.site.at("userinfo_endpoint")).bearer_auth(access_token);
        let told = checks::json(&browser::answer(request).await, StatusCode::OK);
        checks::typed(&told);
        told
    }

    /// The answer is a refusal, by one of these codes.
    pub(super) async fn is_refused(&mut self, request: &Request, errors: &[&str]) {
        let visit = self.sends(request).await;
        self.is_told_no(request, visit, errors);
    }

    #[track_caller]
    pub(super) fn is_told_no(&self, request: &Request, visit: Visit, errors: &[&str]) {
        let params = self.reads(request, visit);
        checks::error_of_authorization(&params.0);
        assert!(params.get("error").is_some_and(|error| errors.contains(&error)), "{params:?}");
    }

    /// The answer is a page of the server that says what is wrong, and no app hears of it.
    pub(super) async fn is_shown_an_error(&mut self, request: &Request) {
        let visit = self.sends(request).await;
        is_error_page(&visit.here(), "Authorization error");
    }
}

/// That a page says so, and leads nowhere by itself.
#[track_caller]
pub(super) fn is_error_page(page: &Page, title: &str) {
    assert_eq!((page.answer.status, page.title().as_str()), (StatusCode::BAD_REQUEST, title), "{page:?}");
    assert!(page.answer.headers.get("refresh").is_none() && !page.answer.body.contains("http-equiv"), "{page:?}");
}

/// The parameters of an answer that came to where it had to, and the way it had to.
#[track_caller]
fn came(sent: Sent, redirect_uri: &str, is_form: bool, is_query: bool) -> Params {
    let Sent { method, mut url, body } = sent;
    let (fragment, query) = (url.fragment().map(str::to_owned), url.query().unwrap_or_default().to_owned());
    let own = Url::parse(redirect_uri).expect("a URL");
    let own_query = own.query().unwrap_or_default();
    url.set_fragment(None);
    url.set_query(own.query());
    assert_eq!(url, own, "another address");
    if is_form {
        assert_eq!((method, query.as_str(), fragment), (Method::POST, own_query, None));
        return Params::read(&body);
    }
    assert_eq!((method, body.as_str()), (Method::GET, ""));
    if is_query {
        assert_eq!(fragment, None);
        let added = query.strip_prefix(own_query).expect("its own query is kept");
        return Params::read(added.trim_start_matches('&'));
    }
    assert_eq!(query, own_query, "nothing is said in the query");
    Params::read(&fragment.expect("it is said in the fragment"))
}

const MOST_PAGES: usize = 6;

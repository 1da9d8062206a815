//! A browser without scripts, as strict as one has to be: which cookies travel where, and what a page may send whom.

use axum::http::{HeaderMap, header};
use reqwest::Method;
use url::{Origin, Url};

use crate::{
    forms::{self, Form},
    world::Answer,
};

/// Somebody's browser, before anything was done with it.
pub(super) struct Browser {
    http: reqwest::Client,
    issuer: Origin,
    cookies: Vec<Cookie>,
}

#[derive(Debug)]
struct Cookie {
    name: String,
    value: String,
    is_for_any_site: bool,
    is_hidden_from_scripts: bool,
}

/// Where a visit ends.
#[derive(Debug)]
pub(super) enum Visit {
    /// On a page of the server.
    Here(Page),
    /// At another site.
    There(Sent),
}

/// A page of the server.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) url: Url,
    pub(super) answer: Answer,
}

/// What the browser asks another site for.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) body: String,
}

/// What is asked for next, and from where.
struct Step {
    method: Method,
    url: Url,
    body: String,
    origin: String,
    is_same_site: bool,
    /// The policy of the page whose form it is: it binds redirects as well.
    policy: Option<(String, Url)>,
}

impl Browser {
    pub(super) fn new(http: reqwest::Client, issuer: &str) -> Self {
        let issuer = Url::parse(issuer).expect("a URL").origin();
        Self { http, issuer, cookies: Vec::new() }
    }

    /// Follow a link of an app, and whatever redirects there are.
    pub(super) async fn opens(&mut self, url: &str) -> Visit {
        let url = Url::parse(url).expect("a URL");
        let (body, origin) = (String::new(), String::new());
        self.goes(Step { method: Method::GET, url, body, origin, is_same_site: false, policy: None }).await
    }

    /// Send the form of an app.
    pub(super) async fn posts(&mut self, url: &str, body: &str) -> Visit {
        let url = Url::parse(url).expect("a URL");
        let (body, origin) = (body.to_owned(), "https://app.example".to_owned());
        self.goes(Step { method: Method::POST, url, body, origin, is_same_site: false, policy: None }).await
    }

    /// Fill in the form of a page, and press the button of that id.
    pub(super) async fn presses(&mut self, page: &Page, button: &str, typed: &[(&str, &str)]) -> Visit {
        let Form { action, filled } = forms::form(&page.answer.body, button, typed);
        let url = page.url.join(&action).expect("a form's action is a URL");
        let origin = page.url.origin().ascii_serialization();
        let policy = page.answer.header("content-security-policy").to_owned();
        let policy = Some((policy, page.url.clone()));
        self.goes(Step { method: Method::POST, url, body: filled, origin, is_same_site: true, policy }).await
    }

    async fn goes(&mut self, mut step: Step) -> Visit {
        for _ in 0..MOST_REDIRECTS {
            if let Some((policy, page)) = &step.policy {
                assert!(may_send(policy, page, &step.url), "{page} may not send a form to {}: {policy}", step.url);
            }
            if step.url.origin() != self.issuer {
                return Visit::There(Sent { method: step.method, url: step.url, body: step.body });
            }
            let url = step.url.clone();
            let answer = self.asks(&step).await;
            if !answer.status.is_redirection() {
                return Visit::Here(Page { url, answer });
            }
            step.url = url.join(answer.location()).expect("a redirect leads to a URL");
            // RFC 9110 §15.4: all that browsers turn into a GET; 307 would post a password to the app (RFC 9700 §4.12).
            assert!([302, 303].contains(&answer.status.as_u16()), "{answer:?}");
            (step.method, step.body) = (Method::GET, String::new());
        }
        panic!("redirected in circles, last to {}", step.url);
    }

    async fn asks(&mut self, step: &Step) -> Answer {
        let mut request = self.http.request(step.method.clone(), step.url.clone());
        // `Lax` lets cookies travel from another site only where the address bar changes by a GET.
        let is_lax = step.is_same_site || step.method == Method::GET;
        let sent = self.cookies.iter().filter(|cookie| is_lax || cookie.is_for_any_site);
        let sent: Vec<String> = sent.map(|cookie| format!("{}={}", cookie.name, cookie.value)).collect();
        if !sent.is_empty() {
            request = request.header(header::COOKIE, sent.join("; "));
        }
        if step.method == Method::POST {
            request = request
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .header(header::ORIGIN, &step.origin)
                .body(step.body.clone());
        }
        let answer = answer(request).await;
        self.keeps(&answer.headers);
        answer
    }

    fn keeps(&mut self, headers: &HeaderMap) {
        for cookie in headers.get_all(header::SET_COOKIE) {
            let cookie = cookie.to_str().expect("a cookie is ASCII");
            let mut parts = cookie.split(';').map(str::trim);
            let (name, value) = parts.next().and_then(|pair| pair.split_once('=')).expect("a cookie has a name");
            let attributes: Vec<String> = parts.map(str::to_ascii_lowercase).collect();
            let has = |attribute: &str| attributes.iter().any(|own| own == attribute);
            assert!(has("secure"), "{cookie}");
            assert!(!name.starts_with("__Host-") || has("path=/"), "a browser drops {cookie}");
            assert!(!attributes.iter().any(|own| own.starts_with("domain=")), "{cookie}");
            self.cookies.retain(|own| own.name != name);
            if !value.is_empty() && !has("max-age=0") {
                self.cookies.push(Cookie {
                    name: name.to_owned(),
                    value: value.to_owned(),
                    is_for_any_site: has("samesite=none"),
                    is_hidden_from_scripts: has("httponly"),
                });
            }
        }
    }

    /// The cookies that a frame of the server inside another site can read by its script.
    pub(super) fn cookies_of_a_frame(&self) -> Vec<(&str, &str)> {
        let read = self.cookies.iter().filter(|own| own.is_for_any_site && !own.is_hidden_from_scripts);
        read.map(|own| (own.name.as_str(), own.value.as_str())).collect()
    }
}

impl Page {
    pub(super) fn has(&self, id: &str) -> bool {
        self.answer.body.contains(&format!("id=\"{id}\""))
    }

    /// What its frames show.
    pub(super) fn sources_of_frames(&self) -> Vec<Url> {
        let tags = self.answer.body.split("<iframe").skip(1);
        let sources = tags.map(|tag| forms::attribute(tag, "src").expect("a frame shows something"));
        sources.map(|source| self.url.join(&source).expect("a URL")).collect()
    }

    /// Where it leads by itself, without scripts.
    pub(super) fn leads_to(&self) -> Option<Url> {
        let tag = self.answer.body.split("http-equiv=\"refresh\"").nth(1)?;
        let content = forms::attribute(tag, "content")?;
        self.url.join(content.split_once("url=")?.1).ok()
    }

    pub(super) fn title(&self) -> String {
        let heading = self.answer.body.split("<h1").nth(1).and_then(|rest| rest.split("</h1>").next());
        forms::plain(&format!("<h1{}", heading.unwrap_or_default())).trim().to_owned()
    }
}

impl Visit {
    /// The page that it has to be.
    #[track_caller]
    pub(super) fn here(self) -> Page {
        match self {
            Self::Here(page) => page,
            Self::There(sent) => panic!("sent away: {sent:?}"),
        }
    }

    /// What has to have been sent to another site.
    #[track_caller]
    pub(super) fn there(self) -> Sent {
        match self {
            Self::There(sent) => sent,
            Self::Here(page) => panic!("still on {} ({}): {}", page.url, page.answer.status, page.answer.body),
        }
    }
}

/// Send a request, and read the whole of the answer.
pub(super) async fn answer(request: reqwest::RequestBuilder) -> Answer {
    let answer = request.send().await.expect("the server answers");
    let (status, headers) = (answer.status(), answer.headers().clone());
    Answer { status, headers, body: answer.text().await.expect("a text") }
}

/// What `form-action` of a page's policy lets its forms be sent to (CSP 3 §6.4.1).
fn may_send(policy: &str, page: &Url, to: &Url) -> bool {
    let directive = policy.split(';').map(str::trim).find_map(|own| own.strip_prefix("form-action"));
    let Some(sources) = directive else { return true };
    sources.split_whitespace().any(|source| match source {
        "'self'" => to.origin() == page.origin(),
        "'none'" => false,
        source if source.ends_with(':') => source.trim_end_matches(':') == to.scheme(),
        source => Url::parse(source).is_ok_and(|source| source.origin() == to.origin()),
    })
}

const MOST_REDIRECTS: usize = 12;

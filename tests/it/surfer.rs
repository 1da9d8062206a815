//! A browser without a window: cookies, redirects and forms over real sockets, no script.

use std::collections::BTreeMap;

use openidconnect::{
    reqwest::{self, Method, header},
    url::Url,
};

use crate::forms::{self, Form, plain};

/// Somebody's browser. Like any browser, it does not tell the ports of a host apart when it comes to cookies.
pub(crate) struct Surfer {
    http: reqwest::Client,
    cookies: BTreeMap<String, String>,
}

/// A page it has arrived at.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) url: Url,
    pub(crate) status: u16,
    pub(crate) html: String,
}

impl Surfer {
    pub(crate) fn new() -> Self {
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build();
        Self { http: http.expect("a client"), cookies: BTreeMap::new() }
    }

    /// Go to an address, and on to wherever it leads.
    pub(crate) async fn open(&mut self, url: &str) -> Page {
        self.go(Method::GET, url.parse().expect("a URL"), None).await
    }

    /// Fill in the form of a page and press the button with that id.
    pub(crate) async fn press(&mut self, page: &Page, button: &str, fields: &[(&str, &str)]) -> Page {
        let Form { action, filled } = forms::form(&page.html, button, fields);
        let url = page.url.join(&action).expect("a form's action is a URL");
        self.go(Method::POST, url, Some((filled, page.url.origin().ascii_serialization()))).await
    }

    /// Send a form that no page has offered.
    pub(crate) async fn post(&mut self, url: &str, body: &str, origin: &str) -> Page {
        self.go(Method::POST, url.parse().expect("a URL"), Some((body.to_owned(), origin.to_owned()))).await
    }

    async fn go(&mut self, method: Method, url: Url, form: Option<(String, String)>) -> Page {
        let (mut method, mut url, mut form) = (method, url, form);
        for _ in 0..MOST_REDIRECTS {
            let mut request = self.http.request(method, url.clone());
            let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            if !cookies.is_empty() {
                request = request.header(header::COOKIE, cookies.join("; "));
            }
            if let Some((body, origin)) = form.take() {
                request = request
                    .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                    .header(header::ORIGIN, origin)
                    .body(body);
            }
            let answer = request.send().await.expect("the server answers");
            for cookie in answer.headers().get_all(header::SET_COOKIE) {
                self.keep(cookie.to_str().expect("a readable cookie"));
            }
            let status = answer.status();
            if status.is_redirection() {
                assert_eq!(status.as_u16(), 303, "every redirect is a 303");
                let location = answer.headers().get(header::LOCATION).expect("a redirect leads somewhere");
                url = url.join(location.to_str().expect("a readable location")).expect("a URL");
                method = Method::GET;
                continue;
            }
            return Page { url, status: status.as_u16(), html: answer.text().await.expect("a text") };
        }
        panic!("redirected in circles, last to {url}");
    }

    fn keep(&mut self, cookie: &str) {
        let mut parts = cookie.split(';').map(str::trim);
        let (name, value) = parts.next().and_then(|pair| pair.split_once('=')).expect("a cookie has a name");
        if value.is_empty() || parts.any(|part| part.eq_ignore_ascii_case("max-age=0")) {
            self.cookies.remove(name);
        } else {
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
    }

    /// The names of the cookies it holds.
    pub(crate) fn cookie_names(&self) -> Vec<&str> {
        self.cookies.keys().map(String::as_str).collect()
    }
}

impl Page {
    /// The text of the element with that id, tags left out and entities resolved.
    pub(crate) fn text_of(&self, id: &str) -> String {
        let from = self.html.find(&format!("id=\"{id}\"")).unwrap_or_else(|| panic!("no #{id} on {self}"));
        let opened = self.html[..from].rfind('<').expect("an attribute stands in a tag");
        let tag = self.html[opened + 1..].split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
        let inner = &self.html[opened + self.html[opened..].find('>').expect("a tag ends") + 1..];
        plain(&inner[..inner.find(&format!("</{tag}>")).expect("an element ends")])
    }

    /// Whether there is an element with that id.
    pub(crate) fn has(&self, id: &str) -> bool {
        self.html.contains(&format!("id=\"{id}\""))
    }

    /// The tokens that stand on the page as they came: the ID token, then the access token.
    pub(crate) fn raw_tokens(&self) -> Vec<String> {
        let pieces = self.html.split("<pre class=\"raw\">").skip(1);
        pieces.map(|piece| plain(piece.split("</pre>").next().unwrap_or_default())).collect()
    }
}

impl std::fmt::Display for Page {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({}):\n{}", self.url, self.status, self.html)
    }
}

const MOST_REDIRECTS: usize = 12;

//! Who takes part: the app that asks and the person who answers, made fit to be shown.

use std::{fmt, ops::Deref};

use url::{Host, Url};

use super::Frame;
use crate::protocol::text;

/// A text from elsewhere that is fit to be shown: without controls and without the marks that turn the direction of
/// what follows (a name could end in one and rewrite our sentence), and of a length that fits a page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown(String);

impl From<&str> for Shown {
    fn from(text: &str) -> Self {
        let plain = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let mut shown: String = plain.chars().filter(|c| !text::is_active(*c)).take(LONGEST).collect();
        if plain.chars().count() > LONGEST {
            shown.push('…');
        }
        Self(shown)
    }
}

impl From<String> for Shown {
    fn from(text: String) -> Self {
        text.as_str().into()
    }
}

impl Deref for Shown {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

const LONGEST: usize = 120;

/// An app, as people are shown it.
#[derive(Clone, Debug)]
pub struct ClientView {
    /// What it calls itself.
    pub name: Shown,
    /// Where its answer goes: the one thing about it that is certain.
    pub place: Place,
    /// `logo_uri`
    pub logo_uri: Option<String>,
    /// `client_uri`
    pub client_uri: Option<String>,
    /// `policy_uri`
    pub policy_uri: Option<String>,
    /// `tos_uri`
    pub tos_uri: Option<String>,
    /// Whether an operator has registered it; if not, the page says so.
    pub verified: bool,
}

impl ClientView {
    pub(super) fn logo(&self) -> Option<&str> {
        web_address(self.logo_uri.as_deref())
    }

    pub(super) fn website(&self) -> Option<&str> {
        web_address(self.client_uri.as_deref())
    }

    pub(super) fn policy(&self) -> Option<&str> {
        web_address(self.policy_uri.as_deref())
    }

    pub(super) fn terms(&self) -> Option<&str> {
        web_address(self.tos_uri.as_deref())
    }
}

/// Nothing but the web is linked or loaded, whatever was registered.
fn web_address(uri: Option<&str>) -> Option<&str> {
    uri.filter(|uri| Url::parse(uri).is_ok_and(|url| matches!(url.scheme(), "https" | "http")))
}

/// Where an app lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// On the web: its host, and its port where that is not the scheme's own.
    Web(String),
    /// On the user's own device, at a loopback address.
    Device(String),
    /// An app on the device that owns this URI scheme.
    App(String),
}

impl Place {
    /// The place a redirect URI leads to. A host stands as it is looked up (`xn--…`), so that no letter can pass for another.
    #[must_use]
    pub fn of(redirect_uri: &str) -> Self {
        let Ok(url) = Url::parse(redirect_uri) else { return Self::App(redirect_uri.to_owned()) };
        let with_port =
            |host: &dyn fmt::Display| url.port().map_or_else(|| host.to_string(), |port| format!("{host}:{port}"));
        match url.host() {
            Some(host) if matches!(url.scheme(), "http" | "https") => match host {
                Host::Ipv4(ip) if ip.is_loopback() => Self::Device(with_port(&host)),
                Host::Ipv6(ip) if ip.is_loopback() => Self::Device(with_port(&host)),
                Host::Domain("localhost") => Self::Device(with_port(&host)),
                _ => Self::Web(with_port(&host)),
            },
            _ => Self::App(format!("{}:", url.scheme())),
        }
    }

    pub(super) fn words(&self, frame: &Frame<'_>) -> String {
        match self {
            Self::Web(host) => host.clone(),
            Self::Device(host) => frame.with("place-device", "host", host),
            Self::App(scheme) => frame.with("place-app", "scheme", scheme),
        }
    }
}

/// A person, as they call themselves.
#[derive(Clone, Debug)]
pub struct Person {
    /// The full name, or the username where there is none.
    pub name: Shown,
    /// What tells two people of that name apart: the username or the e-mail address.
    pub detail: Option<Shown>,
}

impl Person {
    /// The detail, unless it says the name once more.
    pub(super) fn detail(&self) -> Option<&str> {
        self.detail.as_deref().filter(|detail| **detail != *self.name)
    }
}

/// A way back to an app, where that is safe: to an address on the web that the app has registered.
#[derive(Clone, Debug)]
pub struct BackLink {
    app: Shown,
    href: String,
}

impl BackLink {
    /// The way back to an app's own address, such as its `client_uri`; `None` when there is none on the web.
    #[must_use]
    pub fn to(app: &str, uri: Option<&str>) -> Option<Self> {
        let url = Url::parse(web_address(uri)?).ok()?;
        Some(Self { app: app.into(), href: url.into() })
    }

    pub(super) fn app(&self) -> &str {
        &self.app
    }

    pub(super) fn href(&self) -> &str {
        &self.href
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_turn_the_sentence_around() {
        assert_eq!(&*Shown::from("Wiki\u{202e}gnp.exe\u{2069}\u{0}\u{7}"), "Wikignp.exe");
        assert_eq!(&*Shown::from("  two\r\n  lines\t "), "two lines");
        assert_eq!(Shown::from("x".repeat(5_000)).chars().count(), 121);
        assert_eq!(&*Shown::from("日本語 ويكي"), "日本語 ويكي");
    }

    #[test]
    fn who_has_no_name_is_not_named_twice() {
        let person = |name: &str, detail: &str| Person { name: name.into(), detail: Some(detail.into()) };
        assert_eq!(person("alice", "alice").detail(), None);
        assert_eq!(person("Alice", "alice").detail(), Some("alice"));
    }

    #[test]
    fn an_app_is_placed_by_where_its_answer_goes() {
        for (uri, place) in [
            ("https://wiki.example/cb?x=1", Place::Web("wiki.example".into())),
            ("https://wiki.example:8443/cb", Place::Web("wiki.example:8443".into())),
            ("https://wíki.example/cb", Place::Web("xn--wki-rma.example".into())),
            ("http://127.0.0.1:5000/cb", Place::Device("127.0.0.1:5000".into())),
            ("http://[::1]/cb", Place::Device("[::1]".into())),
            ("http://localhost:8081/cb", Place::Device("localhost:8081".into())),
            ("com.example.app:/cb", Place::App("com.example.app:".into())),
            ("com.example.app://wiki.example/cb", Place::App("com.example.app:".into())),
        ] {
            assert_eq!(Place::of(uri), place, "{uri}");
        }
    }

    #[test]
    fn only_the_web_is_linked() {
        for uri in ["javascript:alert(1)", "data:text/html,x", "ftp://a.example/", "//a.example", ""] {
            assert_eq!(web_address(Some(uri)), None, "{uri}");
            assert!(BackLink::to("Wiki", Some(uri)).is_none(), "{uri}");
        }
        assert_eq!(web_address(Some("https://a.example/p")), Some("https://a.example/p"));
    }
}

//! Where a client's answers may go (RFC 6749 §3.1.2, RFC 8252 §7, OIDC Registration §2).

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use url::Url;

use super::{ErrorCode, Refusal, words};

words! {
    /// Where a client runs (OIDC Registration §2, `application_type`).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum ApplicationType {
        /// On a web server, or in a page that came from one.
        #[default]
        Web = "web",
        /// Installed on somebody's device.
        Native = "native",
    }
}

/// A redirect URI that may be registered. It is kept to the letter, and compared to the letter.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct RedirectUri(String);

impl RedirectUri {
    /// Read a redirect URI that a client of that type wants to register.
    ///
    /// `https` is for everybody, `http` only for the machine itself, an app's own scheme only for native clients.
    ///
    /// # Errors
    /// `invalid_redirect_uri`, naming the URI and what is wrong with it.
    pub fn parse(text: &str, application_type: ApplicationType) -> Result<Self, Refusal> {
        for check in CHECKS {
            check(text).map_err(|what| refuse(text, what))?;
        }
        let url = Url::parse(text).map_err(|_| refuse(text, "is not an absolute URI"))?;
        let scheme = url.scheme();
        if !text.starts_with(scheme) {
            return Err(refuse(text, "has capital letters in its scheme"));
        }
        match scheme {
            "https" => is_plain_web_address(text, &url).map_err(|what| refuse(text, what))?,
            "http" => {
                is_plain_web_address(text, &url).map_err(|what| refuse(text, what))?;
                if !matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]")) {
                    return Err(refuse(text, "is not https; http is for localhost, 127.0.0.1 and [::1] alone"));
                }
            }
            scheme if is_dangerous(scheme) => {
                return Err(refuse(text, "has a scheme that no app of its own has"));
            }
            scheme if text.len() <= scheme.len() + 1 => return Err(refuse(text, "has nothing after its scheme")),
            _ if application_type == ApplicationType::Native => {}
            _ => {
                return Err(refuse(
                    text,
                    "has a scheme of its own, which only a native client may have (application_type native)",
                ));
            }
        }
        Ok(Self(text.to_owned()))
    }

    /// As it was registered.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a request may name this one by `asked`: the same bytes; only the port of a loopback IP address may
    /// differ, since an app there takes whichever is free (RFC 8252 §7.3).
    #[must_use]
    pub fn matches(&self, asked: &str) -> bool {
        self.0 == asked
            || LOOPBACK.iter().any(|origin| {
                match (
                    self.0.strip_prefix(origin).and_then(without_port),
                    asked.strip_prefix(origin).and_then(without_port),
                ) {
                    (Some(registered), Some(asked)) => registered == asked,
                    _ => false,
                }
            })
    }

    /// Whether it leads to an app on the user's device rather than to a web site: an app's own scheme, or loopback.
    #[must_use]
    pub fn is_native(&self) -> bool {
        !self.0.starts_with("https:")
    }

    /// Whether it leads over TLS to a host of its own name, as OIDC Registration §2 asks of a web app that tokens are
    /// sent to.
    #[must_use]
    pub fn is_on_the_web(&self) -> bool {
        let host = Url::parse(&self.0).ok().and_then(|url| url.host_str().map(str::to_owned));
        !self.is_native() && host.is_some_and(|host| host != "localhost")
    }
}

impl fmt::Display for RedirectUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for RedirectUri {
    /// Reads what was registered before; whether the scheme fits the client was decided then.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text, ApplicationType::Native).map_err(|refusal| D::Error::custom(refusal.description))
    }
}

type Check = fn(&str) -> Result<(), &'static str>;

/// What is wrong whatever the scheme is, one by one.
const CHECKS: &[Check] = &[
    |text| refuse_if(text.is_empty(), "is empty"),
    |text| refuse_if(text.len() > LONGEST, "is longer than 2000 characters"),
    // RFC 6749 §3.1.2: "The endpoint URI MUST NOT include a fragment component."
    |text| refuse_if(text.contains('#'), "has a fragment"),
    |text| refuse_if(text.contains('*'), "has a wildcard; each URI is registered to the letter"),
    // Browsers turn `\` into `/`, drop tabs and newlines, and mend the rest: what is compared would not be where it leads.
    |text| refuse_if(!text.bytes().all(is_uri_byte), "has a character that no URI has (RFC 3986)"),
    |text| refuse_if(!has_whole_escapes(text), "has a percent sign that begins no escape"),
    |text| refuse_if(has_userinfo(text), "has a user name in front of its host"),
    |text| refuse_if(has_dot_segments(text), "has a dot segment, which browsers resolve"),
];

const LONGEST: usize = 2_000;

/// The origins whose port may vary. Not `localhost`: a name can be made to lead elsewhere (RFC 8252 §8.3).
const LOOPBACK: &[&str] = &["http://127.0.0.1", "http://[::1]"];

/// Schemes that a browser or another program acts upon itself, or that anybody can claim.
const DANGEROUS: &[&str] = &[
    "about",
    "acct",
    "android-app",
    "bitcoin",
    "blob",
    "cid",
    "content",
    "data",
    "dav",
    "dns",
    "facetime",
    "feed",
    "file",
    "filesystem",
    "ftp",
    "ftps",
    "geo",
    "git",
    "gopher",
    "help",
    "imap",
    "intent",
    "irc",
    "ircs",
    "itms-apps",
    "jar",
    "javascript",
    "ldap",
    "ldaps",
    "livescript",
    "magnet",
    "mailto",
    "market",
    "mhtml",
    "mid",
    "mocha",
    "moz-extension",
    "news",
    "nfs",
    "nntp",
    "otpauth",
    "pop",
    "res",
    "resource",
    "rsync",
    "rtsp",
    "search",
    "sftp",
    "shell",
    "shttp",
    "sip",
    "sips",
    "skype",
    "sms",
    "smb",
    "ssh",
    "steam",
    "svn",
    "tel",
    "telnet",
    "tftp",
    "urn",
    "vbs",
    "vbscript",
    "view-source",
    "webcal",
    "ws",
    "wss",
    "wyciwyg",
    "xmpp",
];

const DANGEROUS_BEGINNINGS: &[&str] =
    &["chrome", "edge", "firefox", "ms-", "microsoft", "safari-", "web+", "x-apple", "x-javascript"];

fn is_dangerous(scheme: &str) -> bool {
    // `feed:javascript:…` and its like hide a second scheme; the first is refused here, the second by nobody.
    DANGEROUS.contains(&scheme) || DANGEROUS_BEGINNINGS.iter().any(|beginning| scheme.starts_with(beginning))
}

fn refuse(text: &str, what: &str) -> Refusal {
    let shown: String = text.chars().take(200).collect();
    Refusal::new(ErrorCode::InvalidRedirectUri, format!("the redirect URI `{shown}` {what}"))
}

fn refuse_if(is_wrong: bool, what: &'static str) -> Result<(), &'static str> {
    if is_wrong { Err(what) } else { Ok(()) }
}

/// RFC 3986 §2: unreserved, reserved and percent, less `#`.
fn is_uri_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~:/?[]@!$&'()+,;=%".contains(&byte)
}

fn has_whole_escapes(text: &str) -> bool {
    text.split('%').skip(1).all(|after| after.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2)
}

fn has_userinfo(text: &str) -> bool {
    text.split_once("//").is_some_and(|(_, rest)| rest.split(['/', '?']).next().is_some_and(|host| host.contains('@')))
}

fn has_dot_segments(text: &str) -> bool {
    let path = text.split('?').next().unwrap_or_default();
    path.split('/').any(|segment| matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | ".."))
}

/// Two slashes and a host that is written the way a browser will write it: `https:/a`, `http://2130706433` and
/// `https://ex%61mple.com` lead somewhere else than they seem to.
fn is_plain_web_address(text: &str, url: &Url) -> Result<(), &'static str> {
    let authority = text
        .split_once("://")
        .and_then(|(_, rest)| rest.split(['/', '?']).next())
        .ok_or("has not two slashes after its scheme")?;
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => {
            if port.is_empty() {
                return Err("has a colon but no port after its host");
            }
            host
        }
        _ => authority,
    };
    match url.host_str() {
        Some(own) if own.eq_ignore_ascii_case(host) => Ok(()),
        Some(_) => Err("has a host that browsers would write otherwise"),
        None => Err("has no host"),
    }
}

/// What follows the port, or the host where there is no port; `None` if what follows is part of another host.
fn without_port(rest: &str) -> Option<&str> {
    let rest = match rest.strip_prefix(':') {
        Some(after) => {
            let digits = after.bytes().take_while(u8::is_ascii_digit).count();
            let (port, rest) = after.split_at_checked(digits)?;
            port.parse::<u16>().ok().filter(|port| *port > 0)?;
            rest
        }
        None => rest,
    };
    (rest.is_empty() || rest.starts_with(['/', '?'])).then_some(rest)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn web(text: &str) -> Result<RedirectUri, Refusal> {
        RedirectUri::parse(text, ApplicationType::Web)
    }

    fn native(text: &str) -> Result<RedirectUri, Refusal> {
        RedirectUri::parse(text, ApplicationType::Native)
    }

    #[test]
    fn what_leads_to_one_place_and_no_other_may_be_registered() {
        for text in [
            "https://a.example/cb",
            "https://a.example",
            "https://a.example:8443/cb?tenant=1&b=%20",
            "https://[2001:db8::1]:8443/cb",
            "http://localhost:8081/callback",
            "http://127.0.0.1/cb",
            "http://[::1]:3000/cb",
            "https://a.example/~bob/(cb);v=1,2",
        ] {
            assert_eq!(web(text).expect(text).as_str(), text);
            assert!(native(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn an_apps_own_scheme_is_for_native_clients() {
        for text in
            ["com.example.app:/oauth2redirect", "com.example.app://callback/a?b=c", "myapp://callback", "myapp:cb"]
        {
            assert!(native(text).is_ok(), "{text}");
            assert!(web(text).unwrap_err().description.contains("native"), "{text}");
        }
    }

    #[test]
    fn a_scheme_that_runs_or_reads_something_is_refused_to_everybody() {
        for text in [
            "javascript:alert(1)",
            "javascript://a.example/%0aalert(1)",
            "data:text/html,hi",
            "vbscript:msgbox",
            "file:///etc/passwd",
            "blob:https://a.example/1",
            "filesystem:https://a.example/1",
            "about:blank",
            "view-source:https://a.example",
            "intent://scan/",
            "mailto:a",
            "urn:ietf:wg:oauth:2.0:oob",
            "web+app://cb",
            "ms-settings:a",
            "chrome-extension://a/b",
            "ws://a.example",
            "feed:javascript:alert(1)",
        ] {
            assert_eq!(native(text).unwrap_err().code, ErrorCode::InvalidRedirectUri, "{text}");
        }
    }

    #[test]
    fn what_is_ambiguous_is_refused() {
        for text in [
            "",
            "/cb",
            "a.example/cb",
            "https:",
            "https://",
            "https:///cb",
            "https:/a.example/cb",
            "https:a.example",
            "https://a.example/cb#f",
            "https://a.example/cb#",
            "https://*.example/cb",
            "https://a.example/*",
            "https://a.example@evil.test/cb",
            "https://@evil.test/cb",
            "https://a.example\\@evil.test",
            "https://a.example/cb/../evil",
            "https://a.example/cb/%2E%2e/evil",
            "https://a.example/./cb",
            "https://a.example/c b",
            "https://a.example/\tcb",
            "https://a.example/cb\n",
            " https://a.example/cb",
            "https://a.example/%",
            "https://a.example/%zz",
            "https://a.example:/cb",
            "https://a.example:99999/cb",
            "https://bücher.example/cb",
            "https://ex%61mple.com/cb",
            "https://0x7f.1/cb",
            "http://2130706433/cb",
            "http://a.example/cb",
            "http://localhost.evil.test/cb",
            "http://127.0.0.1.evil.test/cb",
            "http://127.0.0.2/cb",
            "http://0.0.0.0/cb",
            "JavaScript:alert(1)",
            "HTTPS://a.example/cb",
            "com.example.app:",
            "com.example.app://user@host/cb",
        ] {
            let refusal = native(text).expect_err(text);
            assert_eq!(refusal.code, ErrorCode::InvalidRedirectUri);
            assert!(web(text).is_err(), "{text}");
        }
        assert_eq!(
            web("http://a.example/cb").unwrap_err().description,
            "the redirect URI `http://a.example/cb` is not https; http is for localhost, 127.0.0.1 and [::1] alone"
        );
    }

    #[test]
    fn a_request_has_to_name_it_to_the_letter() {
        let registered = web("https://a.example/cb").unwrap();
        assert!(registered.matches("https://a.example/cb"));
        for asked in [
            "https://a.example/cb/",
            "https://a.example/cb?x=1",
            "https://a.example/CB",
            "//a.example/cb",
            "https://a.example/cb/../evil",
            "https://a.example/c%62",
            "https://a.example./cb",
            "https://a.example:443/cb",
            "https://a.example:8443/cb",
            "https://A.example/cb",
            "https://a.example/cb#",
            "https://a.example@evil.test/cb",
            "https://evil.test#a.example",
            "http://a.example/cb",
            "",
        ] {
            assert!(!registered.matches(asked), "{asked}");
        }
    }

    #[test]
    fn the_port_of_a_loopback_address_may_vary_and_nothing_else() {
        for (registered, asked) in [
            ("http://127.0.0.1/cb", "http://127.0.0.1:51000/cb"),
            ("http://127.0.0.1:1/cb?a=b", "http://127.0.0.1:65535/cb?a=b"),
            ("http://[::1]:8000/cb", "http://[::1]/cb"),
            ("http://127.0.0.1", "http://127.0.0.1:80"),
        ] {
            assert!(web(registered).unwrap().matches(asked), "{registered} {asked}");
        }
        for (registered, asked) in [
            ("http://localhost/cb", "http://localhost:1/cb"),
            ("http://127.0.0.1/cb", "http://localhost:1/cb"),
            ("http://127.0.0.1/cb", "http://[::1]/cb"),
            ("http://127.0.0.1/cb", "https://127.0.0.1/cb"),
            ("http://127.0.0.1/cb", "http://127.0.0.1.evil.test/cb"),
            ("http://127.0.0.1/cb", "http://127.0.0.1:1@evil.test/cb"),
            ("http://127.0.0.1/cb", "http://127.0.0.1:/cb"),
            ("http://127.0.0.1/cb", "http://127.0.0.1:0/cb"),
            ("http://127.0.0.1/cb", "http://127.0.0.1:65536/cb"),
            ("http://127.0.0.1/cb", "http://127.0.0.1:+1/cb"),
            ("http://127.0.0.1/cb", "http://127.0.0.1:1/cb2"),
            ("http://127.0.0.1", "http://127.0.0.1:1#evil"),
            ("https://127.0.0.1/cb", "https://127.0.0.1:1/cb"),
        ] {
            assert!(!web(registered).unwrap().matches(asked), "{registered} {asked}");
        }
    }

    proptest! {
        #[test]
        fn a_browser_goes_where_the_registered_text_says(text in "https?:[/\\\\]{0,3}[a-z0-9.@:%\\[\\]#*?&/\\\\~A-F-]{0,30}") {
            if let Ok(uri) = native(&text) {
                // Differential against the WHATWG parser: what is registered reads there as the same origin and path.
                let url = Url::parse(uri.as_str()).unwrap();
                prop_assert!(url.username().is_empty() && url.password().is_none() && url.fragment().is_none());
                let host = url.host_str().unwrap();
                let after_host = text.to_ascii_lowercase().split_once("://").unwrap().1.strip_prefix(host).map(str::to_owned);
                let after_host = after_host.expect("the host stands where it seems to");
                prop_assert!(after_host.is_empty() || after_host.starts_with([':', '/', '?']));
                prop_assert!(uri.matches(&text));
            }
        }

        #[test]
        fn only_its_own_text_matches_a_web_address(path in "[a-z/]{0,10}", asked in "https://a\\.example/[a-z/]{0,10}") {
            let uri = web(&format!("https://a.example/{path}")).unwrap();
            prop_assert_eq!(uri.matches(&asked), uri.as_str() == asked);
        }

        #[test]
        fn a_matching_loopback_request_differs_in_its_port_alone(port in any::<u16>(), asked in "http://127\\.0\\.0\\.1[:0-9a-z.@/]{0,14}") {
            let uri = web("http://127.0.0.1:4000/cb").unwrap();
            let expected = format!("http://127.0.0.1:{port}/cb");
            prop_assert_eq!(uri.matches(&expected), port > 0);
            if uri.matches(&asked) {
                let url = Url::parse(&asked).unwrap();
                prop_assert_eq!((url.host_str(), url.path(), url.query()), (Some("127.0.0.1"), "/cb", None));
            }
        }

        #[test]
        fn no_text_breaks_the_reader(text in ".{0,60}") {
            drop(web(&text));
            drop(native(&text));
            prop_assert!(!web("http://127.0.0.1/cb").unwrap().matches(&text) || text.starts_with("http://127.0.0.1"));
        }
    }
}

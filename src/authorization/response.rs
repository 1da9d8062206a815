//! The answer to an authorization request: where it goes, and how it travels (RFC 6749 §4.1.2, RFC 9207).

use std::fmt;

use crate::protocol::{Error, Refusal, ResponseMode, Scope};

/// A client's own redirect URI, with what the answer has to carry. Only [`super::request`] makes one, once the
/// client is known and the URI is found to be registered: so no answer can be sent to an unbound URI.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient {
    pub(super) redirect_uri: String,
    pub(super) mode: ResponseMode,
    pub(super) state: Option<String>,
    pub(super) issuer: String,
    pub(super) client_name: String,
    pub(super) ui_locales: Option<String>,
    pub(super) is_popup: bool,
}

/// What a yes brings to the client.
#[derive(Clone, Copy, Default)]
pub struct Given<'a> {
    /// An authorization code.
    pub code: Option<&'a str>,
    /// An access token, how many seconds it lives, and for what it is good.
    pub access_token: Option<(&'a str, i64, &'a Scope)>,
    /// An ID token.
    pub id_token: Option<&'a str>,
}

/// An answer on its way to a client.
#[derive(Clone, PartialEq, Eq)]
pub struct Response {
    /// The redirect URI, as it was registered and asked for.
    pub redirect_uri: String,
    /// How the parameters travel.
    pub mode: ResponseMode,
    /// The parameters, in order.
    pub params: Vec<(&'static str, String)>,
    /// What the client calls itself, for the page a form is sent from.
    pub client_name: String,
    /// The languages in which that page shall speak.
    pub ui_locales: Option<String>,
    /// Whether that page stands in a window which the client has opened and needs to find again (`display=popup`).
    pub is_popup: bool,
}

/// Why an authorization request came to nothing, and who may be told.
#[derive(Debug)]
pub enum Rejection {
    /// The client or its redirect URI is not to be trusted: a page, never a redirect (RFC 6749 §4.1.2.1).
    Page(Error),
    /// The client is told at its own redirect URI.
    Redirect(Recipient, Refusal),
}

impl Recipient {
    /// A yes (RFC 6749 §4.1.2, §4.2.2; OIDC Core §3.2.2.5, §3.3.2.5).
    #[must_use]
    pub fn accept(&self, given: Given<'_>) -> Response {
        let mut params = Vec::new();
        if let Some((token, expires_in, scope)) = given.access_token {
            params.push(("access_token", token.to_owned()));
            params.push(("token_type", "Bearer".to_owned()));
            params.push(("expires_in", expires_in.to_string()));
            params.push(("scope", scope.to_string()));
        }
        params.extend(given.id_token.map(|token| ("id_token", token.to_owned())));
        params.extend(given.code.map(|code| ("code", code.to_owned())));
        self.respond(params)
    }

    /// An error, and the page that explains it.
    #[must_use]
    pub fn refuse(&self, refusal: &Refusal) -> Response {
        self.respond(vec![
            ("error", refusal.code.as_str().to_owned()),
            ("error_description", refusal.description.to_string()),
            ("error_uri", refusal.code.uri(&self.issuer)),
        ])
    }

    /// Where it is; for the policy that lets a page's form lead there, and for the words of that page.
    #[must_use]
    pub fn redirect_uri(&self) -> &str {
        &self.redirect_uri
    }

    /// What the client knows its request by, for the ID token that comes with the answer.
    #[must_use]
    pub fn state(&self) -> Option<&str> {
        self.state.as_deref()
    }

    /// Whether the client opened a window for it, and needs to find it again.
    #[must_use]
    pub fn is_popup(&self) -> bool {
        self.is_popup
    }

    fn respond(&self, mut params: Vec<(&'static str, String)>) -> Response {
        if let Some(state) = &self.state {
            params.push(("state", state.clone()));
        }
        // RFC 9207 §2: the issuer, on success and error alike, against mix-up.
        params.push(("iss", self.issuer.clone()));
        Response {
            redirect_uri: self.redirect_uri.clone(),
            mode: self.mode,
            params,
            client_name: self.client_name.clone(),
            ui_locales: self.ui_locales.clone(),
            is_popup: self.is_popup,
        }
    }
}

impl Response {
    /// The URL that a redirect leads to; `None` when the parameters travel in a form instead.
    ///
    /// A query that the redirect URI has already is kept (RFC 6749 §3.1.2).
    #[must_use]
    pub fn location(&self) -> Option<String> {
        let mut encoded = url::form_urlencoded::Serializer::new(String::new());
        encoded.extend_pairs(&self.params);
        let encoded = encoded.finish();
        // Not through `Url`: it would rewrite what the client registered to the letter.
        match self.mode {
            ResponseMode::Query => {
                let divider = if self.redirect_uri.contains('?') { '&' } else { '?' };
                Some(format!("{}{divider}{encoded}", self.redirect_uri))
            }
            ResponseMode::Fragment => Some(format!("{}#{encoded}", self.redirect_uri)),
            ResponseMode::FormPost => None,
        }
    }
}

/// Without what the parameters say: a code or a token may be among them.
impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.params.iter().map(|(name, _)| *name).collect();
        let Self { redirect_uri, mode, .. } = self;
        f.debug_struct("Response")
            .field("redirect_uri", redirect_uri)
            .field("mode", mode)
            .field("params", &names)
            .finish_non_exhaustive()
    }
}

impl From<Error> for Rejection {
    fn from(error: Error) -> Self {
        Self::Page(error)
    }
}

impl From<Refusal> for Rejection {
    fn from(refusal: Refusal) -> Self {
        Self::Page(refusal.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::ErrorCode;

    const CODE: Given<'static> = Given { code: Some("abc"), access_token: None, id_token: None };

    fn recipient(redirect_uri: &str, mode: ResponseMode) -> Recipient {
        Recipient {
            redirect_uri: redirect_uri.into(),
            mode,
            state: Some("a b&c".into()),
            issuer: "https://id.example".into(),
            client_name: "App".into(),
            ui_locales: None,
            is_popup: false,
        }
    }

    #[test]
    fn a_query_the_client_registered_is_kept() {
        let location = recipient("https://app.example/cb?tenant=1", ResponseMode::Query).accept(CODE).location();
        assert_eq!(
            location.as_deref(),
            Some("https://app.example/cb?tenant=1&code=abc&state=a+b%26c&iss=https%3A%2F%2Fid.example")
        );
    }

    #[test]
    fn an_error_carries_state_and_issuer_too() {
        let refusal = Refusal::new(ErrorCode::AccessDenied, "the user said no");
        let location = recipient("app.example:/cb", ResponseMode::Fragment).refuse(&refusal).location();
        assert_eq!(
            location.as_deref(),
            Some(
                "app.example:/cb#error=access_denied&error_description=the+user+said+no&\
                 error_uri=https%3A%2F%2Fid.example%2Ferrors%2Faccess_denied&state=a+b%26c&iss=https%3A%2F%2Fid.example"
            )
        );
    }

    #[test]
    fn all_that_a_request_asked_for_comes_in_one_answer() {
        let scope = ["openid", "email"].into_iter().collect();
        let all = Given { code: Some("abc"), access_token: Some(("at", 900, &scope)), id_token: Some("idt") };
        let answer = recipient("https://app.example/cb", ResponseMode::Fragment).accept(all);
        assert_eq!(
            answer.location().as_deref(),
            Some(
                "https://app.example/cb#access_token=at&token_type=Bearer&expires_in=900&scope=openid+email&id_token=idt\
                 &code=abc&state=a+b%26c&iss=https%3A%2F%2Fid.example"
            )
        );
        let shown = format!("{answer:?}");
        assert!(shown.contains("id_token") && !shown.contains("idt") && !shown.contains("abc"), "{shown}");
    }

    #[test]
    fn a_form_has_no_location() {
        assert_eq!(recipient("https://app.example/cb", ResponseMode::FormPost).accept(CODE).location(), None);
    }
}

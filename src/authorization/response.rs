//! The answer to an authorization request: where it goes, and how it travels (RFC 6749 §4.1.2, RFC 9207).

use crate::protocol::{Error, Refusal, ResponseMode};

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

/// An answer on its way to a client.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// An authorization code.
    #[must_use]
    pub fn accept(&self, code: &str) -> Response {
        self.respond(vec![("code", code.to_owned())])
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
        let location = recipient("https://app.example/cb?tenant=1", ResponseMode::Query).accept("abc").location();
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
    fn a_form_has_no_location() {
        assert_eq!(recipient("https://app.example/cb", ResponseMode::FormPost).accept("abc").location(), None);
    }
}

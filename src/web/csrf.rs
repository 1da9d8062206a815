//! Forms that only our own pages can send (product decision 13).

use axum::http::{HeaderMap, header::ORIGIN};
use subtle::ConstantTimeEq;
use url::Url;

use crate::{
    protocol::Params,
    server::Server,
    web::{page::PageError, session::BrowserSession, visitor::Visitor},
};

/// Why a form was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Forgery {
    /// It was sent from a page of somebody else's.
    ForeignOrigin,
    /// It belongs to a session that has ended or changed: an old tab, or a forgery; it cannot be told which.
    Stale,
}

/// Whether a form belongs to the session as it stands now; if not, it comes from an old tab, and the handler says how
/// its page goes on.
///
/// # Errors
/// [`PageError::Forged`] for a form that a page of somebody else's sent.
pub async fn is_current(
    server: &Server,
    visitor: &Visitor,
    browser: &BrowserSession,
    form: &Params,
) -> Result<bool, PageError> {
    let expected = browser.expected_csrf().await?;
    match check(visitor.headers(), &server.settings.issuer, expected.as_deref(), form.get("csrf")) {
        Ok(()) => Ok(true),
        Err(Forgery::Stale) => Ok(false),
        Err(Forgery::ForeignOrigin) => Err(PageError::Forged),
    }
}

/// Check that a form comes from a page that this server made for this very session.
///
/// `Origin` is what a browser cannot be made to lie about; `null` is what sandboxed frames and some redirects send, and
/// is nobody we know. A client without that header (no browser) is still asked for the token.
///
/// # Errors
/// When it does not.
fn check(headers: &HeaderMap, issuer: &str, expected: Option<&str>, given: Option<&str>) -> Result<(), Forgery> {
    if let Some(origin) = headers.get(ORIGIN) {
        let own = Url::parse(issuer).map(|url| url.origin().ascii_serialization());
        if own.ok().as_deref().map(str::as_bytes) != Some(origin.as_bytes()) {
            return Err(Forgery::ForeignOrigin);
        }
    }
    match (expected, given) {
        (Some(expected), Some(given)) if bool::from(expected.as_bytes().ct_eq(given.as_bytes())) => Ok(()),
        _ => Err(Forgery::Stale),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    const ISSUER: &str = "https://id.example/realm";

    fn sent_from(origin: Option<&str>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if let Some(origin) = origin {
            headers.insert(ORIGIN, HeaderValue::from_str(origin).unwrap());
        }
        headers
    }

    #[test]
    fn a_form_from_our_own_page_is_taken() {
        for origin in [None, Some("https://id.example")] {
            assert_eq!(check(&sent_from(origin), ISSUER, Some("token"), Some("token")), Ok(()), "{origin:?}");
        }
    }

    #[test]
    fn a_form_from_elsewhere_is_not_whatever_it_brings() {
        for origin in
            ["null", "https://evil.example", "http://id.example", "https://id.example:444", "https://id.example.evil"]
        {
            assert_eq!(
                check(&sent_from(Some(origin)), ISSUER, Some("token"), Some("token")),
                Err(Forgery::ForeignOrigin),
                "{origin}"
            );
        }
    }

    #[test]
    fn a_form_without_its_sessions_token_is_not() {
        for (expected, given) in
            [(Some("token"), None), (Some("token"), Some("other")), (None, Some("token")), (None, None)]
        {
            assert_eq!(check(&sent_from(None), ISSUER, expected, given), Err(Forgery::Stale));
        }
    }
}

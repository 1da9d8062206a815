//! The `response_mode` parameter (OAuth 2.0 Multiple Response Type Encoding Practices §2.1, Form Post Response Mode).

use super::{Code, Refusal};

/// How the answer to an authorization request travels through the browser.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ResponseMode {
    /// In the query of the redirect URI; the default for `code`.
    #[default]
    Query,
    /// In its fragment.
    Fragment,
    /// As a form that the browser posts to it.
    FormPost,
}

impl ResponseMode {
    /// All of them, in the order they are advertised.
    pub const ALL: &[Self] = &[Self::Query, Self::Fragment, Self::FormPost];

    /// As it stands in a request.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::Fragment => "fragment",
            Self::FormPost => "form_post",
        }
    }

    /// Read the parameter; absent means the default.
    ///
    /// # Errors
    /// `invalid_request` for one that is not known here.
    pub fn parse(text: Option<&str>) -> Result<Self, Refusal> {
        let Some(text) = text else { return Ok(Self::default()) };
        Self::ALL.iter().copied().find(|mode| mode.as_str() == text).ok_or_else(|| {
            Refusal::new(
                Code::InvalidRequest,
                format!("`response_mode` is `{text}`; this server takes query, fragment, form_post"),
            )
        })
    }
}

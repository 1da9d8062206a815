//! The `response_mode` parameter (OAuth 2.0 Multiple Response Type Encoding Practices §2.1, Form Post Response Mode).

use super::{ErrorCode, Refusal, words};

words! {
    /// How the answer to an authorization request travels through the browser.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub enum ResponseMode {
        /// In the query of the redirect URI; the default for `code`.
        #[default]
        Query = "query",
        /// In its fragment.
        Fragment = "fragment",
        /// As a form that the browser posts to it.
        FormPost = "form_post",
    }
}

impl ResponseMode {
    /// Read the parameter; absent means the default.
    ///
    /// # Errors
    /// `invalid_request` for one that is not known here.
    pub fn parse(text: Option<&str>) -> Result<Self, Refusal> {
        let Some(text) = text else { return Ok(Self::default()) };
        Self::of(text).ok_or_else(|| {
            Refusal::new(
                ErrorCode::InvalidRequest,
                format!("`response_mode` is `{text}`; this server takes {}", Self::listed()),
            )
        })
    }
}

//! The `response_mode` parameter (OAuth 2.0 Multiple Response Type Encoding Practices §2.1, Form Post Response Mode).

use super::{ErrorCode, Refusal, words};

words! {
    /// How the answer to an authorization request travels through the browser.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub enum ResponseMode {
        /// In the query of the redirect URI; the default for `code` and `none`.
        #[default]
        Query = "query",
        /// In its fragment; the default for all others.
        Fragment = "fragment",
        /// As a form that the browser posts to it.
        FormPost = "form_post",
    }
}

impl ResponseMode {
    /// Read the parameter.
    ///
    /// # Errors
    /// `invalid_request` for one that is not known here.
    pub fn parse(text: Option<&str>) -> Result<Option<Self>, Refusal> {
        let Some(text) = text else { return Ok(None) };
        Self::of(text).map(Some).ok_or_else(|| {
            Refusal::new(
                ErrorCode::InvalidRequest,
                format!("`response_mode` is `{text}`; this server takes {}", Self::listed()),
            )
        })
    }
}

//! What an asker is told when the asker is at fault: a code of the specifications and a sentence that helps.

use std::borrow::Cow;

use super::words;

words! {
    /// The error codes of OAuth 2.0 and OpenID Connect that this server answers with.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub enum ErrorCode {
        /// RFC 6749 §4.1.2.1, §5.2: a parameter is missing, repeated or malformed.
        InvalidRequest = "invalid_request",
        /// RFC 6749 §5.2: client authentication failed.
        InvalidClient = "invalid_client",
        /// RFC 6749 §5.2: the code or refresh token is invalid, expired, revoked or another client's.
        InvalidGrant = "invalid_grant",
        /// RFC 6749 §4.1.2.1, §5.2: this client may not use this grant or response type.
        UnauthorizedClient = "unauthorized_client",
        /// RFC 6749 §5.2: a grant type this server does not know.
        UnsupportedGrantType = "unsupported_grant_type",
        /// RFC 6749 §4.1.2.1: a response type this server does not offer.
        UnsupportedResponseType = "unsupported_response_type",
        /// RFC 6749 §4.1.2.1, §5.2: a scope is unknown, malformed or exceeds what may be granted.
        InvalidScope = "invalid_scope",
        /// RFC 6749 §4.1.2.1: the user or the server said no.
        AccessDenied = "access_denied",
        /// RFC 6749 §4.1.2.1: this server is at fault.
        ServerError = "server_error",
        /// RFC 6749 §4.1.2.1: too busy at the moment.
        TemporarilyUnavailable = "temporarily_unavailable",
        /// RFC 8707 §2: the `resource` is unknown, malformed or not for this client.
        InvalidTarget = "invalid_target",
        /// RFC 6750 §3.1: the access token is expired, revoked or malformed.
        InvalidToken = "invalid_token",
        /// RFC 6750 §3.1: the access token has not the scope that is needed.
        InsufficientScope = "insufficient_scope",
        /// OIDC Core §3.1.2.6: `prompt=none`, but nobody is signed in.
        LoginRequired = "login_required",
        /// OIDC Core §3.1.2.6: `prompt=none`, but the user has to be asked.
        ConsentRequired = "consent_required",
        /// OIDC Core §3.1.2.6: `prompt=none`, but something has to be chosen on a page.
        InteractionRequired = "interaction_required",
        /// RFC 9101 §6.2: the request object is malformed, not signed as it has to be, or says what it may not.
        InvalidRequestObject = "invalid_request_object",
        /// RFC 9101 §5.2: the request object cannot be had from that address.
        InvalidRequestUri = "invalid_request_uri",
        /// OIDC Core §3.1.2.6: the `request` parameter is not supported.
        RequestNotSupported = "request_not_supported",
        /// OIDC Core §3.1.2.6: the `request_uri` parameter is not supported.
        RequestUriNotSupported = "request_uri_not_supported",
        /// OIDC Core §3.1.2.6: the `registration` parameter is not supported.
        RegistrationNotSupported = "registration_not_supported",
        /// OpenID Connect Core Unmet Authentication Requirements §3: an essential `acr` cannot be reached.
        UnmetAuthenticationRequirements = "unmet_authentication_requirements",
        /// RFC 7591 §3.2.2: a redirect URI cannot be registered.
        InvalidRedirectUri = "invalid_redirect_uri",
        /// RFC 7591 §3.2.2: a member of the client's metadata cannot be registered.
        InvalidClientMetadata = "invalid_client_metadata",
    }
}

impl ErrorCode {
    /// The `error_uri` that goes with it: the page that explains it.
    #[must_use]
    pub fn uri(self, issuer: &str) -> String {
        format!("{issuer}/errors/{}", self.as_str())
    }
}

/// Why a request is refused, in as many depths as there are audiences.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// For the machine that asked.
    pub code: ErrorCode,
    /// For that machine's developer: which parameter, what came, what was expected.
    pub description: Cow<'static, str>,
    /// For the operator's log alone; never on the wire.
    pub hint: Option<String>,
}

impl Refusal {
    /// A refusal whose description keeps to the alphabet of RFC 6749 §5.2: what came from a stranger is
    /// stripped of quotes, backslashes, controls and anything beyond ASCII, and cut to 400 characters.
    #[must_use]
    pub fn new(code: ErrorCode, description: impl Into<Cow<'static, str>>) -> Self {
        let description = description.into();
        let description = if description.len() <= LONGEST_DESCRIPTION && description.bytes().all(is_nqschar) {
            description
        } else {
            description
                .chars()
                .filter(|c| u8::try_from(*c).is_ok_and(is_nqschar))
                .take(LONGEST_DESCRIPTION)
                .collect::<String>()
                .into()
        };
        Self { code, description, hint: None }
    }

    /// The same refusal, with a word for the operator's log. What a stranger sent may be as long as a request, and the
    /// log is kept: it is cut to 1000 characters.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        let hint = hint.into();
        let is_long = hint.len() > LONGEST_HINT;
        self.hint = Some(if is_long { hint.chars().take(LONGEST_HINT).collect() } else { hint });
        self
    }
}

const LONGEST_DESCRIPTION: usize = 400;
const LONGEST_HINT: usize = 1_000;

/// NQSCHAR of RFC 6749, appendix A: `%x20-21 / %x23-5B / %x5D-7E`.
fn is_nqschar(byte: u8) -> bool {
    matches!(byte, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e)
}

//! What an asker is told when the asker is at fault: a code of the specifications and a sentence that helps.

use std::borrow::Cow;

/// The error codes of OAuth 2.0 and OpenID Connect that this server answers with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Code {
    /// RFC 6749 §4.1.2.1, §5.2: a parameter is missing, repeated or malformed.
    InvalidRequest,
    /// RFC 6749 §5.2: client authentication failed.
    InvalidClient,
    /// RFC 6749 §5.2: the code or refresh token is invalid, expired, revoked or another client's.
    InvalidGrant,
    /// RFC 6749 §4.1.2.1, §5.2: this client may not use this grant or response type.
    UnauthorizedClient,
    /// RFC 6749 §5.2: a grant type this server does not know.
    UnsupportedGrantType,
    /// RFC 6749 §4.1.2.1: a response type this server does not offer.
    UnsupportedResponseType,
    /// RFC 6749 §4.1.2.1, §5.2: a scope is unknown, malformed or exceeds what may be granted.
    InvalidScope,
    /// RFC 6749 §4.1.2.1: the user or the server said no.
    AccessDenied,
    /// RFC 6749 §4.1.2.1: this server is at fault.
    ServerError,
    /// RFC 6749 §4.1.2.1: too busy at the moment.
    TemporarilyUnavailable,
    /// RFC 8707 §2: the `resource` is unknown, malformed or not for this client.
    InvalidTarget,
    /// RFC 6750 §3.1: the access token is expired, revoked or malformed.
    InvalidToken,
    /// RFC 6750 §3.1: the access token has not the scope that is needed.
    InsufficientScope,
    /// OIDC Core §3.1.2.6: `prompt=none`, but nobody is signed in.
    LoginRequired,
    /// OIDC Core §3.1.2.6: `prompt=none`, but the user has to be asked.
    ConsentRequired,
    /// OIDC Core §3.1.2.6: `prompt=none`, but something has to be chosen on a page.
    InteractionRequired,
    /// OIDC Core §3.1.2.6: the `request` parameter is not supported.
    RequestNotSupported,
    /// OIDC Core §3.1.2.6: the `request_uri` parameter is not supported.
    RequestUriNotSupported,
    /// OIDC Core §3.1.2.6: the `registration` parameter is not supported.
    RegistrationNotSupported,
    /// OpenID Connect Core Unmet Authentication Requirements §3: an essential `acr` cannot be reached.
    UnmetAuthenticationRequirements,
    /// RFC 7591 §3.2.2: a redirect URI cannot be registered.
    InvalidRedirectUri,
    /// RFC 7591 §3.2.2: a member of the client's metadata cannot be registered.
    InvalidClientMetadata,
}

impl Code {
    /// Every code, for the pages that explain them.
    pub const ALL: &[Self] = &[
        Self::InvalidRequest,
        Self::InvalidClient,
        Self::InvalidGrant,
        Self::UnauthorizedClient,
        Self::UnsupportedGrantType,
        Self::UnsupportedResponseType,
        Self::InvalidScope,
        Self::AccessDenied,
        Self::ServerError,
        Self::TemporarilyUnavailable,
        Self::InvalidTarget,
        Self::InvalidToken,
        Self::InsufficientScope,
        Self::LoginRequired,
        Self::ConsentRequired,
        Self::InteractionRequired,
        Self::RequestNotSupported,
        Self::RequestUriNotSupported,
        Self::RegistrationNotSupported,
        Self::UnmetAuthenticationRequirements,
        Self::InvalidRedirectUri,
        Self::InvalidClientMetadata,
    ];

    /// The code as it stands on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::InvalidScope => "invalid_scope",
            Self::AccessDenied => "access_denied",
            Self::ServerError => "server_error",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
            Self::InvalidTarget => "invalid_target",
            Self::InvalidToken => "invalid_token",
            Self::InsufficientScope => "insufficient_scope",
            Self::LoginRequired => "login_required",
            Self::ConsentRequired => "consent_required",
            Self::InteractionRequired => "interaction_required",
            Self::RequestNotSupported => "request_not_supported",
            Self::RequestUriNotSupported => "request_uri_not_supported",
            Self::RegistrationNotSupported => "registration_not_supported",
            Self::UnmetAuthenticationRequirements => "unmet_authentication_requirements",
            Self::InvalidRedirectUri => "invalid_redirect_uri",
            Self::InvalidClientMetadata => "invalid_client_metadata",
        }
    }
}

/// Why a request is refused, in as many depths as there are audiences.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// For the machine that asked.
    pub code: Code,
    /// For that machine's developer: which parameter, what came, what was expected.
    pub description: Cow<'static, str>,
    /// For the operator's log alone; never on the wire.
    pub hint: Option<String>,
}

impl Refusal {
    /// A refusal whose description keeps to the alphabet of RFC 6749 §5.2: what came from a stranger is
    /// stripped of quotes, backslashes, controls and anything beyond ASCII, and cut to 400 characters.
    #[must_use]
    pub fn new(code: Code, description: impl Into<Cow<'static, str>>) -> Self {
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

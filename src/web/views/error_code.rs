//! A page per error: what it means, what causes it, what cures it. `error_uri` leads here (RFC 6749 §5.2).
//!
//! For developers, and in English, as the descriptions on the wire are.

use askama::Template;

use super::{
    Frame,
    frame::{Marked, marked},
    render,
};
use crate::protocol::ErrorCode;

/// What there is to know about an error. In the texts, what stands between backticks is code.
#[derive(Clone, Copy, Debug)]
pub struct Explanation {
    /// What it says, in a sentence.
    pub meaning: &'static str,
    /// What leads to it here.
    pub causes: &'static [&'static str],
    /// What to change.
    pub cures: &'static [&'static str],
    /// Where it is defined: the name of the specification and its address.
    pub defined_in: (&'static str, &'static str),
}

/// The page of an error.
#[must_use]
pub fn error_code(frame: &Frame<'_>, code: ErrorCode) -> String {
    let Explanation { meaning, causes, cures, defined_in } = explain(code);
    let all = |texts: &[&'static str]| texts.iter().copied().map(marked).collect();
    render(&Page {
        frame: *frame,
        code: code.as_str(),
        meaning: marked(meaning),
        causes: all(causes),
        cures: all(cures),
        defined_in,
    })
}

/// The page that lists them all.
#[must_use]
pub fn error_codes(frame: &Frame<'_>) -> String {
    render(&Index {
        frame: *frame,
        codes: ErrorCode::ALL.iter().map(|code| (code.as_str(), marked(explain(*code).meaning))).collect(),
    })
}

#[derive(Template)]
#[template(path = "error_code.html")]
struct Page<'a> {
    frame: Frame<'a>,
    code: &'static str,
    meaning: Marked<'static>,
    causes: Vec<Marked<'static>>,
    cures: Vec<Marked<'static>>,
    defined_in: (&'static str, &'static str),
}

#[derive(Template)]
#[template(path = "error_codes.html")]
struct Index<'a> {
    frame: Frame<'a>,
    codes: Vec<(&'static str, Marked<'static>)>,
}

const RFC_6749_AUTHORIZE: (&str, &str) =
    ("RFC 6749, section 4.1.2.1", "https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2.1");
const RFC_6749_TOKEN: (&str, &str) = ("RFC 6749, section 5.2", "https://www.rfc-editor.org/rfc/rfc6749#section-5.2");
const RFC_6750: (&str, &str) = ("RFC 6750, section 3.1", "https://www.rfc-editor.org/rfc/rfc6750#section-3.1");
const RFC_7591: (&str, &str) = ("RFC 7591, section 3.2.2", "https://www.rfc-editor.org/rfc/rfc7591#section-3.2.2");
const RFC_9101: (&str, &str) = ("RFC 9101, section 6", "https://www.rfc-editor.org/rfc/rfc9101#section-6");
const RFC_8707: (&str, &str) = ("RFC 8707, section 2", "https://www.rfc-editor.org/rfc/rfc8707#section-2");
const OIDC_CORE: (&str, &str) =
    ("OpenID Connect Core 1.0, section 3.1.2.6", "https://openid.net/specs/openid-connect-core-1_0.html#AuthError");
const UNMET: (&str, &str) = (
    "OpenID Connect Core Error Code unmet_authentication_requirements 1.0",
    "https://openid.net/specs/openid-connect-unmet-authentication-requirements-1_0.html",
);

/// What there is to know about an error.
#[must_use]
pub const fn explain(code: ErrorCode) -> Explanation {
    let (meaning, causes, cures, defined_in): (_, &[&str], &[&str], _) = match code {
        ErrorCode::InvalidRequest => (
            "A parameter is missing, repeated or malformed.",
            &[
                "A required parameter is missing, for example `code_challenge` at the authorization endpoint or `grant_type` at the token endpoint.",
                "A parameter is sent twice; only `resource` may repeat.",
                "`redirect_uri` is not one that the client has registered. It is compared to the letter: scheme, host, port, path, slash at the end and query. Only the port of a loopback address may vary.",
                "The body is not `application/x-www-form-urlencoded`, is not UTF-8, or is larger than 64 KiB.",
                "Two ways of client authentication are used in one request.",
            ],
            &[
                "Read `error_description`: it names the parameter, what came and what was expected.",
                "Compare `redirect_uri` with the output of: `latchkey client show <client_id>`",
                "Send `code_challenge` with `code_challenge_method=S256`; `plain` is not accepted. For a confidential client whose library knows no PKCE: `latchkey client update <client_id> --no-pkce`",
            ],
            RFC_6749_AUTHORIZE,
        ),
        ErrorCode::InvalidClient => (
            "The client is not known here, or has not proved who it is.",
            &[
                "`client_id` is misspelt, belongs to another server, or the client is disabled or deleted.",
                "The client secret is wrong, has expired after a rotation, or is cut off.",
                "The secret holds characters such as `+` or `%` and was not form-encoded before it went into the Basic header (RFC 6749, section 2.3.1).",
                "A confidential client sent no secret, or a public client sent one.",
            ],
            &[
                "Check the client: `latchkey client show <client_id>`",
                "Make a new secret: `latchkey client rotate-secret <client_id>`. The old one goes on working for a while.",
                "Use one of the methods in `token_endpoint_auth_methods_supported` of the discovery document.",
            ],
            RFC_6749_TOKEN,
        ),
        ErrorCode::InvalidGrant => (
            "The authorization code or refresh token cannot be exchanged, or not any more.",
            &[
                "The code has been used before. A code works once, and using it again ends everything that came of it.",
                "The code is older than its lifetime, one minute unless the operator says otherwise.",
                "`redirect_uri` differs from the one in the authorization request, or `code_verifier` does not match `code_challenge`.",
                "The code or token was issued to another client.",
                "The refresh token has expired, was replaced by a newer one, or the user has signed out, changed the password or withdrawn the consent.",
            ],
            &[
                "Exchange the code once and at once; do not repeat the request on a slow answer, and do not prefetch the redirect.",
                "Store the refresh token of each answer in place of the one before, under a lock if several processes refresh.",
                "Send the user through the authorization endpoint again: that always cures it.",
            ],
            RFC_6749_TOKEN,
        ),
        ErrorCode::UnauthorizedClient => (
            "The client is not registered for this grant or response type.",
            &["`grant_types` of the client does not hold the grant that is used, for example `client_credentials`."],
            &[
                "Register the grant: `latchkey client update <client_id> --grant <grant_type>`, with every grant the client needs.",
            ],
            RFC_6749_TOKEN,
        ),
        ErrorCode::UnsupportedGrantType => (
            "The server does not know this `grant_type`.",
            &["`grant_type` is misspelt, or is a grant that this server does not offer, such as `password`."],
            &["Use one of `grant_types_supported` in the discovery document."],
            RFC_6749_TOKEN,
        ),
        ErrorCode::UnsupportedResponseType => (
            "The server does not offer this `response_type`.",
            &[
                "`response_type` is `token`, or has `id_token` or `token` in it, which the operator has not opened. These put tokens into the browser's address bar.",
            ],
            &[
                "Use `response_type=code` with PKCE. That works for apps in the browser as well.",
                "For an old app that cannot be changed, the operator can open what it needs: `registration.response_types` in the settings, and `latchkey client update <client_id> --response-type code --response-type id_token`.",
            ],
            RFC_6749_AUTHORIZE,
        ),
        ErrorCode::InvalidScope => (
            "A scope cannot be granted, or contradicts another.",
            &[
                "None of the scopes asked for is registered for the client.",
                "The scopes belong to two APIs at once, so the token's audience is not clear.",
                "Two organisations are named (`org:…`); tokens are bound to one.",
                "A refresh asks for more than was granted, or client credentials ask for `openid`, `offline_access` or an organisation.",
            ],
            &[
                "Register the scopes: `latchkey client update <client_id> --scope \"openid profile …\"`",
                "Say which API is meant with the parameter `resource`, one API per token.",
                "To widen a grant, send the user through the authorization endpoint again.",
            ],
            RFC_6749_TOKEN,
        ),
        ErrorCode::AccessDenied => (
            "The user said no, or has nothing of what was asked for.",
            &[
                "The user chose Deny or Cancel.",
                "The organisation that scope names is not one of the user's, or the membership or organisation is suspended.",
                "The user's role gives none of the permissions that were asked for.",
            ],
            &[
                "Treat it as an answer, not as a failure: let the user go on without, or try again when they want to.",
                "Check the membership: `latchkey member list <org>`",
            ],
            RFC_6749_AUTHORIZE,
        ),
        ErrorCode::ServerError => (
            "This server is at fault.",
            &["Something here did not work. The request itself may be right."],
            &[
                "Try again after a while.",
                "Give the operator the request id (header `x-request-id`): the log says under that id what happened.",
            ],
            RFC_6749_AUTHORIZE,
        ),
        ErrorCode::TemporarilyUnavailable => (
            "The server is too busy, or is being restarted.",
            &["Too many sign-ins or requests at once.", "The database does not answer."],
            &["Try again after the time in the header `Retry-After`, or after some seconds, waiting longer each time."],
            RFC_6749_AUTHORIZE,
        ),
        ErrorCode::InvalidTarget => (
            "The API named in `resource` is unknown, malformed, or not for this client.",
            &[
                "`resource` is not an absolute URI, or has a fragment.",
                "No API is registered under that URI. It is compared to the letter, with the slash at the end.",
                "The client may not ask for tokens for that API.",
            ],
            &[
                "List the APIs: `latchkey resource list`",
                "Let the client use it: `latchkey client update <client_id> --resource <uri>`",
            ],
            RFC_8707,
        ),
        ErrorCode::InvalidToken => (
            "The access token is expired, revoked, malformed, or for somebody else.",
            &[
                "The token has expired. Access tokens live for minutes.",
                "The user has signed out, changed the password, or withdrawn the consent.",
                "The token's `aud` is another API. For the userinfo endpoint the request has to hold the scope `openid`.",
                "An ID token or a refresh token was sent in place of an access token.",
            ],
            &[
                "Refresh, and repeat the request once with the new token.",
                "If that fails, send the user through the authorization endpoint again.",
            ],
            RFC_6750,
        ),
        ErrorCode::InsufficientScope => (
            "The access token is valid, but has not the scope that is needed.",
            &["The scope was not asked for, was not registered for the client, or the user's role does not give it."],
            &[
                "Ask for the scope at the authorization endpoint, and look at `scope` in the token answer: it says what was granted.",
            ],
            RFC_6750,
        ),
        ErrorCode::LoginRequired => (
            "`prompt=none` was asked, but nobody is signed in whom the request accepts.",
            &[
                "The user is not signed in here, or the sign-in is older than `max_age`.",
                "`id_token_hint` names another user than the one who is signed in.",
                "The request came from a frame, and the browser sends no cookies of ours there.",
            ],
            &["Send the user to the authorization endpoint without `prompt=none`, as a page of its own."],
            OIDC_CORE,
        ),
        ErrorCode::ConsentRequired => (
            "`prompt=none` was asked, but the user has not allowed this yet.",
            &[
                "The app asks for a scope, claim, API or organisation that this user has not allowed before.",
                "The user has withdrawn the consent.",
            ],
            &[
                "Send the user to the authorization endpoint without `prompt=none` once. The answer is remembered, but for native apps without a secret, which always have to ask.",
            ],
            OIDC_CORE,
        ),
        ErrorCode::InteractionRequired => (
            "`prompt=none` was asked, but the user has to choose something on a page.",
            &["The user belongs to several organisations, and the request does not say which is meant."],
            &["Name the organisation (`org:<slug>`), or send the user there without `prompt=none`."],
            OIDC_CORE,
        ),
        ErrorCode::InvalidRequestObject => (
            "The signed object that the request is in cannot be used.",
            &[
                "It is not signed by a key that the app has registered, or not by the algorithm it has registered.",
                "It has expired, is for another server or of another app, or holds a request object itself.",
                "`client_id` or `response_type` in it is another than in the request.",
            ],
            &[
                "Sign it anew for each request, with the app's `client_id` as `iss` and the issuer of this server as `aud`.",
            ],
            RFC_9101,
        ),
        ErrorCode::InvalidRequestUri => (
            "The request object cannot be read from its `request_uri`.",
            &[
                "The address is not one that the app has registered, to the letter.",
                "Nothing answers there in time, with success and at most 32 KiB, or it is inside a private network.",
            ],
            &[
                "Register each address in `request_uris`. The log of this server says what happened when it called there.",
            ],
            RFC_9101,
        ),
        ErrorCode::RequestNotSupported => (
            "The parameter `request` is not supported for this app.",
            &[
                "The authorization request is sent as a signed object, and the app has registered no keys for its signature.",
            ],
            &["Register the app's public keys (`jwks` or `jwks_uri`), or send the parameters themselves."],
            OIDC_CORE,
        ),
        ErrorCode::RequestUriNotSupported => (
            "The parameter `request_uri` is not supported for this app.",
            &["The authorization request is given by reference, and the app has registered no `request_uris`."],
            &["Register the address, or send the parameters themselves."],
            OIDC_CORE,
        ),
        ErrorCode::RegistrationNotSupported => (
            "The parameter `registration` is not supported.",
            &["The request brings the client's metadata along, as self-issued providers take it."],
            &["Have the client registered beforehand, and send its `client_id`."],
            OIDC_CORE,
        ),
        ErrorCode::UnmetAuthenticationRequirements => (
            "The request insists on a kind of sign-in that cannot be had here.",
            &["`acr` is asked for as essential in `claims`, with values that this server does not reach."],
            &["Ask for one of `acr_values_supported` in the discovery document, or make the claim voluntary."],
            UNMET,
        ),
        ErrorCode::InvalidRedirectUri => (
            "A redirect URI cannot be registered.",
            &[
                "It has a fragment, a user name or a wildcard.",
                "It is http and not on a loopback address, or its scheme is one that runs code, such as javascript.",
                "A scheme of its own (`com.example.app:`) is for native clients only.",
            ],
            &[
                "Register each full address with https. Native apps use a scheme of their own or `http://127.0.0.1`, whose port may vary.",
            ],
            RFC_7591,
        ),
        ErrorCode::InvalidClientMetadata => (
            "A member of the client's metadata cannot be registered.",
            &[
                "A grant type, response type, algorithm or method is not supported here, or two of them do not go together.",
                "A URI is malformed or not https.",
            ],
            &[
                "Read `error_description`: it names the member, and what was expected.",
                "Compare with the `…_supported` lists of the discovery document.",
            ],
            RFC_7591,
        ),
    };
    Explanation { meaning, causes, cures, defined_in }
}

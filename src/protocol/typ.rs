//! The `typ` of our tokens (RFC 7515 §4.1.9).

/// An access token (RFC 9068 §2.1), unless its resource asks for [`JWT`].
pub const AT_JWT: &str = "at+jwt";

/// An ID token.
pub const JWT: &str = "JWT";

/// A logout token (OIDC Back-Channel Logout 1.0 §2.4).
pub const LOGOUT_JWT: &str = "logout+jwt";

/// What userinfo tells, signed. A type of its own: as a mere JWT without an end it would pass for an access token at APIs
/// that ask for [`JWT`].
pub const USERINFO_JWT: &str = "userinfo+jwt";

/// Whether a token that says what it is says one of these, in whatever case.
#[must_use]
pub fn is_among(typ: &str, kinds: &[&str]) -> bool {
    kinds.iter().any(|own| typ.eq_ignore_ascii_case(own))
}

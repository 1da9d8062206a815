//! The `typ` of our tokens (RFC 7515 §4.1.9).

/// An access token (RFC 9068 §2.1), unless its resource asks for [`JWT`].
pub const AT_JWT: &str = "at+jwt";

/// An ID token.
pub const JWT: &str = "JWT";

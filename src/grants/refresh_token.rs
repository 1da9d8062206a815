//! The refresh grant (RFC 6749 §6).

//! Keys as JSON (RFC 7517).

//! The published keys (RFC 7517).

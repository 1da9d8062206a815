//! A registered client (RFC 7591 §2).

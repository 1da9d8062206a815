//! How a client proves itself at the token endpoint (RFC 7591 §2).

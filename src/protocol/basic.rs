//! HTTP Basic as OAuth 2.0 means it (RFC 6749 §2.3.1).

//! Metadata (OIDC Discovery, RFC 8414).

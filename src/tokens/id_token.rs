//! ID tokens (OIDC Core §2).

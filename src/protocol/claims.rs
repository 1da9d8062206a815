//! The `claims` parameter and the claims of the standard scopes (OIDC Core §5).

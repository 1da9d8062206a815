//! Userinfo (OIDC Core §5.3).

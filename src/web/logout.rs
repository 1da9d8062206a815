//! Signing out (OIDC RP-Initiated Logout 1.0).

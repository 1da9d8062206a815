//! The APIs that tokens are for.

//! A page for every error code.

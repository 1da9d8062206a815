//! The life of an authorization request.

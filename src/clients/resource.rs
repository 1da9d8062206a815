//! An API that tokens are for (RFC 8707).

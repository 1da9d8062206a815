//! The JWK set, ready to be sent.

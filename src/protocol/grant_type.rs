//! The grants a client may be registered for (RFC 6749, RFC 7591 §2).

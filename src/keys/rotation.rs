//! The life of a signing key: next, active, retired, gone.

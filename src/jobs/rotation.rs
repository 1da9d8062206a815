//! Scheduled key rotation.

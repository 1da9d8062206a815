//! The signing keys a node works with.

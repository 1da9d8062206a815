//! The key that seals the others.

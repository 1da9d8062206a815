//! What may be registered.

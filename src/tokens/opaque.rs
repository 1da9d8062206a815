//! Access tokens that are a mere reference.

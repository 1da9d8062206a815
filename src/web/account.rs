//! The account home.

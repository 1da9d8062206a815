//! The key ring's rows.

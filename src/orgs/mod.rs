//! In whose name.

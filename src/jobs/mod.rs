//! Work in the background.

pub mod housekeeping;
pub mod rotation;

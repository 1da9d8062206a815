//! In whose name.

pub mod membership;
pub mod org;
pub mod role;

//! Who asks.

pub mod authentication;
pub mod client;
pub mod registration;
pub mod registry;
pub mod resource;

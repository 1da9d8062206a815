//! Who asks, and which APIs they ask tokens for.

pub mod audience;
pub mod authentication;
mod client;
mod metadata;
pub mod registration;
mod registry;
pub mod resource;

pub use authentication::AuthenticatedClient;
pub use client::{Client, Metadata};
pub use registry::{Registry, SecretRow};
pub use resource::{AccessTokenFormat, Gate, Resource};

pub use crate::protocol::ApplicationType;

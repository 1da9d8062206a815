//! Who asks, and which APIs they ask tokens for.

mod assertion;
pub mod audience;
pub mod authentication;
pub mod certificate;
mod client;
pub mod dynamic;
mod encryption;
mod flows;
mod information;
pub mod keys;
mod links;
mod logout;
mod metadata;
mod objects;
mod operators;
pub mod registration;
mod registry;
pub mod resource;
pub mod subject;

pub use authentication::AuthenticatedClient;
pub use certificate::{Authorities, CertificateName, ClientCertificate};
pub use client::{Client, Metadata};
pub use encryption::Encryption;
pub use keys::ClientKeys;
pub use logout::Logout;
pub use registry::{Registry, SecretRow};
pub use resource::{AccessTokenFormat, Gate, Resource};
pub use subject::Subjects;

pub use crate::protocol::ApplicationType;

//! The URLs clients call.

pub mod authorize;
pub mod dialect;
pub mod discovery;
pub mod document;
pub mod errors;
pub mod health;
pub mod introspect;
pub mod jwks;
pub mod metrics;
pub mod request;
pub mod revoke;
pub mod token;
pub mod userinfo;

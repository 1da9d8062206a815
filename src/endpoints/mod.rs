//! The URLs clients call.

pub mod dialect;
pub mod discovery;
pub mod document;
pub mod health;
pub mod introspect;
pub mod jwks;
pub mod metrics;
pub mod register;
pub mod request;
pub mod revoke;
pub mod token;
pub mod userinfo;

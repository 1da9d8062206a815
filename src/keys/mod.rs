//! The signing keys.

pub mod jwk;
pub mod keyring;
pub mod master_key;
pub mod published;
pub mod rotation;

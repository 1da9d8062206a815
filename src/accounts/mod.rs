//! Who consents.

pub mod account;
pub mod claims;
pub mod devices;
pub mod login;
pub mod password;

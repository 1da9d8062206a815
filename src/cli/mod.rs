//! The command line.

pub mod backup;
pub mod client;
pub mod config;
#[cfg(feature = "demo")]
pub mod demo;
pub mod doctor;
pub mod grant;
pub mod key;
pub mod member;
pub mod migrate;
pub mod org;
pub mod output;
pub mod resource;
pub mod role;
pub mod serve;
pub mod session;
pub mod token;
pub mod user;

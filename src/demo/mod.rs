//! The sample app and resource server.

pub mod app;
pub mod resource_server;
pub mod seed;

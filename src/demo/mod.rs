//! The sample app and resource server.

pub mod app;
mod dashboard;
mod data;
mod obstacle;
mod pages;
mod ports;
mod relying_party;
pub mod resource_server;
pub mod seed;
mod verifier;
mod visits;
mod words;

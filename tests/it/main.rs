//! Latchkey's integration tests: one binary, one file per subject.

#![cfg(test)]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by a panic")]

mod account_home;
mod accounts;
mod authorize;
mod client_commands;
mod clients;
mod key_cli;
mod key_place;
mod keys;
mod layers;
mod logout;
mod master_key;
mod orgs;
mod pages;
mod people;
mod readme;
mod resources;
mod sign_in;
mod tokens;
mod world;

//! Latchkey's integration tests: one binary, one file per subject.

#![cfg(test)]

mod account_home;
mod accounts;
mod authorize;
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
mod resources;
mod sign_in;
mod tokens;
mod world;

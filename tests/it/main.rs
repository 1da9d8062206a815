//! Latchkey's integration tests: one binary, one file per subject.

#![cfg(test)]

mod accounts;
mod clients;
mod key_place;
mod keys;
mod layers;
mod master_key;
mod orgs;
mod people;
mod resources;
mod sign_in;
mod tokens;
mod pages;
mod world;

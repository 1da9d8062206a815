//! Latchkey's integration tests: one binary, one file per subject.

mod accounts;
mod clients;
mod keys;
mod layers;
mod orgs;
mod resources;
mod world;

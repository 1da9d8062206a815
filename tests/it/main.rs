//! Latchkey's integration tests: one binary, one file per subject.

mod accounts;
mod layers;
mod orgs;
mod world;

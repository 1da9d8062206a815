//! Latchkey's integration tests: one binary, one file per subject.

// So that clippy.toml, which lets tests unwrap, takes the functions that tests share for tests as well.
#![cfg(test)]

mod account_home;
mod accounts;
mod any_registration;
mod approval;
mod attacks;
mod authorize;
mod back_channel_logout;
#[cfg(feature = "demo")]
mod browser;
#[cfg(feature = "demo")]
mod browser_apps;
mod certificate;
mod certificates;
#[cfg(feature = "demo")]
mod chrome;
mod claims_request;
mod cli;
mod client_commands;
mod client_credentials;
mod client_keys;
mod clients;
mod config;
mod conformance;
mod cookies;
mod crash;
mod database;
mod database_gone;
#[cfg(feature = "demo")]
mod demo;
#[cfg(feature = "demo")]
mod demo_program;
mod discovery;
mod doctor;
mod encrypted_requests;
mod encryption;
mod forms;
mod front_channel_logout;
mod full_disk;
mod introspect;
mod key_cli;
mod key_place;
mod keys;
mod layers;
mod logout;
mod logout_receiver;
mod master_key;
mod offers;
mod orgs;
mod outgoing;
mod pages;
mod people;
mod program;
mod races;
mod reader_language;
mod readme;
mod refresh;
mod refusals;
mod registration;
mod registration_changes;
mod request_objects;
mod resources;
mod response_types;
mod revoke;
mod second_press;
mod serving;
mod session_state;
mod shared_secrets;
mod sign_in;
mod sqlite;
mod stage;
mod subjects;
#[cfg(feature = "demo")]
mod surfer;
mod tables;
mod tls;
mod token;
mod tokens;
mod two_servers;
mod unsigned;
mod unwritable;
mod upgrade;
mod userinfo;
mod waiting;
mod wire;
mod world;

//! The command line.

pub mod backup;
pub mod client;
pub mod config;
pub mod database;
#[cfg(feature = "demo")]
pub mod demo;
mod desk;
pub mod doctor;
pub mod grant;
pub mod key;
pub mod member;
pub mod migrate;
pub mod org;
pub mod output;
pub mod registration_token;
pub mod resource;
pub mod role;
pub mod serve;
pub mod session;
pub mod token;
pub mod user;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

use crate::config::{Settings, Sources};

pub use desk::Desk;
pub use output::Failure;

/// An OAuth 2.0 / OpenID Connect authorization server: one binary, SQLite inside.
#[derive(Debug, Parser)]
#[command(name = "latchkey", version, propagate_version = true, arg_required_else_help = true)]
#[command(
    after_help = "Example:\n  latchkey demo          see it work, with a sample app\n  latchkey serve         run the server"
)]
pub struct Cli {
    /// The configuration file [default: $LATCHKEY_CONFIG, else ./latchkey.toml if it exists]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Print JSON instead of words
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The nouns and verbs of the command line.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show the server at work: with a sample app, a sample API and sample users
    #[cfg(feature = "demo")]
    Demo(demo::Args),
    /// Run the server
    Serve(serve::Args),
    /// Check the configuration, the database, the keys, the clock and the certificate
    #[command(after_help = "Example:\n  latchkey doctor")]
    Doctor,
    /// See and check the settings
    #[command(subcommand)]
    Config(config::Command),
    /// What works on the database.
    #[command(flatten)]
    OnDatabase(OnDatabase),
    /// Replace the database by a backup, with the server stopped
    #[command(after_help = "Example:\n  latchkey restore /var/backups/latchkey.db")]
    Restore(backup::RestoreArgs),
}

/// The commands that work on the database, whether or not a server runs on it.
#[derive(Debug, Subcommand)]
pub enum OnDatabase {
    /// Bring the database's schema up to date
    #[command(after_help = "Example:\n  latchkey migrate")]
    Migrate,
    /// Apps that sign users in
    #[command(subcommand)]
    Client(client::Command),
    /// Tokens with which programs register clients
    #[command(subcommand)]
    RegistrationToken(registration_token::Command),
    /// APIs that tokens are for
    #[command(subcommand)]
    Resource(resource::Command),
    /// People who sign in
    #[command(subcommand)]
    User(user::Command),
    /// Organisations
    #[command(subcommand)]
    Org(org::Command),
    /// Roles in an organisation
    #[command(subcommand)]
    Role(role::Command),
    /// Who belongs to an organisation
    #[command(subcommand)]
    Member(member::Command),
    /// Keys that tokens are signed with
    #[command(subcommand)]
    Key(key::Command),
    /// Browsers in which a user is signed in
    #[command(subcommand)]
    Session(session::Command),
    /// What users have allowed apps
    #[command(subcommand)]
    Grant(grant::Command),
    /// Look into a token
    #[command(subcommand)]
    Token(token::Command),
    /// Write a copy of the database to a file, while the server runs
    #[command(after_help = "Example:\n  latchkey backup /var/backups/latchkey.db")]
    Backup(backup::BackupArgs),
}

/// Do what the command line says. The exit code is 0 when it is done, 1 when it was refused or failed; clap exits
/// with 2 on wrong usage.
pub async fn run(cli: Cli) -> ExitCode {
    match dispatch(cli).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}

async fn dispatch(cli: Cli) -> Result<(), Failure> {
    let Cli { config, json, command } = cli;
    let sources = |flags| Sources::of_process(config.clone(), flags);
    match command {
        #[cfg(feature = "demo")]
        Command::Demo(args) => demo::run(args).await,
        Command::Serve(args) => {
            let (settings, _) = Settings::load(&sources(args.flags()))?;
            serve::run(settings).await
        }
        Command::Config(command) => config::run(command, &sources(Vec::new()), json),
        Command::Doctor => doctor::run(&sources(Vec::new()), json).await,
        Command::Restore(args) => {
            let (settings, _) = Settings::load(&sources(Vec::new()))?;
            backup::restore(args, &settings, json).await
        }
        Command::OnDatabase(command) => {
            let (settings, _) = Settings::load(&sources(Vec::new()))?;
            let desk = Desk::open(settings, json).await?;
            let done = at(&desk, command).await;
            desk.store.close().await;
            done
        }
    }
}

async fn at(desk: &Desk, command: OnDatabase) -> Result<(), Failure> {
    match command {
        OnDatabase::Migrate => migrate::run(desk),
        OnDatabase::Backup(args) => backup::run(args, desk).await,
        OnDatabase::Client(command) => client::run(command, desk).await,
        OnDatabase::RegistrationToken(command) => registration_token::run(command, desk).await,
        OnDatabase::Resource(command) => resource::run(command, desk).await,
        OnDatabase::User(command) => user::run(command, desk).await,
        OnDatabase::Org(command) => org::run(command, desk).await,
        OnDatabase::Role(command) => role::run(command, desk).await,
        OnDatabase::Member(command) => member::run(command, desk).await,
        OnDatabase::Key(command) => key::run(command, desk).await,
        OnDatabase::Session(command) => session::run(command, desk).await,
        OnDatabase::Grant(command) => grant::run(command, desk).await,
        OnDatabase::Token(command) => token::run(command, desk).await,
    }
}

//! `latchkey backup` and `latchkey restore`.

use std::path::PathBuf;

use super::{Desk, Failure};
use crate::config::Settings;

/// What `latchkey backup` takes.
#[derive(Debug, clap::Args)]
pub struct BackupArgs {
    /// Where to write the copy; must not exist
    pub file: PathBuf,
}

/// What `latchkey restore` takes.
#[derive(Debug, clap::Args)]
pub struct RestoreArgs {
    /// The copy
    pub file: PathBuf,
}

/// Write a copy.
///
/// # Errors
/// When it cannot be written.
pub async fn run(_args: BackupArgs, _desk: &Desk) -> Result<(), Failure> {
    Err(Failure::new("backup is not built yet"))
}

/// Bring a copy back.
///
/// # Errors
/// When it cannot be read.
pub async fn restore(_args: RestoreArgs, _settings: &Settings, _json: bool) -> Result<(), Failure> {
    Err(Failure::new("restore is not built yet"))
}

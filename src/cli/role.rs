//! `latchkey role …`

use super::{Desk, Failure};

/// The verbs of `latchkey role`.
#[derive(Debug, clap::Subcommand)]
pub enum Command {}

/// Do it.
///
/// # Errors
/// When it is refused.
pub async fn run(command: Command, _desk: &Desk) -> Result<(), Failure> {
    match command {}
}

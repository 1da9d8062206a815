//! `latchkey demo`.

use super::Failure;

/// What `latchkey demo` takes.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Run the demo.
///
/// # Errors
/// When it cannot start.
pub async fn run(_args: Args) -> Result<(), Failure> {
    Err(Failure::new("the demo is not built yet"))
}

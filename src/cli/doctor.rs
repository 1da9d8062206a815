//! `latchkey doctor`.

use super::Failure;
use crate::config::{Settings, Sources};

/// Check everything that can be checked.
///
/// # Errors
/// When something is wrong.
pub async fn run(sources: &Sources, _json: bool) -> Result<(), Failure> {
    Settings::load(sources)?;
    Ok(())
}

//! `latchkey serve`.

use super::Failure;
use crate::config::Settings;

/// What `latchkey serve` takes.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The issuer identifier
    #[arg(long, value_name = "URL")]
    pub issuer: Option<String>,
    /// The address of the main listener
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<String>,
    /// `sqlite:PATH` or `postgres://…`
    #[arg(long, value_name = "URL")]
    pub database_url: Option<String>,
}

impl Args {
    /// The flags as settings.
    #[must_use]
    pub fn flags(self) -> Vec<(&'static str, String)> {
        [("issuer", self.issuer), ("listen", self.listen), ("database_url", self.database_url)]
            .into_iter()
            .filter_map(|(key, value)| Some((key, value?)))
            .collect()
    }
}

/// Serve until a signal comes.
///
/// # Errors
/// When it cannot start.
pub async fn run(_settings: Settings) -> Result<(), Failure> {
    Err(Failure::new("the server is not built yet"))
}

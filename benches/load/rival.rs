//! node-oidc-provider, the fastest of the others, set up for the same work; it keeps everything in memory.

use std::{path::Path, process::Command};

use super::process::{self, Process};

/// What its client proves itself with.
pub(crate) const SECRET: &str = "a-secret-of-the-bench-that-is-long-enough";

/// Start it; `None` where it is not installed.
pub(crate) fn start() -> Result<Option<Process>, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/load/oidc-provider");
    if !folder.join("node_modules").exists() {
        println!("node-oidc-provider is not measured: `npm ci --prefix benches/load/oidc-provider` brings it.");
        return Ok(None);
    }
    let address = process::free_address()?;
    let mut command = Command::new("node");
    command.current_dir(&folder).env("NODE_ENV", "production").arg("server.mjs");
    command.args([address.port().to_string().as_str(), SECRET]);
    let log = tempfile::NamedTempFile::new().map_err(|error| error.to_string())?;
    // It says where everything is by the `Host` that it is asked by.
    Process::start(command, address, "http://localhost".to_owned(), log.path()).map(Some)
}

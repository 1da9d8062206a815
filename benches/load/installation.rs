//! A Latchkey of its own, in a temporary directory: the program as it is released, with its default settings.

use std::{
    io::Write,
    net::SocketAddr,
    process::{Command, Stdio},
};

use super::process::{self, Process};

/// The program and its data.
pub(crate) struct Installation {
    folder: tempfile::TempDir,
    address: SocketAddr,
}

impl Installation {
    /// Everything but the running server, which has been started once.
    pub(crate) fn prepare() -> Result<Self, String> {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let own = Self { folder, address: process::free_address()? };
        own.latchkey(&["migrate"], None)?;
        own.start()?;
        Ok(own)
    }

    /// Run a command that prints JSON.
    pub(crate) fn latchkey(&self, arguments: &[&str], input: Option<&str>) -> Result<serde_json::Value, String> {
        let mut command = self.command();
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().map_err(|error| error.to_string())?;
        if let Some(mut stdin) = process.stdin.take() {
            stdin.write_all(input.unwrap_or_default().as_bytes()).map_err(|error| error.to_string())?;
        }
        let output = process.wait_with_output().map_err(|error| error.to_string())?;
        if !output.status.success() {
            return Err(format!("latchkey {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr)));
        }
        Ok(serde_json::from_slice(&output.stdout).unwrap_or_default())
    }

    /// Start the server on the database there is.
    pub(crate) fn start(&self) -> Result<Process, String> {
        let mut command = self.command();
        command.arg("serve");
        Process::start(command, self.address, self.issuer(), &self.folder.path().join("log"))
    }

    fn issuer(&self) -> String {
        format!("http://{}", self.address)
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_latchkey"));
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("LATCHKEY_")) {
            command.env_remove(name);
        }
        command
            .current_dir(self.folder.path())
            .env("LATCHKEY_ISSUER", self.issuer())
            .env("LATCHKEY_LISTEN", self.address.to_string());
        command
    }
}

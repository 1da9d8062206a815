//! A Latchkey of its own, in a temporary directory: the program as it is released, with its default settings.

use std::{
    fs,
    io::Write,
    net::{SocketAddr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// The program, its data, and the process while it runs.
pub(crate) struct Installation {
    folder: tempfile::TempDir,
    pub(crate) address: SocketAddr,
    pub(crate) issuer: String,
    process: Option<Child>,
}

impl Installation {
    /// Everything but the running server.
    pub(crate) fn prepare() -> Result<Self, String> {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        // Nobody else takes the port between here and the start, or the start fails and says so.
        let address = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let address = address.map_err(|error| error.to_string())?;
        let mut own = Self { folder, address, issuer: format!("http://{address}"), process: None };
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

    /// Start the server, or start it again on the same database; how long it took to answer.
    pub(crate) fn start(&mut self) -> Result<Duration, String> {
        self.stop();
        let log = fs::File::create(self.folder.path().join("log")).map_err(|error| error.to_string())?;
        let errors = log.try_clone().map_err(|error| error.to_string())?;
        let began = Instant::now();
        let mut command = self.command();
        let process = command.arg("serve").stdin(Stdio::null()).stdout(log).stderr(errors).spawn();
        self.process = Some(process.map_err(|error| error.to_string())?);
        while began.elapsed() < Duration::from_secs(20) {
            if answers(self.address) {
                return Ok(began.elapsed());
            }
            std::hint::spin_loop();
        }
        let log = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        Err(format!("the server does not answer; its log:\n{log}"))
    }

    /// What the server has used of the processor since it started (proc(5): `utime` and `stime`, in hundredths of a
    /// second).
    pub(crate) fn cpu(&self) -> Duration {
        let stat = self.proc("stat");
        let after_name = stat.rsplit(") ").next().unwrap_or_default();
        let ticks: u64 = after_name.split(' ').skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
        Duration::from_millis(ticks * 10)
    }

    /// The memory the server holds, in KiB.
    pub(crate) fn resident(&self) -> u64 {
        let status = self.proc("status");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
        line.trim().trim_end_matches(" kB").parse().unwrap_or_default()
    }

    fn proc(&self, file: &str) -> String {
        let Some(process) = &self.process else { return String::new() };
        fs::read_to_string(format!("/proc/{}/{file}", process.id())).unwrap_or_default()
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_latchkey"));
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("LATCHKEY_")) {
            command.env_remove(name);
        }
        command
            .current_dir(self.folder.path())
            .env("LATCHKEY_ISSUER", &self.issuer)
            .env("LATCHKEY_LISTEN", self.address.to_string());
        command
    }

    fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            drop(process.kill());
            drop(process.wait());
        }
    }
}

impl Drop for Installation {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Whether somebody answers a request for the metadata.
fn answers(address: SocketAddr) -> bool {
    use std::io::Read;
    let Ok(mut stream) = TcpStream::connect(address) else { return false };
    let mut answer = [0; 12];
    stream
        .write_all(b"GET /.well-known/openid-configuration HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        .and_then(|()| stream.read_exact(&mut answer))
        .is_ok_and(|()| answer == *b"HTTP/1.1 200")
}

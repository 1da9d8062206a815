//! A server that is measured: its process, and what proc(5) tells of it.

use std::{
    fs::{self, File},
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// It runs until this is dropped.
pub(crate) struct Process {
    child: Child,
    pub(crate) address: SocketAddr,
    pub(crate) issuer: String,
    /// From its start to its first answer.
    pub(crate) first_answer: Duration,
}

impl Process {
    /// Start it, and wait until it answers.
    pub(crate) fn start(mut command: Command, address: SocketAddr, issuer: String, log: &Path) -> Result<Self, String> {
        let file = File::create(log).map_err(|error| error.to_string())?;
        let errors = file.try_clone().map_err(|error| error.to_string())?;
        let began = Instant::now();
        let child = command.stdin(Stdio::null()).stdout(file).stderr(errors).spawn();
        let child = child.map_err(|error| error.to_string())?;
        let mut own = Self { child, address, issuer, first_answer: Duration::ZERO };
        while began.elapsed() < Duration::from_secs(20) {
            if answers(address) {
                own.first_answer = began.elapsed();
                return Ok(own);
            }
            std::hint::spin_loop();
        }
        Err(format!("the server does not answer; its log:\n{}", fs::read_to_string(log).unwrap_or_default()))
    }

    /// What it has used of the processor since it started (`utime` and `stime`, in hundredths of a second).
    pub(crate) fn cpu(&self) -> Duration {
        let stat = self.proc("stat");
        let after_name = stat.rsplit(") ").next().unwrap_or_default();
        let ticks: u64 = after_name.split(' ').skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
        Duration::from_millis(ticks * 10)
    }

    /// The memory it holds, in KiB.
    pub(crate) fn resident(&self) -> u64 {
        let status = self.proc("status");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
        line.trim().trim_end_matches(" kB").parse().unwrap_or_default()
    }

    fn proc(&self, file: &str) -> String {
        fs::read_to_string(format!("/proc/{}/{file}", self.child.id())).unwrap_or_default()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A port that nobody else takes between here and the start, or the start fails and says so.
pub(crate) fn free_address() -> Result<SocketAddr, String> {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).map_err(|error| error.to_string())
}

/// Whether somebody answers a request for the metadata.
fn answers(address: SocketAddr) -> bool {
    let Ok(mut stream) = TcpStream::connect(address) else { return false };
    let mut answer = [0; 12];
    stream
        .write_all(
            format!("GET /.well-known/openid-configuration HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")
                .as_bytes(),
        )
        .and_then(|()| stream.read_exact(&mut answer))
        .is_ok_and(|()| answer == *b"HTTP/1.1 200")
}

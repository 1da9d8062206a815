//! The program itself, as an operator runs it: in a directory of its own, with an environment of its own.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::{Child, ChildStderr, Command, Output, Stdio},
    time::Duration,
};

use serde_json::Value;

/// A directory in which the program is run.
pub(crate) struct Place {
    directory: tempfile::TempDir,
    env: Vec<(String, String)>,
}

/// What came of a run.
pub(crate) struct Done {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { directory: tempfile::tempdir().expect("a temporary directory"), env: Vec::new() }
    }

    /// The same, with a configuration file.
    pub(crate) fn with_config(text: &str) -> Self {
        let place = Self::new();
        place.write("latchkey.toml", text);
        place
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a directory")).expect("a directory can be made");
        std::fs::write(&path, text).expect("a file can be written");
        path
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_latchkey"));
        command.args(args);
        self.at_home(command)
    }

    fn at_home(&self, mut command: Command) -> Command {
        command.current_dir(self.directory.path()).env_clear().stdin(Stdio::null());
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Done {
        self.command(args).output().expect("the program runs").into()
    }

    pub(crate) fn run_with_input(&self, args: &[&str], input: &str) -> Done {
        let mut command = self.command(args);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program runs");
        child.stdin.take().expect("a pipe").write_all(input.as_bytes()).expect("it reads its input");
        child.wait_with_output().expect("the program ends").into()
    }

    /// Start a server on a port that is free, and wait until it serves.
    pub(crate) fn serve(&self, args: &[&str]) -> Serving {
        let mut command = self.command(SERVE);
        command.args(args);
        self.wait_for(command)
    }

    /// The same by a shell, which prepares the ground and then becomes the server: `exec "$0" "$@"`.
    pub(crate) fn serve_by(&self, script: &str) -> Serving {
        let mut command = Command::new("sh");
        command.args(["-c", script, env!("CARGO_BIN_EXE_latchkey")]).args(SERVE);
        self.wait_for(self.at_home(command))
    }

    fn wait_for(&self, mut command: Command) -> Serving {
        let mut child = command.stderr(Stdio::piped()).spawn().expect("the program runs");
        let log = BufReader::new(child.stderr.take().expect("a pipe"));
        // Killed from here on, however the test ends.
        let nowhere = SocketAddr::from(([0, 0, 0, 0], 0));
        let mut serving = Serving { main: nowhere, ops: None, child, log, before: String::new() };
        while serving.main == nowhere {
            let mut line = String::new();
            if serving.log.read_line(&mut line).expect("the log can be read") == 0 {
                panic!("the server has not started: {:?}\n{}", serving.child.wait(), serving.before);
            }
            let read: Value = serde_json::from_str(&line).unwrap_or_default();
            serving.before.push_str(&line);
            // Written for machines, or for people.
            if read["message"] == "serving" || line.contains(" INFO serving ") {
                let pretty = |name: &str| line.split(&format!(" {name}=")).nth(1)?.split_whitespace().next();
                let address = |name: &str| read[name].as_str().or_else(|| pretty(name))?.parse().ok();
                serving.main = address("listen").expect("the log says where it listens");
                serving.ops = address("ops");
            }
        }
        serving
    }
}

const SERVE: &[&str] = &["serve", "--listen", "127.0.0.1:0"];

impl From<Output> for Done {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
}

impl Done {
    /// It must have been done.
    #[track_caller]
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.code, Some(0), "{}{}", self.out, self.err);
        self.out
    }

    /// It must have been done, and print JSON.
    #[track_caller]
    pub(crate) fn json(self) -> Value {
        let out = self.ok();
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}"))
    }

    /// It must have been refused; gives what was said.
    #[track_caller]
    pub(crate) fn refused(self) -> String {
        assert_eq!(self.code, Some(1), "{}{}", self.out, self.err);
        assert!(self.err.starts_with("error: "), "{}", self.err);
        self.err
    }
}

/// A server that runs. It is killed when the test ends.
pub(crate) struct Serving {
    pub(crate) main: SocketAddr,
    pub(crate) ops: Option<SocketAddr>,
    child: Child,
    log: BufReader<ChildStderr>,
    before: String,
}

/// An answer over the wire.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (own, value) = line.split_once(':')?;
            own.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("JSON, not {}: {}", self.status, self.body))
    }

    /// Whether all of it has come.
    fn is_whole(&self) -> bool {
        self.header("content-length").and_then(|text| text.parse().ok()) == Some(self.body.len())
    }
}

impl Serving {
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn get(&self, path: &str) -> Reply {
        get(self.main, path, "")
    }

    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status();
        assert!(sent.expect("kill runs").success());
    }

    /// The exit code and the whole log, once the server has ended.
    pub(crate) fn ended(mut self) -> (Option<i32>, String) {
        let mut log = std::mem::take(&mut self.before);
        self.log.read_to_string(&mut log).expect("the log can be read");
        (self.child.wait().expect("the server ends").code(), log)
    }

    /// End it as a power cut would.
    pub(crate) fn kill(self) {
        drop(self);
    }

    /// Tell it to stop, and wait.
    pub(crate) fn stop(self) -> String {
        self.signal("TERM");
        let (code, log) = self.ended();
        assert_eq!(code, Some(0), "{log}");
        log
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Ask with further header lines, each ended by `\r\n`.
pub(crate) fn get(address: SocketAddr, path: &str, headers: &str) -> Reply {
    exchange(address, &format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n"))
}

/// Send bytes, and read until the server closes the connection.
pub(crate) fn exchange(address: SocketAddr, request: &str) -> Reply {
    let mut stream = connect(address);
    // A server that has answered already may have closed its ear.
    drop(stream.write_all(request.as_bytes()));
    read_reply(stream)
}

/// Post a form, with further header lines; the answer, if all of it comes.
pub(crate) fn post(address: SocketAddr, path: &str, headers: &str, form: &str) -> Option<Reply> {
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\n{headers}\r\n",
        form.len()
    );
    let mut stream = reach(address).ok()?;
    stream.write_all(format!("{head}{form}").as_bytes()).ok()?;
    Some(read_reply(stream)).filter(Reply::is_whole)
}

pub(crate) fn connect(address: SocketAddr) -> TcpStream {
    reach(address).expect("the server can be reached")
}

fn reach(address: SocketAddr) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    Ok(stream)
}

pub(crate) fn read_reply(mut stream: impl Read) -> Reply {
    let mut bytes = Vec::new();
    // A connection that is reset after the answer has given its answer.
    drop(stream.read_to_end(&mut bytes));
    let text = String::from_utf8(bytes).expect("UTF-8");
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.get(9..12).and_then(|code| code.parse().ok()).unwrap_or(0);
    Reply { status, head: head.to_owned(), body: body.to_owned() }
}

/// The mode of a file.
pub(crate) fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).expect("the file is there").permissions().mode() & 0o777
}

//! `latchkey demo` as somebody runs it who tries Latchkey out.

use std::{
    collections::BTreeSet,
    fs::File,
    io::{BufRead, BufReader},
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::program::{Done, Place, get, mode};

/// A demo that runs. It is killed when the test ends.
struct Demo {
    child: Child,
    /// What it says to people.
    words: String,
    /// What it says to programs.
    line: Value,
}

impl Demo {
    /// Start one that nobody waits for.
    fn begin(place: &Place, args: &[&str]) -> Child {
        let mut command = place.command(&["demo", "--no-open", "--data", "data"]);
        let log = File::create(place.path("log")).expect("a file");
        command.args(args).stdout(Stdio::piped()).stderr(log).spawn().expect("the program runs")
    }

    /// Start one, and wait until it says where it is.
    fn start(place: &Place, args: &[&str]) -> Self {
        let mut demo = Self { child: Self::begin(place, args), words: String::new(), line: Value::Null };
        let mut out = BufReader::new(demo.child.stdout.take().expect("a pipe"));
        loop {
            let mut line = String::new();
            if out.read_line(&mut line).expect("it can be read") == 0 {
                let log = std::fs::read_to_string(place.path("log")).unwrap_or_default();
                panic!("the demo has not started: {:?}\n{}{log}", demo.child.wait(), demo.words);
            }
            if line.starts_with("{\"demo\":") {
                demo.line = serde_json::from_str::<Value>(&line).expect("JSON")["demo"].take();
                return demo;
            }
            demo.words.push_str(&line);
        }
    }

    fn says(&self, member: &str) -> &str {
        self.line[member].as_str().expect("a text")
    }

    /// The status of a page at one of its addresses.
    fn status(&self, member: &str, path: &str) -> u16 {
        let port = self.says(member).rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
        get(([127, 0, 0, 1], port).into(), path, "").status
    }

    fn stop(mut self) -> Option<i32> {
        let sent = Command::new("kill").arg(self.child.id().to_string()).status();
        assert!(sent.expect("kill runs").success());
        self.child.wait().expect("it ends").code()
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A demo's ports are those of the machine, so no two tests may have demos at a time: one would take a port that the
/// other has just found free, or let one go that it has just found taken.
fn alone() -> MutexGuard<'static, ()> {
    static DEMOS: Mutex<()> = Mutex::new(());
    DEMOS.lock().unwrap_or_else(PoisonError::into_inner)
}

fn remembered(place: &Place) -> Value {
    serde_json::from_slice(&std::fs::read(place.path("data/demo.json")).expect("demo.json")).expect("JSON")
}

#[test]
fn the_demo_tells_people_programs_and_its_file_the_same_and_goes_on_where_it_was() {
    let _alone = alone();
    let place = Place::new();
    // If this cannot be had, another program on this machine has it, which is as good.
    let _taken = TcpListener::bind(("127.0.0.1", 8080));
    let first = Demo::start(&place, &[]);
    assert_eq!(first.line, remembered(&place));
    assert_eq!(mode(&place.path("data/demo.json")), 0o600);
    let members: BTreeSet<&str> = first.line.as_object().expect("an object").keys().map(String::as_str).collect();
    let expected = ["issuer", "app", "resource_server", "users", "client_id", "client_secret"];
    assert_eq!(members, BTreeSet::from(expected));
    assert!(first.words.contains("Port 8080 is taken, so the server is on port "), "{}", first.words);
    assert_ne!(first.says("issuer"), "http://localhost:8080");
    for address in ["issuer", "app", "resource_server"] {
        assert!(first.words.contains(first.says(address)), "{address}: {}", first.words);
    }
    for (user, password) in first.line["users"].as_object().expect("an object") {
        assert!(first.words.contains(user) && first.words.contains(password.as_str().expect("a text")), "{user}");
    }
    assert_eq!(first.status("issuer", "/.well-known/openid-configuration"), 200);
    assert_eq!((first.status("app", "/"), first.status("resource_server", "/kb")), (200, 401));
    let second = place.command(&["demo", "--no-open", "--data", "data"]).output().expect("the program runs");
    let second = Done::from(second);
    assert!(second.code == Some(1) && second.err.contains("\nerror: a demo is running on "), "{}", second.err);
    let before = first.line.clone();
    assert_eq!(first.stop(), Some(0));

    let on_the_network = ["serve", "--config", "data/latchkey.toml", "--listen", "0.0.0.0:0"];
    let place = place.env("LATCHKEY_PROXY_TRUSTED", "10.0.0.1");
    let told = place.run(&on_the_network).refused();
    assert!(told.contains("this is the database of a demo"), "{told}");

    let again = Demo::start(&place, &[]);
    for member in ["users", "client_id", "client_secret"] {
        assert_eq!(again.line[member], before[member], "{member}");
    }
    assert_eq!(again.stop(), Some(0));
    let anew = Demo::start(&place, &["--fresh"]);
    assert_ne!(anew.line["users"], before["users"]);
    assert_ne!(anew.line["client_secret"], before["client_secret"]);
    assert_eq!(anew.line, remembered(&place));
    assert_eq!(anew.stop(), Some(0));
}

#[test]
fn a_demo_that_was_killed_while_it_was_set_up_goes_on_with_that_at_the_next_start() {
    let _alone = alone();
    let place = Place::new();
    let data = place.path("data");
    let is_there = |name: &str| data.join(name).exists();
    let holds = |question: &str| count(&data.join("latchkey.db"), question) > 0;
    // Ever a little later.
    let moments: &[(&str, &dyn Fn() -> bool)] = &[
        ("its memory", &|| is_there("demo.json")),
        ("a database", &|| is_there("latchkey.db")),
        ("tables", &|| holds("SELECT COUNT(*) FROM sqlite_master WHERE name = 'users'")),
        ("a master key", &|| is_there("master.key")),
        ("signing keys", &|| holds("SELECT COUNT(*) FROM signing_keys")),
        ("organisations", &|| holds("SELECT COUNT(*) FROM orgs")),
        ("alice", &|| holds("SELECT COUNT(*) FROM users WHERE username = 'alice'")),
        ("bob", &|| holds("SELECT COUNT(*) FROM users WHERE username = 'bob'")),
        ("an API", &|| holds("SELECT COUNT(*) FROM resources WHERE uri LIKE 'http:%'")),
        ("an app", &|| holds("SELECT COUNT(*) FROM clients")),
    ];
    for (what, has_come) in moments {
        let mut child = Demo::begin(&place, &[]);
        let deadline = Instant::now() + Duration::from_secs(60);
        while !has_come() {
            assert!(child.try_wait().expect("it can be asked").is_none(), "the demo ended before there was {what}");
            assert!(Instant::now() < deadline, "there was never {what}");
            thread::yield_now();
        }
        child.kill().expect("it runs");
        child.wait().expect("it ends");
    }
    let demo = Demo::start(&place, &[]);
    assert_eq!(demo.line, remembered(&place));
    let users: Vec<&String> = demo.line["users"].as_object().expect("an object").keys().collect();
    assert_eq!(users, ["alice", "bob", "carol"], "each with the password that was written down: {}", demo.words);
    for expected in ["owner of acme", "viewer of globex", "editor of acme"] {
        assert!(demo.words.contains(expected), "{expected}: {}", demo.words);
    }
    assert_eq!(demo.status("app", "/"), 200);
    assert_eq!(demo.stop(), Some(0));
}

/// The answer of a database that may not be there yet, or not have its tables.
fn count(file: &Path, question: &str) -> i64 {
    use sqlx::{ConnectOptions, Connection, sqlite::SqliteConnectOptions};
    let ask = async {
        let mut connection = SqliteConnectOptions::new().filename(file).read_only(true).connect().await?;
        let count = sqlx::query_scalar(sqlx::AssertSqlSafe(question.to_owned())).fetch_one(&mut connection).await;
        connection.close().await?;
        count
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(ask).unwrap_or(0)
}

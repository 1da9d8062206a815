//! PostgreSQL goes away and comes back: nobody is kept waiting for long, everybody is told to try again, and once it is
//! back everything goes on without a restart.

use std::{
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use crate::{
    program::{Place, Reply, get},
    stage::Stage,
    world::database_url,
};

/// The way to a database, which can be cut and mended.
struct Line {
    here: SocketAddr,
    there: SocketAddr,
    open: Arc<Mutex<Vec<TcpStream>>>,
    is_up: Arc<Mutex<bool>>,
}

impl Line {
    fn to(there: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let here = listener.local_addr().expect("an address");
        let line = Self { here, there, open: Arc::default(), is_up: Arc::new(Mutex::new(true)) };
        let (open, is_up) = (line.open.clone(), line.is_up.clone());
        thread::spawn(move || {
            for near in listener.incoming().map_while(Result::ok) {
                // Whoever comes while it is cut is hung up on.
                let up = is_up.lock().unwrap();
                if *up && let Ok(far) = TcpStream::connect(there) {
                    open.lock().unwrap().extend([near.try_clone().unwrap(), far.try_clone().unwrap()]);
                    for (from, to) in [(near.try_clone().unwrap(), far.try_clone().unwrap()), (far, near)] {
                        thread::spawn(move || pass_on(from, to));
                    }
                }
            }
        });
        line
    }

    fn cut(&self) {
        *self.is_up.lock().unwrap() = false;
        for stream in self.open.lock().unwrap().drain(..) {
            drop(stream.shutdown(Shutdown::Both));
        }
    }

    fn mend(&self) {
        *self.is_up.lock().unwrap() = true;
    }

    /// The same database, reached by this line.
    fn url(&self, url: &str) -> String {
        url.replace(&self.there.to_string(), &self.here.to_string())
    }
}

fn pass_on(mut from: TcpStream, mut to: TcpStream) {
    let mut bytes = [0; 8192];
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        if to.write_all(&bytes[..count]).is_err() {
            break;
        }
    }
    drop(to.shutdown(Shutdown::Both));
    drop(from.shutdown(Shutdown::Both));
}

#[tokio::test]
async fn a_database_that_goes_away_is_waited_for_and_nobody_loses_anything() {
    let url = database_url().await;
    let Some(address) = url.split(['@', '/']).find_map(|part| part.parse::<SocketAddr>().ok()) else {
        eprintln!("left out: PostgreSQL alone goes away, and only at an address can it be cut off");
        return;
    };
    let line = Line::to(address);
    let mut stage = Stage::new(Place::new(), &url, 2).await;
    stage.place = stage.place.env("LATCHKEY_DATABASE_URL", &line.url(&url)).env("LATCHKEY_OPS_LISTEN", "127.0.0.1:0");
    let serving = stage.place.serve(&[]);
    let (caller, main, ops) = (stage.caller(serving.main), serving.main, serving.ops.expect("a second listener"));
    let (first, second) = (stage.approval().code, stage.approval().code);
    let refresh = text(&caller.redeems(&first).expect("an answer"), "refresh_token");
    assert_eq!(get(ops, "/readyz", "").status, 200);

    line.cut();
    let asked = Instant::now();
    // All at once: each waits as long as anybody waits for a connection.
    thread::scope(|scope| {
        scope.spawn(|| assert_unavailable(&caller.refreshes(&refresh).expect("an answer")));
        scope.spawn(|| assert_unavailable(&caller.redeems(&second).expect("an answer")));
        scope.spawn(|| {
            let page = get(main, "/login", "Accept: text/html\r\n");
            assert_eq!((page.status, page.header("content-type")), (503, Some("text/html; charset=utf-8")), "{page:?}");
        });
        for _ in 0..3 {
            scope.spawn(|| assert_eq!(get(ops, "/readyz", "").status, 503));
        }
    });
    assert!(asked.elapsed() < Duration::from_secs(25), "nobody waits half a minute: {:?}", asked.elapsed());
    for path in ["/.well-known/jwks.json", "/.well-known/openid-configuration"] {
        assert_eq!(get(main, path, "").status, 200, "{path} asks nothing of the database");
    }
    assert_eq!(get(ops, "/healthz", "").status, 200, "it lives: to start it again would not help");
    while !get(ops, "/metrics", "").body.contains("latchkey_jobs_total{job=\"look\",outcome=\"failed\"}") {
        thread::yield_now();
    }

    line.mend();
    while get(ops, "/readyz", "").status != 200 {
        thread::yield_now();
    }
    let succeeded = |metrics: &str| {
        let line = metrics.lines().find(|line| line.contains("{job=\"look\",outcome=\"done\"}"));
        line.map(str::to_owned)
    };
    let before = succeeded(&get(ops, "/metrics", "").body);
    while succeeded(&get(ops, "/metrics", "").body) == before {
        thread::yield_now();
    }
    let next = text(&caller.refreshes(&refresh).expect("an answer"), "refresh_token");
    text(&caller.refreshes(&next).expect("an answer"), "refresh_token");
    text(&caller.redeems(&second).expect("a code that could not be spent is not spent"), "refresh_token");
    let metrics = get(ops, "/metrics", "").body;
    assert!(
        metrics.contains("latchkey_errors_total{route=\"/token\",error=\"temporarily_unavailable\"} 2"),
        "{metrics}"
    );

    let log = serving.stop();
    let errors: Vec<&str> = log.lines().filter(|line| line.contains("\"level\":\"ERROR\"")).collect();
    let of = |what: &str| errors.iter().filter(|line| line.contains(what)).count();
    assert_eq!((of("\"route\":\"/readyz\""), of("\"job\":\"look\"")), (1, 1), "told once: {log}");
    assert!(errors.len() <= 7, "one for each that was refused, one for each job: {log}");
    assert!(errors.iter().all(|line| line.contains("\"hint\":\"is the database running")), "{log}");
    assert!(log.contains("\"message\":\"ready again\"") && log.contains("succeeds again"), "{log}");
    assert!(!log.contains("tower_sessions"), "{log}");
}

#[test]
fn a_database_that_cannot_be_reached_is_said_at_once_and_by_name() {
    let place = Place::new().env("LATCHKEY_DATABASE_URL", "postgres://u:hunter2@127.0.0.1:1/none");
    let asked = Instant::now();
    for args in [&["serve", "--listen", "127.0.0.1:0"][..], &["user", "list"]] {
        let told = place.run(args).refused();
        let expected = "error: `database_url` names the database none at 127.0.0.1:1, which cannot be opened: ";
        assert!(told.starts_with(expected) && told.contains("hint: is the database running"), "{told}");
        assert!(!told.contains("hunter2"), "{told}");
    }
    assert!(asked.elapsed() < Duration::from_secs(20), "{:?}", asked.elapsed());
    let Ok(url) = std::env::var("TEST_POSTGRES_URL") else { return };
    let (base, _) = url.rsplit_once('/').expect("a database");
    for (url, expected, hint) in [
        (format!("{base}/no_such_database"), "\"no_such_database\" does not exist", "hint: make the database first"),
        (format!("{base}/postgres?sslmode=verify-full"), "", ""),
    ] {
        let told = Place::new().env("LATCHKEY_DATABASE_URL", &url).run(&["user", "list"]).refused();
        assert!(told.contains("which cannot be opened: ") && told.contains(expected) && told.contains(hint), "{told}");
        assert!(!told.contains("at line"), "{told}");
    }
}

#[track_caller]
fn assert_unavailable(answer: &Reply) {
    assert_eq!((answer.status, &answer.json()["error"]), (503, &"temporarily_unavailable".into()), "{answer:?}");
    assert_eq!(answer.header("retry-after"), Some("1"), "{answer:?}");
}

#[track_caller]
fn text(answer: &Reply, member: &str) -> String {
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()[member].as_str().expect("a text").to_owned()
}

//! N, cases 84 to 86: other sites' scripts, the `Host` header, and requests that are too large, too slow or ambiguous.

use std::io::{Read, Write};

use axum::{
    body::Body,
    http::{Method, Request},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{is_alive, member, site};
use crate::program::{Place, connect, post, read_reply};
use crate::world::{Answer, ISSUER, World, basic, encode};

const EVIL: &str = "https://evil.example";

/// What programs call, and how it goes wrong and right without a client.
const PROGRAMS: &[(&str, &str)] = &[
    ("token::TOKEN", "/token"),
    ("userinfo::USERINFO", "/userinfo"),
    ("introspect::INTROSPECT", "/introspect"),
    ("revoke::REVOKE", "/revoke"),
    ("jwks::JWKS", "/.well-known/jwks.json"),
    ("jwks::JWKS_ALIAS", "/jwks"),
];

const PAGES: &[&str] = &[
    "/authorize",
    "/authorize/resume",
    "/login",
    "/login/account",
    "/consent",
    "/account",
    "/logout",
    "/logout/confirm",
    "/logout/done",
    "/errors",
    "/",
    "/nothing",
    "/healthz",
    "/metrics",
];

const METADATA: &[&str] = &["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"];

#[test]
fn case_84_knows_every_route_that_programs_call() {
    let routes = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/src/server/routes.rs")).unwrap();
    let programs = routes.split("fn programs(").nth(1).and_then(|rest| rest.split("\n}").next()).expect("the routes");
    let named: Vec<&str> = programs.split(".route(").skip(1).filter_map(|route| route.split(',').next()).collect();
    assert_eq!(named, PROGRAMS.iter().map(|(name, _)| *name).collect::<Vec<_>>());
}

async fn from_another_site(world: &World, method: &str, path: &str, more: &[(&str, &str)], body: &str) -> Answer {
    let mut request = Request::builder().method(Method::from_bytes(method.as_bytes()).unwrap()).uri(path);
    request = request.header("origin", EVIL);
    for (name, value) in more {
        request = request.header(*name, *value);
    }
    world.send(request.body(Body::from(body.to_owned())).unwrap()).await
}

/// That any site may read it, and none with the user's cookies.
#[track_caller]
fn is_for_any_site(answer: &Answer, tried: &str) {
    assert_eq!(answer.header("access-control-allow-origin"), "*", "{tried}: {answer:?}");
    assert_eq!(answer.headers.get_all("access-control-allow-origin").iter().count(), 1, "{tried}");
    assert!(answer.headers.get("access-control-allow-credentials").is_none(), "{tried}: {answer:?}");
    assert!(answer.headers.get("set-cookie").is_none(), "{tried}: {answer:?}");
}

#[tokio::test]
async fn case_84_scripts_of_other_sites_read_what_no_cookie_opens_and_nothing_else() {
    let (world, app) = site().await;
    let mut browser = world.browser();
    let code = browser.code(&app, "openid", "alice").await;
    let tokens = app.redeems(&world, &code).await.ok();
    let cookies: Vec<String> = browser.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let cookies = cookies.join("; ");
    let form = ("content-type", "application/x-www-form-urlencoded");
    let proof = basic(&app.id, app.secret.as_deref().unwrap());
    let bearer = format!("Bearer {}", member(&tokens, "access_token"));
    let token = encode(&[("token", "x")]);
    // What goes well.
    for (method, path, authorization, body, status) in [
        ("POST", "/introspect", &proof, token.as_str(), 200),
        ("POST", "/revoke", &proof, &token, 200),
        ("GET", "/userinfo", &bearer, "", 200),
        ("POST", "/userinfo", &bearer, "", 200),
    ] {
        let more = [form, ("authorization", authorization), ("cookie", &cookies)];
        let answer = from_another_site(&world, method, path, &more, body).await;
        assert_eq!(answer.status, status, "{path}: {answer:?}");
        is_for_any_site(&answer, path);
    }
    for path in PROGRAMS.iter().map(|(_, path)| path).chain(METADATA) {
        // What goes wrong: without a client, with another method, with too much, with nonsense.
        for (method, body) in [("GET", ""), ("POST", "x"), ("PUT", "x"), ("DELETE", ""), ("OPTIONS", "")] {
            let answer = from_another_site(&world, method, path, &[("cookie", &cookies)], body).await;
            is_for_any_site(&answer, &format!("{method} {path}"));
        }
        let large = "x".repeat(100_000);
        is_for_any_site(&from_another_site(&world, "POST", path, &[form], &large).await, path);
        // What a browser asks beforehand.
        for (method, headers) in
            [("POST", "authorization, content-type"), ("GET", "authorization"), ("DELETE", "x-evil")]
        {
            let asked = [("access-control-request-method", method), ("access-control-request-headers", headers)];
            let answer = from_another_site(&world, "OPTIONS", path, &asked, "").await;
            assert_eq!(answer.status, 204, "{path}: {answer:?}");
            is_for_any_site(&answer, path);
            assert_eq!(answer.header("access-control-allow-headers"), "Authorization, Content-Type", "{path}");
            assert_eq!(answer.header("access-control-allow-methods"), "GET, POST", "{path}");
        }
    }
    for path in PAGES {
        for method in ["GET", "POST", "OPTIONS"] {
            for more in [vec![], vec![("access-control-request-method", "POST")]] {
                let more = [vec![("cookie", cookies.as_str())], more].concat();
                let answer = from_another_site(&world, method, path, &more, "").await;
                let names = answer.headers.keys().filter(|name| name.as_str().starts_with("access-control-"));
                assert_eq!(names.count(), 0, "{method} {path}: {answer:?}");
            }
        }
    }
}

#[tokio::test]
async fn case_85_no_header_decides_where_an_answer_leads() {
    let (world, app) = site().await;
    let request = format!("/authorize?{}", encode(&app.asks("openid")));
    let paths = PAGES.iter().chain(METADATA).chain(PROGRAMS.iter().map(|(_, path)| path));
    let paths: Vec<&str> = paths.copied().chain([request.as_str(), "/login?x=1", "/errors/invalid_request"]).collect();
    for path in paths {
        for (target, headers) in [
            (path.to_owned(), "Host: evil.example\r\n".to_owned()),
            (path.to_owned(), "Host: localhost:8080.evil.example\r\n".to_owned()),
            (path.to_owned(), "Host: localhost:8080@evil.example\r\n".to_owned()),
            (path.to_owned(), "Host: localhost:8080\r\nX-Forwarded-Host: evil.example\r\n".to_owned()),
            (path.to_owned(), "Host: localhost:8080\r\nForwarded: host=evil.example;proto=https\r\n".to_owned()),
            (
                path.to_owned(),
                "Host: localhost:8080\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Port: 666\r\nX-Forwarded-Prefix: /evil\r\n\
                 X-Original-URL: /evil\r\nX-Rewrite-URL: /evil\r\nX-HTTP-Method-Override: POST\r\n"
                    .to_owned(),
            ),
            (format!("http://evil.example{path}"), "Host: localhost:8080\r\n".to_owned()),
            (format!("//evil.example{path}"), "Host: localhost:8080\r\n".to_owned()),
            (format!("{path}{}__=//evil.example/", if path.contains('?') { '&' } else { '?' }), "Host: evil.example\r\n".to_owned()),
        ] {
            let bytes = format!("GET {target} HTTP/1.1\r\n{headers}Connection: close\r\n\r\n");
            let answer = world.sends(bytes.as_bytes()).await;
            let tried = format!("{target} {headers}");
            for (name, value) in &answer.headers {
                let value = value.to_str().unwrap();
                assert!(!value.contains("evil") && !value.contains("666"), "{tried}: {name}: {value}");
                assert!(name != "set-cookie" || !value.contains("Domain"), "{tried}: {value}");
            }
            if let Some(location) = answer.headers.get("location") {
                let location = location.to_str().unwrap();
                assert!(location.starts_with(&format!("{ISSUER}/")), "{tried}: {location}");
            }
            // `__=` is kept on its page, escaped, by what offers to go on; nothing else of it is anywhere.
            assert!(!answer.body.contains("evil.example"), "{tried}: {}", answer.body);
            if METADATA.contains(&path) && answer.status == 200 {
                assert_eq!(answer.json()["issuer"], ISSUER, "{tried}");
            }
        }
    }
}

#[tokio::test]
async fn case_86_requests_without_measure_are_refused() {
    let (world, app) = site().await;
    let proof = basic(&app.id, app.secret.as_deref().unwrap());
    let post = async |path: &str, body: &str| {
        let headers = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost:8080\r\nConnection: close\r\nAuthorization: {proof}\r\nOrigin: {ISSUER}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        world.sends([headers.as_bytes(), body.as_bytes()].concat().as_slice()).await
    };
    let large = "x".repeat(1 << 20);
    let many = "a=b&".repeat(10_000);
    let names = (0..6_000).map(|n| format!("{n}=1")).collect::<Vec<_>>().join("&");
    let scopes = (0..1_000).map(|n| format!("s{n}")).collect::<Vec<_>>().join("+");
    let deep = format!("claims={}{}", "%7B%22a%22%3A".repeat(1_000), "%7D".repeat(1_000));
    let deep_arrays = format!("claims={}{}", "%5B".repeat(1_000), "%5D".repeat(1_000));
    let percents = "%".repeat(60_000);
    for path in [
        "/token",
        "/introspect",
        "/revoke",
        "/authorize",
        "/login",
        "/consent",
        "/account",
        "/logout",
        "/logout/confirm",
        "/login/account",
        "/userinfo",
    ] {
        for (what, body, expected) in [
            ("1 MB", &large, &[413][..]),
            ("10 000 parameters", &many, &[400, 401, 403, 413]),
            ("6 000 names", &names, &[303, 400, 401, 403]),
            ("percents", &percents, &[200, 303, 400, 401, 403, 410, 413]),
        ] {
            let answer = post(path, body).await;
            assert!(expected.contains(&answer.status.as_u16()), "{what} at {path}: {answer:?}");
            assert!(answer.body.len() < 20_000, "{what} at {path}: {}", answer.body.len());
        }
    }
    for body in [&deep, &deep_arrays] {
        let params = format!("{}&{body}", encode(&app.asks("openid")));
        let answer = world.gets(&format!("/authorize?{params}")).await;
        assert_eq!(answer.param("error").as_deref(), Some("invalid_request"), "{answer:?}");
        let token = format!("grant_type=client_credentials&scope=openid&{body}");
        assert_eq!(post("/token", &token).await.status, 400);
    }
    post("/token", &format!("grant_type=client_credentials&scope={scopes}")).await.refused("invalid_scope");
    let answer =
        world.gets(&format!("/authorize?{}&scope={scopes}", encode(&app.asks("")).replace("scope=&", ""))).await;
    assert_eq!(answer.param("error").as_deref(), Some("invalid_scope"), "{answer:?}");
    // Heads: one long line, many lines, a long target, a line without end.
    for head in [
        format!("GET /login HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "a".repeat(70_000)),
        format!("GET /login HTTP/1.1\r\nHost: x\r\n{}\r\n", "X: a\r\n".repeat(5_000)),
        format!("GET /login?{} HTTP/1.1\r\nHost: x\r\n\r\n", "a".repeat(70_000)),
        format!("GET /login HTTP/1.1\r\nHost: x\r\nCookie: {}\r\n\r\n", "a=b; ".repeat(20_000)),
    ] {
        let answer = raw(&world, &[head.as_bytes()]).await;
        assert!(answer.starts_with("HTTP/1.1 431") || answer.starts_with("HTTP/1.1 414"), "{answer:.200}");
    }
    assert_eq!(world.get("/healthz").await.status, 200);
}

/// What a process holds in memory, in KiB.
#[cfg(target_os = "linux")]
fn held(pid: u32) -> i64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("the server runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a line on memory");
    line.trim().trim_end_matches(" kB").parse().expect("a number of KiB")
}

#[test]
#[cfg(target_os = "linux")]
fn case_86_made_up_clients_do_not_fill_the_memory() {
    let place = Place::new().env("LATCHKEY_LOG_LEVEL", "warn,latchkey::cli::serve=info");
    let serving = place.serve(&[]);
    let asks = |n: usize| {
        let answer = serving.get(&format!("/authorize?client_id={n}{}", "x".repeat(50_000)));
        assert_eq!(answer.status, 400, "{answer:?}");
    };
    asks(0);
    let before = held(serving.pid());
    (1..400).for_each(asks);
    let grown = held(serving.pid()) - before;
    assert!(grown < 10 * 1_024, "{grown} KiB more than the {before} before");
}

#[test]
fn case_86_a_long_request_makes_no_long_line_in_the_log() {
    let place = Place::new();
    let serving = place.serve(&[]);
    let long = "x".repeat(50_000);
    place.run(&["client", "create", "--name", "x", "--id", "app", "--redirect-uri", "https://app.example/cb"]).ok();
    for target in [
        format!("/authorize?client_id={long}"),
        format!("/authorize?client_id=app&redirect_uri={long}"),
        format!("/authorize?client_id=app&redirect_uri=https://app.example/cb&scope={long}"),
        format!("/logout?id_token_hint={long}"),
        format!("/{long}"),
    ] {
        serving.get(&target);
    }
    for form in
        [format!("client_id={long}"), format!("client_id=app&client_secret={long}"), format!("grant_type={long}")]
    {
        post(serving.main, "/token", "", &form);
    }
    let log = serving.stop();
    let longest = log.lines().map(str::len).max().unwrap_or_default();
    assert!(log.contains("invalid_client") && longest < 3_000, "a line of {longest} bytes");
}

/// This machine is a proxy's, and may fill the house.
#[test]
fn case_86_connections_that_say_nothing_leave_room_for_the_database() {
    let place = Place::new();
    let serving = place.serve_by("ulimit -n 200; exec \"$0\" \"$@\"");
    let mut early = connect(serving.main);
    let held: Vec<_> = (0..300)
        .map(|_| {
            let mut stream = connect(serving.main);
            drop(stream.write_all(b"GET /login HTTP/1.1\r\nHost: x\r\nX: "));
            stream
        })
        .collect();
    // Too many of them: they are closed, not left to wait.
    let mut last = held.last().expect("a connection");
    let mut rest = Vec::new();
    drop(last.read_to_end(&mut rest));
    assert!(rest.is_empty(), "{rest:?}");
    // Whoever is connected is answered, from the database, too.
    early.write_all(b"GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").expect("it is open");
    assert_eq!(read_reply(early).status, 200);
    drop(held);
    let mut answer = serving.get("/login");
    while answer.status != 200 {
        answer = serving.get("/login");
    }
    let log = serving.stop();
    assert!(log.contains("\"event\":\"too_many_connections\""), "{log}");
}

/// What comes back for these pieces, as text.
async fn raw(world: &World, pieces: &[&[u8]]) -> String {
    let mut stream = TcpStream::connect(world.address.unwrap()).await.unwrap();
    for piece in pieces {
        if stream.write_all(piece).await.is_err() {
            break;
        }
    }
    let mut bytes = Vec::new();
    drop(stream.read_to_end(&mut bytes).await);
    String::from_utf8_lossy(&bytes).into_owned()
}

#[tokio::test]
async fn case_86_no_request_hides_in_another() {
    let (world, app) = site().await;
    let mut browser = world.browser();
    let code = browser.code(&app, "openid", "alice").await;
    let access = member(&app.redeems(&world, &code).await.ok(), "access_token");
    let proof = basic(&app.id, app.secret.as_deref().unwrap());
    let form = format!("token={access}");
    // What would be seen if the hidden request were answered: the token is revoked.
    let hidden = format!(
        "POST /revoke HTTP/1.1\r\nHost: localhost:8080\r\nAuthorization: {proof}\r\nConnection: close\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
        form.len()
    );
    let length = hidden.len();
    let chunk = format!("{length:x}\r\n{hidden}\r\n0\r\n\r\n");
    let front = "POST /login HTTP/1.1\r\nHost: localhost:8080\r\nContent-Type: text/plain\r\n";
    for (what, request) in [
        (
            "length and chunks",
            format!("{front}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{hidden}"),
        ),
        (
            "chunks and length",
            format!("{front}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n{hidden}"),
        ),
        ("two lengths", format!("{front}Content-Length: {length}\r\nContent-Length: 0\r\n\r\n{hidden}")),
        ("a list of lengths", format!("{front}Content-Length: 0, {length}\r\n\r\n{hidden}")),
        ("a signed length", format!("{front}Content-Length: +0\r\n\r\n{hidden}")),
        ("a hexadecimal length", format!("{front}Content-Length: 0x0\r\n\r\n{hidden}")),
        ("a negative length", format!("{front}Content-Length: -1\r\n\r\n{hidden}")),
        ("a length beyond all", format!("{front}Content-Length: 18446744073709551616\r\n\r\n{hidden}")),
        (
            "a length with a space before the colon",
            format!("{front}Content-Length : 0\r\nContent-Length: {length}\r\n\r\n{hidden}"),
        ),
        (
            "chunks spelt otherwise",
            format!("{front}Transfer-Encoding: xchunked\r\nContent-Length: {length}\r\n\r\n{hidden}"),
        ),
        ("chunks and identity", format!("{front}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n{hidden}")),
        (
            "chunks after a vertical tab",
            format!("{front}Transfer-Encoding:\u{b}chunked\r\nContent-Length: {length}\r\n\r\n{hidden}"),
        ),
        (
            "chunks with a space before the colon",
            format!("{front}Transfer-Encoding : chunked\r\nContent-Length: {length}\r\n\r\n{hidden}"),
        ),
        (
            "a folded header",
            format!("{front}Transfer-Encoding:\r\n chunked\r\nContent-Length: {length}\r\n\r\n{hidden}"),
        ),
        (
            "two encodings",
            format!("{front}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n{hidden}"),
        ),
        ("bad chunk size", format!("{front}Transfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n{hidden}")),
        ("a chunk that wraps", format!("{front}Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n\r\n{hidden}")),
        (
            "endless chunk extensions",
            format!("{front}Transfer-Encoding: chunked\r\n\r\n0;{}\r\n\r\n{hidden}", "x".repeat(100_000)),
        ),
        (
            "an older protocol with chunks",
            format!("POST /login HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{hidden}"),
        ),
        ("a body that is a request", format!("{front}Content-Length: {length}\r\nConnection: close\r\n\r\n{hidden}")),
        ("a chunk that is a request", format!("{front}Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n{chunk}")),
        (
            "an upgrade",
            format!(
                "{front}Upgrade: h2c\r\nConnection: close, Upgrade, HTTP2-Settings\r\nContent-Length: {length}\r\n\r\n{hidden}"
            ),
        ),
        (
            "a bare line feed in a value",
            format!(
                "GET /login HTTP/1.1\r\nHost: x\r\nX: a\nContent-Length: {length}\r\nConnection: close\r\n\r\n{hidden}"
            ),
        ),
        (
            "a bare carriage return",
            format!("GET /login HTTP/1.1\r\nHost: x\r\nX: a\r\rContent-Length: 0\r\n\r\n{hidden}"),
        ),
        ("a NUL in a header", format!("GET /login HTTP/1.1\r\nHost: x\r\nX: a\0b\r\n\r\n{hidden}")),
        ("a request line with a request", format!("GET /login HTTP/1.1 HTTP/1.1\r\nHost: x\r\n\r\n{hidden}")),
    ] {
        // The hidden one follows at once, as it does when a proxy in front passes both on over one connection.
        let answers = raw(&world, &[request.as_bytes()]).await;
        let first = answers.get(9..12).unwrap_or_default().to_owned();
        assert!(
            ["400", "405", "413", "431", "501", ""].contains(&first.as_str()) || is_one(&answers),
            "{what}: {answers}"
        );
        assert!(is_alive(&world, &app, &access).await, "{what}: the hidden request was answered: {answers}");
    }
    // The same request by itself, for comparison.
    raw(&world, &[hidden.as_bytes()]).await;
    assert!(!is_alive(&world, &app, &access).await);
}

fn is_one(answers: &str) -> bool {
    answers.matches("HTTP/1.1 ").count() + answers.matches("HTTP/1.0 ").count() <= 1
}

/// A frame of HTTP/2 (RFC 9113 §4.1).
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

#[tokio::test]
async fn case_86_streams_that_are_opened_and_reset_end_the_connection() {
    let (world, _) = site().await;
    let preface = [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), frame(4, 0, 0, &[])].concat();
    // GET / over http at x (RFC 7541: three indexed fields, and `:authority` in letters).
    let request = b"\x82\x84\x86\x01\x01x";
    let mut rapid = preface.clone();
    for n in 0..20_000_u32 {
        rapid.extend(frame(1, 0x05, 2 * n + 1, request));
        rapid.extend(frame(3, 0, 2 * n + 1, &8_u32.to_be_bytes()));
    }
    // A header block that never ends, in small frames; and pings and settings without end.
    let mut endless = [preface.clone(), frame(1, 0x01, 1, request)].concat();
    for _ in 0..20_000 {
        endless.extend(frame(9, 0, 1, b"\x00\x01y\x01z"));
    }
    for (what, bytes) in [("rapid reset", rapid), ("endless continuation", endless)] {
        let answer = raw_bytes(&world, &bytes).await;
        let kinds = kinds(&answer);
        assert!(kinds.contains(&7), "{what}: the connection is ended by GOAWAY, not {kinds:?}");
        assert!(kinds.iter().filter(|kind| **kind == 1).count() < 1_000, "{what}: few are answered");
        assert_eq!(world.get("/healthz").await.status, 200, "{what}");
    }
}

async fn raw_bytes(world: &World, bytes: &[u8]) -> Vec<u8> {
    let stream = TcpStream::connect(world.address.unwrap()).await.unwrap();
    let (mut ear, mut mouth) = stream.into_split();
    let bytes = bytes.to_vec();
    let speaks = tokio::spawn(async move {
        drop(mouth.write_all(&bytes).await);
        mouth
    });
    let mut read = Vec::new();
    drop(ear.read_to_end(&mut read).await);
    drop(speaks.await);
    read
}

/// The kinds of the frames that came back.
fn kinds(mut bytes: &[u8]) -> Vec<u8> {
    let mut kinds = Vec::new();
    while let [a, b, c, kind, ..] = bytes {
        kinds.push(*kind);
        let length = usize::from(*a) << 16 | usize::from(*b) << 8 | usize::from(*c);
        bytes = bytes.get(9 + length..).unwrap_or_default();
    }
    kinds
}

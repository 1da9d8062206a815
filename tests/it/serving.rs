//! The running server: how it starts, answers, is watched, and stops.

use std::{
    io::{Read, Write},
    time::Instant,
};

use axum::{
    body::Body,
    http::{Method, Request, StatusCode},
};
use latchkey::{jobs, protocol::Lifetime, store::instance};
use tower::ServiceExt;

use crate::{
    program::{Place, Serving, connect, exchange, get, read_reply},
    stage::Stage,
    world::World,
};

#[test]
fn a_server_says_that_it_lives_and_is_ready() {
    let place = Place::new();
    let serving = place.serve(&[]);
    let alive = serving.get("/healthz");
    assert_eq!((alive.status, alive.body.as_str()), (200, "{\"status\":\"ok\"}"));
    let ready = serving.get("/readyz");
    assert_eq!(ready.status, 200, "{ready:?}\n{}", serving.stop());
    assert_eq!(ready.body, "{\"status\":\"ok\",\"database\":\"ok\",\"signing_key\":\"ok\",\"clock\":\"ok\"}");
}

#[test]
fn every_answer_has_an_id_that_the_log_knows() {
    let place = Place::new();
    let serving = place.serve(&[]);
    let first = serving.get("/no/such/thing?code=SECRET-IN-A-URL");
    let id = first.header("x-request-id").expect("an id").to_owned();
    assert_eq!(first.status, 404);
    assert_ne!(serving.get("/no/such/thing").header("x-request-id"), Some(id.as_str()));
    let log = serving.stop();
    let line = log.lines().find(|line| line.contains(&id)).expect("the log knows the request");
    let read: serde_json::Value = serde_json::from_str(line).expect("JSON");
    assert_eq!((read["route"].as_str(), read["status"].as_i64()), (Some("unknown"), Some(404)));
    assert_eq!((read["method"].as_str(), read["level"].as_str()), (Some("GET"), Some("INFO")));
    assert!(read["duration_ms"].is_number(), "{line}");
    assert!(!log.contains("SECRET-IN-A-URL"), "{log}");
}

#[test]
fn an_id_that_a_stranger_brings_is_not_taken() {
    let place = Place::new();
    let serving = place.serve(&[]);
    let reply = get(serving.main, "/healthz", "X-Request-Id: forged\r\n");
    assert_ne!(reply.header("x-request-id"), Some("forged"));
}

#[test]
fn a_wrong_method_is_told_the_right_ones() {
    let place = Place::new();
    let serving = place.serve(&[]);
    let reply = exchange(serving.main, "DELETE /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert_eq!((reply.status, reply.header("allow")), (405, Some("GET,HEAD")));
}

#[test]
fn metrics_are_for_this_machine_alone() {
    let place = Place::new();
    let serving = place.serve(&[]);
    serving.get("/healthz");
    let metrics = serving.get("/metrics");
    assert_eq!(metrics.status, 200);
    assert!(
        metrics.body.contains("latchkey_http_requests_total{route=\"/healthz\",status=\"200\"} 1"),
        "{}",
        metrics.body
    );
    for header in ["X-Forwarded-For: 127.0.0.1", "Forwarded: for=127.0.0.1", "X-Forwarded-Proto: https", "Via: 1.1 x"] {
        let reply = get(serving.main, "/metrics", &format!("{header}\r\n"));
        assert_eq!(reply.status, 403, "{header}");
        assert!(!reply.body.contains("latchkey_"), "{header}");
    }
}

#[tokio::test]
async fn metrics_are_not_for_another_machine() {
    let world = World::new().await;
    for (address, status) in
        [("127.0.0.1:5", 200), ("[::1]:5", 200), ("192.0.2.7:5", 403), ("[::ffff:192.0.2.7]:5", 403)]
    {
        let mut request = Request::get("/metrics").body(Body::empty()).expect("a request");
        let address: std::net::SocketAddr = address.parse().expect("an address");
        request.extensions_mut().insert(axum::extract::ConnectInfo(address));
        let answer = world.router.clone().oneshot(request).await.expect("an answer");
        assert_eq!(answer.status(), status, "{address}");
    }
    // Whose address is unknown is not of this machine.
    let request = Request::get("/metrics").body(Body::empty()).expect("a request");
    assert_eq!(world.router.clone().oneshot(request).await.expect("an answer").status(), 403);
}

#[tokio::test]
async fn who_turns_the_log_down_keeps_the_alarms() {
    let place = Place::new().env("LATCHKEY_LOG_LEVEL", "error,latchkey::cli::serve=info");
    let url = format!("sqlite:{}", place.path("latchkey.db").display());
    let stage = Stage::new(place, &url, 1).await;
    let serving = stage.place.serve(&[]);
    let (code, verifier) = (stage.approval().code, "w".repeat(43));
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", &stage.app.redirect_uri),
        ("code_verifier", &verifier),
    ];
    let refused = stage.caller(serving.main).asks("/token", &fields).expect("an answer");
    assert_eq!(refused.status, 400, "{refused:?}");
    let metrics = serving.get("/metrics").body;
    assert!(metrics.contains("latchkey_events_total{event=\"code_refused\"} 1"), "{metrics}");
    assert!(metrics.contains("latchkey_job_last_success_timestamp_seconds{job=\"look\"}"), "{metrics}");
    assert!(metrics.contains("latchkey_certificate_expiry_timestamp_seconds 0"), "{metrics}");
    let log = serving.stop();
    assert!(!log.contains("code_refused"), "{log}");
}

#[test]
fn a_proxy_that_was_not_named_is_told_of_once() {
    let forwarded = |place: Place| {
        let serving = place.serve(&[]);
        for _ in 0..3 {
            get(serving.main, "/healthz", "X-Forwarded-For: 192.0.2.7\r\n");
        }
        serving.stop().matches("proxy_not_trusted").count()
    };
    assert_eq!(forwarded(Place::new()), 1);
    assert_eq!(forwarded(Place::new().env("LATCHKEY_PROXY_TRUSTED", "127.0.0.1")), 0);
}

#[test]
fn strange_requests_make_no_metric() {
    let place = Place::new();
    let serving = place.serve(&[]);
    for n in 0..5 {
        serving.get(&format!("/strange/{n}"));
        exchange(serving.main, &format!("X{n} /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
    }
    let metrics = serving.get("/metrics").body;
    assert!(metrics.contains("{route=\"unknown\",status=\"404\"} 5"), "{metrics}");
    assert!(!metrics.contains("strange") && !metrics.contains("X1"), "{metrics}");
}

#[test]
fn those_who_look_after_it_can_have_a_listener_of_their_own() {
    let place = Place::new().env("LATCHKEY_OPS_LISTEN", "127.0.0.1:0");
    let serving = place.serve(&[]);
    let ops = serving.ops.expect("a second listener");
    for path in ["/healthz", "/readyz", "/metrics"] {
        assert_eq!(get(ops, path, "").status, 200, "{path}");
        assert_eq!(serving.get(path).status, 404, "{path}");
    }
    // A proxy may ask there.
    assert_eq!(get(ops, "/metrics", "X-Forwarded-For: 192.0.2.7\r\n").status, 200);
    assert_eq!(get(ops, "/login", "").status, 404);
}

#[test]
fn an_issuer_with_a_path_is_served_under_it_and_watched_at_the_root() {
    let place = Place::new();
    let serving = place.serve(&["--issuer", "http://localhost:8080/id"]);
    assert_eq!(serving.get("/healthz").status, 200);
    assert_eq!(serving.get("/account").status, 404);
    assert_ne!(serving.get("/id/account").status, 404);
}

#[test]
fn the_root_leads_to_the_account() {
    let place = Place::new();
    let serving = place.serve(&[]);
    let reply = serving.get("/");
    assert_eq!((reply.status, reply.header("location")), (303, Some("http://localhost:8080/account")));
}

#[test]
fn people_see_a_page_where_nothing_is() {
    let place = Place::new();
    let serving = place.serve(&[]);
    let page = get(serving.main, "/nothing", "Accept: text/html,*/*\r\n");
    assert_eq!((page.status, page.header("content-type")), (404, Some("text/html; charset=utf-8")));
    assert!(page.header("content-security-policy").is_some());
    assert_eq!(get(serving.main, "/nothing", "").header("content-type"), Some("text/plain; charset=utf-8"));
}

#[test]
fn the_host_header_leads_nobody_away() {
    let place = Place::new();
    let serving = place.serve(&[]);
    for headers in ["Host: evil.example\r\n", "X-Forwarded-Host: evil.example\r\n"] {
        let request = format!("GET / HTTP/1.1\r\n{headers}Connection: close\r\n\r\n");
        let reply = exchange(serving.main, &request);
        assert!(!reply.head.contains("evil") && !reply.body.contains("evil"), "{reply:?}");
    }
}

#[test]
fn sigterm_finishes_what_is_being_answered_and_closes_the_database() {
    let place = Place::new();
    let serving = place.serve(&[]);
    // A request that has begun: its head is there, its body is not.
    let mut begun = connect(serving.main);
    let head = "POST /login HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 3\r\n\
        Content-Type: application/x-www-form-urlencoded\r\nExpect: 100-continue\r\n\r\n";
    begun.write_all(head.as_bytes()).expect("written");
    let mut proceed = [0; 25];
    begun.read_exact(&mut proceed).expect("the server waits for the body");
    assert_eq!(&proceed[..12], b"HTTP/1.1 100");
    serving.signal("TERM");
    // It takes no more connections once it knows; the one it has is answered.
    let main = serving.main;
    while std::net::TcpStream::connect(main).is_ok() {
        std::thread::yield_now();
    }
    begun.write_all(b"a=b").expect("written");
    let reply = read_reply(begun);
    assert!((200..500).contains(&reply.status), "{reply:?}");
    let (code, log) = serving.ended();
    assert_eq!(code, Some(0), "{log}");
    assert!(log.contains("\"message\":\"told to stop") && log.contains("\"message\":\"stopped\""), "{log}");
    // Checkpointed: all of it is in the one file.
    assert!(!place.path("latchkey.db-wal").exists());
}

#[test]
fn sigint_stops_it_too_and_a_second_one_at_once() {
    let place = Place::new();
    let serving = place.serve(&[]);
    let begun = hold_open(&serving);
    serving.signal("INT");
    while std::net::TcpStream::connect(serving.main).is_ok() {
        std::thread::yield_now();
    }
    let asked = Instant::now();
    serving.signal("INT");
    let (code, log) = serving.ended();
    assert_eq!(code, Some(0), "{log}");
    assert!(asked.elapsed().as_secs() < 10, "a second signal does not wait for anybody");
    drop(begun);
}

/// A request whose body never comes.
fn hold_open(serving: &Serving) -> std::net::TcpStream {
    let mut begun = connect(serving.main);
    let head = "POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\
        Content-Type: application/x-www-form-urlencoded\r\nExpect: 100-continue\r\n\r\n";
    begun.write_all(head.as_bytes()).expect("written");
    begun.read_exact(&mut [0; 25]).expect("the server waits for the body");
    begun
}

#[test]
fn an_address_that_is_taken_is_said() {
    let place = Place::new();
    let serving = place.serve(&[]);
    let told = Place::new().run(&["serve", "--listen", &serving.main.to_string()]).refused();
    assert!(told.contains(&format!("cannot listen on {} (`listen`): ", serving.main)), "{told}");
    assert!(told.contains("hint: another program has the address"), "{told}");
    let place = Place::new().env("LATCHKEY_OPS_LISTEN", "192.0.2.1:1");
    let told = place.run(&["serve", "--listen", "127.0.0.1:0"]).refused();
    assert!(told.contains("cannot listen on 192.0.2.1:1 (`ops.listen`): "), "{told}");
    assert!(told.contains("hint: no interface of this machine has that address"), "{told}");
}

#[test]
fn a_demos_database_is_not_shown_to_the_network() {
    let place = Place::new();
    place.serve(&[]).stop();
    mark_as_demo(&place);
    place.serve(&[]).stop();
    let place = place.env("LATCHKEY_PROXY_TRUSTED", "10.0.0.1");
    let told = place.run(&["serve", "--listen", "0.0.0.0:0"]).refused();
    assert!(told.contains("database of a demo"), "{told}");
}

fn mark_as_demo(place: &Place) {
    let url = format!("sqlite:{}", place.path("latchkey.db").display());
    let mark = async {
        let store = latchkey::store::Store::open(&url).await.expect("it opens");
        let mut tx = store.write().await.expect("a transaction");
        assert!(instance::claim(&mut tx, "demo", "{}").await.expect("written"));
        tx.commit().await.expect("committed");
        store.close().await;
    };
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(mark);
}

#[test]
fn heads_that_are_too_large_or_ambiguous_are_refused() {
    let place = Place::new();
    let serving = place.serve(&[]);
    let large = format!("X-Large: {}\r\n", "a".repeat(70_000));
    assert_eq!(get(serving.main, "/healthz", &large).status, 431);
    let many = "X-Many: 1\r\n".repeat(200);
    assert_eq!(get(serving.main, "/healthz", &many).status, 431);
    // Two lengths, or a length and chunks: two readers would not agree where the request ends.
    for lengths in ["Content-Length: 3\r\nContent-Length: 5\r\n", "Content-Length: abc\r\n"] {
        let request =
            format!("POST /login HTTP/1.1\r\nHost: x\r\n{lengths}\r\nabcGET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_eq!(exchange(serving.main, &request).status, 400, "{lengths}");
    }
    let smuggled = "POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
    let reply = exchange(serving.main, smuggled);
    assert!(!reply.body.contains("\"status\":\"ok\""), "what follows is not a request of its own: {reply:?}");
    assert_eq!(serving.get("/healthz").status, 200);
}

#[test]
fn bodies_that_are_too_large_are_refused_in_the_endpoints_own_words() {
    let place = Place::new();
    let serving = place.serve(&[]);
    let post = |path: &str, head: &str, body: &str| {
        let form = "Content-Type: application/x-www-form-urlencoded\r\nConnection: close\r\n";
        exchange(serving.main, &format!("POST {path} HTTP/1.1\r\nHost: x\r\n{form}{head}\r\n{body}"))
    };
    // It says beforehand how large it is: the answer does not wait for it.
    let told = post("/token", "Content-Length: 1000000\r\n", "a=b");
    assert_eq!(told.status, 413, "{told:?}");
    assert!(told.body.contains("\"error\":\"invalid_request\"") && told.body.contains("64 KiB"), "{told:?}");
    // It does not.
    let chunk = format!("{:x}\r\n{}\r\n", 70_000, "a".repeat(70_000));
    let chunked = post("/token", "Transfer-Encoding: chunked\r\n", &format!("{chunk}0\r\n\r\n"));
    assert_eq!(chunked.status, 413, "{chunked:?}");
    let page = post("/login", "Content-Length: 1000000\r\n", "a=b");
    assert_eq!((page.status, page.header("content-type")), (413, Some("text/html; charset=utf-8")), "{page:?}");
    assert_eq!(serving.get("/healthz").status, 200);
}

#[test]
fn no_secret_reaches_the_log_however_much_is_logged() {
    let place = Place::new().env("LATCHKEY_LOG_LEVEL", "trace");
    let serving = place.serve(&[]);
    let client =
        place.run(&["client", "create", "--name", "x", "--redirect-uri", "https://app.example/cb", "--json"]).json();
    let (id, secret) =
        (client["client_id"].as_str().expect("an id"), client["client_secret"].as_str().expect("a secret"));
    let form = |path: &str, headers: &str, body: &str| {
        let head = format!("Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n", body.len());
        exchange(
            serving.main,
            &format!("POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{head}{headers}\r\n{body}"),
        )
    };
    get(
        serving.main,
        &format!(
            "/authorize?client_id={id}&response_type=code&state=CANARY-STATE&nonce=CANARY-NONCE&id_token_hint=CANARY-HINT"
        ),
        "Cookie: latchkey-8080=CANARY-COOKIE\r\nAuthorization: Bearer CANARY-BEARER\r\n",
    );
    form(
        "/login",
        "Cookie: latchkey-8080=CANARY-COOKIE\r\n",
        "username=alice&password=CANARY-PASSWORD&csrf=CANARY-CSRF",
    );
    for body in [
        "grant_type=authorization_code&code=CANARY-CODE&code_verifier=CANARY-VERIFIER&redirect_uri=https://app.example/cb",
        "grant_type=refresh_token&refresh_token=CANARY-REFRESH",
        "grant_type=client_credentials",
    ] {
        let credentials = format!("&client_id={id}&client_secret={secret}");
        form("/token", "", &format!("{body}{credentials}"));
        form("/token", "", &format!("{body}&client_id={id}&client_secret=CANARY-SECRET"));
    }
    form("/introspect", "", &format!("token=CANARY-TOKEN&client_id={id}&client_secret={secret}"));
    get(serving.main, "/userinfo", "Authorization: Bearer CANARY-ACCESS\r\n");
    get(serving.main, "/userinfo?access_token=CANARY-IN-URL", "");
    let log = serving.stop();
    assert!(log.contains("\"route\":\"/token\""), "the requests are in the log");
    assert!(!log.contains("CANARY") && !log.contains(secret), "{log}");
}

#[test]
fn a_master_key_that_is_not_the_one_refuses_to_start_with_advice() {
    let place = Place::new();
    place.serve(&[]).stop();
    std::fs::remove_file(place.path("keys/master.key")).expect("it was made");
    let told = place.run(&["serve", "--listen", "127.0.0.1:0"]).refused();
    assert!(told.contains("there is no master key at") && told.contains("hint: copy the file"), "{told}");
    assert!(!place.path("keys/master.key").exists(), "no other one is made");
}

#[tokio::test]
async fn a_server_without_a_key_or_with_a_wrong_clock_is_not_ready() {
    let world = World::new().await;
    let answer = world.get("/readyz").await;
    if world.server.store.is_postgres() {
        // The world's clock stands in 2030; PostgreSQL's does not.
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(answer.body.contains("\"clock\":\"failed\""), "{}", answer.body);
    } else {
        assert_eq!(answer.status, StatusCode::OK);
    }
    world.server.store.close().await;
    let answer = world.get("/readyz").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.body.contains("\"database\":\"failed\""), "{}", answer.body);
    assert_eq!(world.get("/healthz").await.status, StatusCode::OK, "it lives all the same");
}

#[tokio::test]
async fn what_is_past_its_time_is_deleted_and_nothing_else() {
    let world = World::new().await;
    let (store, tokens) = (&world.server.store, &world.server.settings.tokens);
    let mut tx = store.write().await.expect("a transaction");
    for n in 0..450 {
        let expires_at = if n < 430 { world.now().0 + 60 } else { world.now().0 + 90 * 86_400 };
        latchkey::store::authorization_requests::insert(
            &mut tx,
            &latchkey::store::authorization_requests::SavedRequest {
                id: format!("r{n}"),
                created_at: world.now().0,
                expires_at,
                ..Default::default()
            },
        )
        .await
        .expect("inserted");
    }
    tx.commit().await.expect("committed");
    assert_eq!(jobs::tidy(store, tokens, world.now()).await.expect("tidied"), 0);
    world.advance(Lifetime::days(2));
    assert_eq!(jobs::tidy(store, tokens, world.now()).await.expect("tidied"), 430);
    let mut db = store.read().await.expect("a connection");
    let find = latchkey::store::authorization_requests::find(&mut db, "r449");
    assert!(find.await.expect("read").is_some());
}

#[tokio::test]
async fn another_sites_script_may_read_no_page() {
    let world = World::new().await;
    let request = Request::builder().method(Method::OPTIONS).uri("/login").header("origin", "https://evil.example");
    let request = request.header("access-control-request-method", "POST").body(Body::empty()).expect("a request");
    let answer = world.send(request).await;
    assert!(answer.headers.get("access-control-allow-origin").is_none());
}

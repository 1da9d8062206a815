//! Calls of the server to addresses that others have named: where they go, what they read, and when they give up.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use latchkey::{
    config,
    outgoing::{Barred, OpenError, Outgoing, Unanswered},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    task::JoinSet,
};
use url::Url;

use crate::{
    certificate::{DAY, certificate},
    program::Place,
};

fn outgoing(allow_private_addresses: bool) -> Outgoing {
    Outgoing::open(&config::Outgoing { allow_private_addresses, extra_ca: None }).expect("it opens")
}

/// A server that answers every request with these bytes, and counts the connections.
async fn server(answer: &'static [u8]) -> (Url, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = Url::parse(&format!("http://{}/keys", listener.local_addr().expect("an address"))).expect("a URL");
    let count = Arc::new(AtomicUsize::new(0));
    let calls = count.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            calls.fetch_add(1, Ordering::SeqCst);
            let mut request = Vec::new();
            while !request.windows(4).any(|end| end == b"\r\n\r\n")
                && stream.read_buf(&mut request).await.is_ok_and(|n| n > 0)
            {}
            // The other end may have heard enough before all of it is said.
            drop(stream.write_all(answer).await);
        }
    });
    (url, count)
}

/// A server that takes connections and never says a word; its port, and the connections.
pub(crate) async fn silence() -> (u16, mpsc::UnboundedReceiver<TcpStream>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let (held, connections) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            drop(held.send(stream));
        }
    });
    (port, connections)
}

#[tokio::test]
async fn what_is_there_is_read_with_its_media_type() {
    let (url, _) =
        server(b"HTTP/1.1 200 OK\r\ncontent-type: Application/JSON; charset=utf-8\r\ncontent-length: 2\r\n\r\n{}")
            .await;
    let answer = outgoing(true).get(&url, "application/json", 2).await.expect("an answer");
    assert_eq!((answer.media_type.as_str(), answer.body.as_slice()), ("application/json", &b"{}"[..]));
}

#[tokio::test]
async fn nothing_is_called_on_this_machine_or_in_its_network_unless_the_operator_says_so() {
    let (mut url, calls) = server(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").await;
    url.set_scheme("https").expect("set");
    for host in ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "2130706433"] {
        url.set_host(Some(host)).expect("a host");
        let told = outgoing(false).get(&url, "*/*", 10).await.expect_err(host);
        assert!(matches!(told, Unanswered::Barred(Barred::Private)), "{host}: {told}");
    }
    assert_eq!(calls.load(Ordering::SeqCst), 0, "not even a connection");
    // It is https that is spoken, so that the same call, once allowed, reaches a server that does not speak it.
    url.set_host(Some("127.0.0.1")).expect("a host");
    let told = outgoing(true).get(&url, "*/*", 10).await.expect_err("no TLS");
    assert!(matches!(told, Unanswered::Unreachable(_)), "{told}");
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (inner, calls) = server(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").await;
    let redirect = format!("HTTP/1.1 302 Found\r\nlocation: {inner}\r\ncontent-length: 0\r\n\r\n");
    let (url, _) = server(redirect.leak().as_bytes()).await;
    let told = outgoing(true).get(&url, "*/*", 10).await.expect_err("no success");
    assert!(matches!(told, Unanswered::Status(302)), "{told}");
    assert_eq!(calls.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn no_more_is_read_than_may_be() {
    for answer in [
        &b"HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\n12345678901"[..],
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n6\r\n123456\r\n5\r\n78901\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n12345678901",
    ] {
        let (url, _) = server(answer).await;
        let told = outgoing(true).get(&url, "*/*", 10).await.expect_err("too long");
        assert!(matches!(told, Unanswered::TooLong(10)), "{told}");
        outgoing(true).get(&url, "*/*", 11).await.expect("just short enough");
    }
}

/// So many calls at once to that origin; they go on.
fn calls(outgoing: &Outgoing, origin: &str, port: u16, many: usize) -> JoinSet<Result<(), Unanswered>> {
    let url = Url::parse(&format!("{origin}:{port}/keys")).expect("a URL");
    let mut calls = JoinSet::new();
    for _ in 0..many {
        let (outgoing, url) = (outgoing.clone(), url.clone());
        calls.spawn(async move { outgoing.get(&url, "*/*", 10).await.map(drop) });
    }
    calls
}

/// The calls that are turned away without having reached anybody.
async fn turned_away(calls: &mut JoinSet<Result<(), Unanswered>>, many: usize) {
    for _ in 0..many {
        let told = calls.join_next().await.expect("one more").expect("no panic").expect_err("no answer");
        assert!(matches!(told, Unanswered::HostBusy), "{told}");
    }
}

#[tokio::test]
async fn a_host_that_does_not_answer_keeps_a_few_calls_waiting_and_those_to_others_go_on() {
    let outgoing = outgoing(true);
    let (port, mut connections) = silence().await;
    let mut all = calls(&outgoing, "http://127.0.0.1", port, 40);
    let mut held = Vec::new();
    for _ in 0..4 {
        held.push(connections.recv().await.expect("a call"));
    }
    turned_away(&mut all, 36).await;
    assert!(connections.try_recv().is_err(), "no more than four at a time");
    let (mut url, _) = server(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").await;
    url.set_host(Some("localhost")).expect("a host");
    outgoing.get(&url, "*/*", 10).await.expect("another host answers");
    // A call that has ended makes room.
    held.clear();
    while all.join_next().await.is_some() {}
    url.set_host(Some("127.0.0.1")).expect("a host");
    outgoing.get(&url, "*/*", 10).await.expect("room again");
}

#[tokio::test]
async fn one_machine_has_its_limit_whatever_names_it_goes_by() {
    let outgoing = outgoing(true);
    let (port, mut connections) = silence().await;
    let (_by_address, _by_name) =
        (calls(&outgoing, "http://127.0.0.1", port, 4), calls(&outgoing, "http://localhost", port, 4));
    let mut held = Vec::new();
    for _ in 0..8 {
        held.push(connections.recv().await.expect("a call"));
    }
    // The same address in another spelling.
    turned_away(&mut calls(&outgoing, "https://[::ffff:127.0.0.1]", port, 1), 1).await;
    assert!(connections.try_recv().is_err(), "no more than eight at a time");
}

#[test]
fn a_file_of_roots_that_holds_none_is_refused_at_the_start() {
    let place = Place::with_config("outgoing.extra_ca = \"roots.pem\"\n");
    for text in ["", "no certificate"] {
        place.write("roots.pem", text);
        for args in [&["serve", "--listen", "127.0.0.1:0"][..], &["config", "check"]] {
            let told = place.run(args).refused();
            assert!(
                told.contains("`outgoing.extra_ca` names ") && told.contains("holds no certificates in PEM"),
                "{told}"
            );
        }
    }
    assert!(!place.path("latchkey.db").exists());
    certificate(&place, "localhost", (-DAY, DAY));
    std::fs::rename(place.path("cert.pem"), place.path("roots.pem")).expect("moved");
    let settings = config::Outgoing { allow_private_addresses: false, extra_ca: Some(place.path("roots.pem")) };
    assert!(Outgoing::open(&settings).is_ok());
    let settings = config::Outgoing { extra_ca: Some(place.path("none.pem")), ..settings };
    assert!(matches!(Outgoing::open(&settings), Err(OpenError::ExtraCa { .. })));
}

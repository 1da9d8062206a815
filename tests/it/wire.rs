//! The server on a real listener: requests go there as bytes over a socket, and answers come back so.

use std::net::{SocketAddr, TcpListener};

use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode},
};
use axum_server::Control;
use http_body_util::BodyExt;
use latchkey::server::listener::{self, Listeners};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::world::{Answer, World};

impl World {
    /// The same server, listening on a port of its own until the test ends.
    pub(crate) fn listening(self) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let server = self.server.clone();
        tokio::spawn(async move {
            let listeners = Listeners { main: vec![listener], ops: None };
            listener::serve(&server, listeners, &Control::new()).await.expect("it serves");
        });
        Self { address: Some(address), ..self }
    }

    /// Send bytes that no proper client would.
    pub(crate) async fn sends(&self, bytes: &[u8]) -> Answer {
        exchange(self.address.expect("a server that listens"), bytes).await
    }

    /// Ask for a target to the byte, as no URL parser has mended it.
    pub(crate) async fn gets(&self, target: &str) -> Answer {
        self.sends(&[b"GET ", target.as_bytes(), b" HTTP/1.1\r\n", HOST, b"\r\n"].concat()).await
    }
}

/// Send a request as it would be written by hand.
pub(crate) async fn send(address: SocketAddr, request: Request<Body>) -> Answer {
    exchange(address, &written(request).await).await
}

/// The bytes of a request.
pub(crate) async fn written(request: Request<Body>) -> Vec<u8> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.expect("a body of the test's own").to_bytes();
    let mut bytes = format!("{} {} HTTP/1.1\r\n", head.method, head.uri).into_bytes();
    bytes.extend_from_slice(HOST);
    for (name, value) in &head.headers {
        bytes.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
    }
    if !body.is_empty() || head.method == axum::http::Method::POST {
        bytes.extend(format!("Content-Length: {}\r\n", body.len()).into_bytes());
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(&body);
    bytes
}

/// Send bytes, and read until the server closes the connection.
pub(crate) async fn exchange(address: SocketAddr, bytes: &[u8]) -> Answer {
    let mut stream = TcpStream::connect(address).await.expect("the server can be reached");
    let mut read = Vec::new();
    // A server that has answered already may have closed its ear, or the connection.
    drop(stream.write_all(bytes).await);
    drop(stream.read_to_end(&mut read).await);
    answer(read)
}

fn answer(bytes: Vec<u8>) -> Answer {
    let text = String::from_utf8(bytes).expect("the answer is UTF-8");
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|code| code.parse().ok());
    let headers: HeaderMap = lines
        .map(|line| {
            let (name, value) = line.split_once(": ").expect("a header has a name");
            (name.parse::<HeaderName>().expect("a name"), value.parse::<HeaderValue>().expect("a value"))
        })
        .collect();
    let status = status.unwrap_or_else(|| panic!("no answer: {text}"));
    let answer = Answer { status: StatusCode::from_u16(status).expect("a status"), headers, body: body.to_owned() };
    let length = answer.headers.get("content-length").and_then(|value| value.to_str().ok()?.parse().ok());
    // RFC 9110 §8.6: an answer of 204 says no length.
    let length = if answer.status == StatusCode::NO_CONTENT { Some(0) } else { length };
    assert_eq!(length, Some(answer.body.len()), "all of it has come: {answer:?}");
    answer
}

/// The issuer's, and one request for each connection.
const HOST: &[u8] = b"Host: localhost:8080\r\nConnection: close\r\n";

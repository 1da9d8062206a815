//! An app's `backchannel_logout_uri`.

use std::sync::{
    Arc,
    atomic::{AtomicU16, Ordering},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};
use url::form_urlencoded;

/// Where an app is told: it notes what it hears, and answers with the status it was given; with none, it never does.
pub(crate) struct Receiver {
    pub(crate) port: u16,
    status: Arc<AtomicU16>,
    pub(crate) heard: mpsc::UnboundedReceiver<Heard>,
}

/// What it has heard.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    pub(crate) head: String,
    pub(crate) token: String,
}

impl Receiver {
    pub(crate) async fn new(status: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let (tell, heard) = mpsc::unbounded_channel();
        let own = Arc::new(AtomicU16::new(status));
        let status = own.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(hear(stream, tell.clone(), status.clone()));
            }
        });
        Self { port, status: own, heard }
    }

    /// What has arrived by now, all of it.
    pub(crate) fn all(&mut self) -> Vec<Heard> {
        std::iter::from_fn(|| self.heard.try_recv().ok()).collect()
    }

    /// What has arrived, which is one thing.
    #[track_caller]
    pub(crate) fn one(&mut self) -> Heard {
        let all = self.all();
        assert_eq!(all.len(), 1, "{all:?}");
        all[0].clone()
    }

    pub(crate) fn answers(&self, status: u16) {
        self.status.store(status, Ordering::SeqCst);
    }
}

async fn hear(mut stream: TcpStream, tell: mpsc::UnboundedSender<Heard>, status: Arc<AtomicU16>) {
    let mut bytes = Vec::new();
    let (head, body) = loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).expect("a length");
            if body.len() >= length.parse().expect("a number") {
                break (head.to_owned(), body.to_owned());
            }
        }
        if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
            return;
        }
    };
    let fields: Vec<(String, String)> = form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    let [(name, token)] = fields.as_slice() else { panic!("one field, not {body}") };
    assert_eq!(name, "logout_token");
    drop(tell.send(Heard { head, token: token.clone() }));
    match status.load(Ordering::SeqCst) {
        0 => std::future::pending().await,
        status => {
            let answer = format!(
                "HTTP/1.1 {status} So\r\ncontent-length: 0\r\nlocation: http://127.0.0.1:1/\r\nconnection: close\r\n\r\n"
            );
            drop(stream.write_all(answer.as_bytes()).await);
        }
    }
}

//! Where requests come in: plain HTTP or TLS, on one listener or two.

use std::{
    io,
    net::{SocketAddr, TcpListener},
    sync::Arc,
    time::Duration,
};

use axum::Router;
use axum_server::{
    Control, Handle,
    tls_rustls::{RustlsAcceptor, RustlsConfig},
};
use hyper_util::{rt::TokioExecutor, server::conn::auto::Builder};

use super::{Server, crowd::Crowd, ops_router, router, tls};

/// Open listeners that do not answer yet: whoever connects waits until [`serve`].
pub struct Listeners {
    /// For everybody.
    pub main: Vec<TcpListener>,
    /// For those who look after the server.
    pub ops: Option<TcpListener>,
}

impl Listeners {
    /// Open the listeners that the settings name.
    ///
    /// # Errors
    /// When an address is taken or not ours; with the address.
    pub fn bind(settings: &crate::config::Settings) -> Result<Self, (SocketAddr, io::Error)> {
        let bind = |address: SocketAddr| TcpListener::bind(address).map_err(|error| (address, error));
        Ok(Self { main: vec![bind(settings.listen)?], ops: settings.ops.listen.map(bind).transpose()? })
    }

    /// Where they are, the port as it is: for the log.
    #[must_use]
    pub fn addresses(&self) -> (Vec<String>, Option<String>) {
        let address = |listener: &TcpListener| listener.local_addr().ok().map(|address| address.to_string());
        (self.main.iter().filter_map(address).collect(), self.ops.as_ref().and_then(address))
    }
}

/// Answer until `control` says to stop; then finish what is being answered.
///
/// # Errors
/// When a listener cannot be used, or the certificate cannot.
pub async fn serve(server: &Arc<Server>, on: Listeners, control: &Control) -> io::Result<()> {
    let mut tasks = tokio::task::JoinSet::new();
    let routes = router(server.clone());
    let config = match tls::Files::of(&server.settings.tls) {
        Some(files) => {
            let config = RustlsConfig::from_config(files.read().map_err(io::Error::other)?);
            tasks.spawn(tls::Follower::new(files, config.clone()).run(server.clone()));
            Some(config)
        }
        None => None,
    };
    let crowd = Crowd::new(&server.settings.proxy.trusted);
    let mut listening = tokio::task::JoinSet::new();
    for listener in on.main {
        listening.spawn(listen(listener, routes.clone(), config.clone(), control.clone(), crowd.clone(), LONGEST_HEAD));
    }
    if let Some(listener) = on.ops {
        listening.spawn(listen(
            listener,
            ops_router(server.clone()),
            None,
            control.clone(),
            Crowd::few(),
            LONGEST_HEAD,
        ));
    }
    while let Some(ended) = listening.join_next().await {
        ended.map_err(io::Error::other)??;
    }
    tasks.shutdown().await;
    Ok(())
}

async fn listen(
    listener: TcpListener,
    routes: Router,
    tls: Option<RustlsConfig>,
    control: Control,
    crowd: Crowd,
    patience: Duration,
) -> io::Result<()> {
    let service = routes.into_make_service_with_connect_info::<SocketAddr>();
    let handle = Handle::with_control(control);
    let mut plain = axum_server::from_tcp(listener)?
        .handle(handle)
        .first_request_timeout(patience)
        .accept_error_handler(|peer, error| {
            tracing::debug!(peer = peer.map(ToString::to_string), %error, "a connection could not be accepted");
        });
    limit(plain.http_builder(), patience);
    match tls {
        None => plain.acceptor(crowd).serve(service).await,
        Some(config) => {
            let acceptor = RustlsAcceptor::new(config).acceptor(crowd);
            plain.acceptor(acceptor).serve(service).await
        }
    }
}

/// What one connection may take of us.
fn limit(builder: &mut Builder<TokioExecutor>, patience: Duration) {
    builder.http1().header_read_timeout(patience).max_buf_size(LARGEST_HEAD).max_headers(MOST_HEADERS);
    builder
        .http2()
        .max_header_list_size(LARGEST_HEAD_H2)
        .max_concurrent_streams(MOST_STREAMS)
        .max_send_buf_size(LARGEST_HEAD)
        .keep_alive_interval(patience)
        .keep_alive_timeout(patience);
}

/// A request's head has to have come by then; a connection that asks nothing for so long is closed.
const LONGEST_HEAD: Duration = Duration::from_secs(30);

/// Room for a `state` of 8 KiB, escaped, beside everything else in a URL.
const LARGEST_HEAD: usize = 64 * 1024;
const LARGEST_HEAD_H2: u32 = 64 * 1024;
const MOST_HEADERS: usize = 100;
const MOST_STREAMS: u32 = 128;

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpStream,
    };

    use super::*;

    #[tokio::test]
    async fn whoever_sends_a_head_too_slowly_or_asks_nothing_more_is_cut_off() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let routes = Router::new().route("/", get(async || "here"));
        let control = Control::new();
        let serving =
            tokio::spawn(listen(listener, routes, None, control.clone(), Crowd::new(&[]), Duration::from_millis(50)));
        let settings = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
        for (what, begun) in [
            ("nothing", &b""[..]),
            ("half a line", b"GET / HT"),
            ("half a head", b"GET / HTTP/1.1\r\nHost: x\r\nX: "),
            ("half a preface", b"PRI * HTTP/2.0\r\n\r\nS"),
            ("a request, and then nothing", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
            ("a request, and then half a line", b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HT"),
            ("a connection that answers no ping", settings),
        ] {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(begun).await.unwrap();
            let mut read = Vec::new();
            // It ends, or this waits for ever.
            drop(stream.read_to_end(&mut read).await);
            assert_eq!(read.ends_with(b"here"), what.starts_with("a request"), "{what}");
        }
        control.shutdown();
        serving.await.unwrap().unwrap();
    }
}

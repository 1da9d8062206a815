//! One GET request, for `latchkey doctor`: what a client would see.

use std::{
    io::{self, Read, Write},
    net::{TcpStream, ToSocketAddrs},
    path::Path,
    sync::Arc,
    time::Duration,
};

use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    crypto::ring,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use url::Url;

/// What somebody answered.
pub(super) struct Answer {
    pub(super) status: String,
    pub(super) body: Vec<u8>,
}

/// Ask at a URL. Redirects are not followed, as clients do not either.
///
/// # Errors
/// When nobody answers, or the certificate is not trusted.
pub(super) fn get(url: &str, extra_ca: Option<&Path>) -> io::Result<Answer> {
    let url = Url::parse(url).map_err(io::Error::other)?;
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']').to_owned();
    let port = url.port_or_known_default().unwrap_or(443);
    let stream = connect(&host, port)?;
    let request = format!(
        "GET {} HTTP/1.0\r\nHost: {}\r\nAccept: application/json\r\nConnection: close\r\n\r\n",
        url.path(),
        url.authority()
    );
    let answer =
        if url.scheme() == "https" { over_tls(stream, &host, extra_ca, &request)? } else { over(stream, &request)? };
    let head_end = answer.windows(4).position(|window| window == b"\r\n\r\n");
    let status = answer.get(9..12).map(String::from_utf8_lossy).unwrap_or_default().into_owned();
    let body = head_end.and_then(|at| answer.get(at.saturating_add(4)..)).unwrap_or_default().to_owned();
    Ok(Answer { status, body })
}

fn connect(host: &str, port: u16) -> io::Result<TcpStream> {
    let mut last = io::Error::other("the name has no address");
    for address in (host, port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, PATIENCE) {
            Ok(stream) => {
                stream.set_read_timeout(Some(PATIENCE))?;
                stream.set_write_timeout(Some(PATIENCE))?;
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Whom to trust: the usual roots, and those in a file.
///
/// # Errors
/// When the file cannot be read, or holds none.
pub(super) fn roots(extra_ca: Option<&Path>) -> io::Result<RootCertStore> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let usual = roots.len();
    if let Some(file) = extra_ca {
        for certificate in CertificateDer::pem_file_iter(file).map_err(io::Error::other)? {
            roots.add(certificate.map_err(io::Error::other)?).map_err(io::Error::other)?;
        }
        if roots.len() == usual {
            return Err(io::Error::other("there is none in it"));
        }
    }
    Ok(roots)
}

fn over_tls(stream: TcpStream, host: &str, extra_ca: Option<&Path>, request: &str) -> io::Result<Vec<u8>> {
    let roots = roots(extra_ca)?;
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
    let connection = ClientConnection::new(Arc::new(config), name).map_err(io::Error::other)?;
    over(StreamOwned::new(connection, stream), request)
}

fn over(mut stream: impl Read + Write, request: &str) -> io::Result<Vec<u8>> {
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    match stream.take(LARGEST_ANSWER).read_to_end(&mut answer) {
        // Many servers end a TLS connection without saying so.
        Err(error) if answer.is_empty() => Err(error),
        _ => Ok(answer),
    }
}

const PATIENCE: Duration = Duration::from_secs(5);
const LARGEST_ANSWER: u64 = 256 * 1024;

//! The one client for calls to addresses that others have named: where clients keep their keys and their request objects,
//! and where they are told that somebody has signed out.
//!
//! Whoever registers a client chooses where this server calls. So it calls https alone, no address that is not meant for
//! the whole Internet, whatever a name resolves to at that moment, follows no redirect, and reads no more than it was told.

mod guard;
mod special;
pub mod turns;

use std::{io, net::IpAddr, path::Path, sync::Arc, time::Duration};

use reqwest::{Client, RequestBuilder, Response, header, redirect};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject},
};
use tokio::{
    sync::OwnedSemaphorePermit,
    time::{Instant, timeout},
};
use url::{Host, Url};

pub use guard::{Barred, Guard};
use turns::Turns;

use crate::config;

/// Calls other servers. Cheap to clone; all clones share their connections and how many calls there may be at a time, to one
/// host and to all.
#[derive(Clone, Debug)]
pub struct Outgoing {
    http: Client,
    guard: Guard,
    line: Arc<Line>,
}

/// Who waits for a turn, and for what.
#[derive(Debug)]
struct Line {
    /// By name: what a client has registered is somewhere.
    by_name: Turns<String>,
    /// By where that is: whoever has a domain has as many names as they like, all for one machine.
    by_address: Turns<IpAddr>,
    all: Turns<()>,
}

impl Line {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            by_name: Turns::new(MOST_BY_NAME),
            by_address: Turns::new(MOST_BY_ADDRESS),
            all: Turns::new(MOST_AT_A_TIME),
        })
    }
}

/// What another server answered, with a status that means success.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The media type, without its parameters, in lower case; empty where none was sent.
    pub media_type: String,
    /// The whole of the body.
    pub body: Vec<u8>,
}

/// Why a call came to nothing. For the log of the operator: told to a stranger, it would tell what listens inside.
#[derive(Debug, thiserror::Error)]
pub enum Unanswered {
    /// This server does not call there.
    #[error(transparent)]
    Barred(#[from] Barred),
    /// Nobody knows where that host is.
    #[error("its name cannot be resolved")]
    Unknown(#[source] io::Error),
    /// No connection, no trust, or too late.
    #[error("it cannot be reached")]
    Unreachable(#[source] reqwest::Error),
    /// Too many calls are under way.
    #[error("too many calls to other servers are under way")]
    Busy,
    /// Too many calls to that host are.
    #[error("too many calls to its host are under way")]
    HostBusy,
    /// An answer that is no success; a redirect is none, either.
    #[error("it answers with status {0}")]
    Status(u16),
    /// An answer that is longer than it may be.
    #[error("its answer is longer than {0} bytes")]
    TooLong(usize),
}

/// Why no call can be made with these settings.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file of `outgoing.extra_ca` holds no certificates.
    #[error("`outgoing.extra_ca` names {file}, which holds no certificates in PEM")]
    ExtraCa {
        /// The file.
        file: String,
        /// Why not.
        #[source]
        cause: io::Error,
    },
    /// The library for TLS does not take its own defaults.
    #[error("TLS cannot be set up for outgoing calls")]
    Tls(#[from] rustls::Error),
    /// The library for HTTP does not start.
    #[error("outgoing calls cannot be set up")]
    Http(#[from] reqwest::Error),
}

impl Outgoing {
    /// A client by these settings.
    ///
    /// # Errors
    /// When `outgoing.extra_ca` cannot be read.
    pub fn open(settings: &config::Outgoing) -> Result<Self, OpenError> {
        let guard = Guard { allow_private_addresses: settings.allow_private_addresses };
        let roots = roots(settings.extra_ca.as_deref()).map_err(|cause| OpenError::ExtraCa {
            file: settings.extra_ca.as_deref().unwrap_or(Path::new("")).display().to_string(),
            cause,
        })?;
        let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let http = Client::builder()
            .use_preconfigured_tls(tls)
            .dns_resolver(Arc::new(guard))
            .redirect(redirect::Policy::none())
            // A proxy would resolve the name itself, where the guard does not see to what.
            .no_proxy()
            .connect_timeout(CONNECT)
            .timeout(WHOLE)
            .pool_max_idle_per_host(1)
            .pool_idle_timeout(Duration::from_secs(30))
            .user_agent(concat!("latchkey/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { http, guard, line: Line::new() })
    }

    /// The same, with turns of its own: who makes these calls slow does not hold up the others.
    #[must_use]
    pub fn apart(&self) -> Self {
        Self { line: Line::new(), ..self.clone() }
    }

    /// Read what is there.
    ///
    /// # Errors
    /// When there is no answer of at most that many bytes, with a status that means success, within seconds.
    pub async fn get(&self, url: &Url, accept: &str, longest: usize) -> Result<Answer, Unanswered> {
        self.call(url, self.http.get(url.clone()).header(header::ACCEPT, accept), longest).await
    }

    /// Send a form there; gives the status, whatever it is. Nothing of the answer is read.
    ///
    /// # Errors
    /// When there is no answer within seconds.
    pub async fn post(&self, url: &Url, fields: &[(&str, &str)]) -> Result<u16, Unanswered> {
        let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = self.http.post(url.clone()).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let (answer, _turn) = self.send(url, request.body(form)).await?;
        Ok(answer.status().as_u16())
    }

    /// Call one address of the host after the other, the first two that it has, each in its own turn: so what is counted
    /// is what is called.
    async fn send(&self, url: &Url, request: RequestBuilder) -> Result<(Response, Turn), Unanswered> {
        self.guard.check(url)?;
        let until = Instant::now() + PATIENCE;
        let by_name = self.line.by_name.take(turns::name(url), until).await.ok_or(Unanswered::HostBusy)?;
        let mut trouble = None;
        for address in self.addresses(url).await?.into_iter().take(MOST_ADDRESSES) {
            let by_address = self.line.by_address.take(turns::machine(address), until).await;
            let by_address = by_address.ok_or(Unanswered::HostBusy)?;
            let of_all = self.line.all.take((), until).await.ok_or(Unanswered::Busy)?;
            let Some(request) = request.try_clone() else { break };
            match guard::only_to(address, request.send()).await {
                Ok(answer) => return Ok((answer, Turn { _held: [by_name, by_address, of_all] })),
                Err(error) if error.is_connect() => trouble = Some(why(error)),
                Err(error) => return Err(why(error)),
            }
        }
        Err(trouble.unwrap_or(Unanswered::Barred(Barred::NoHost)))
    }

    async fn addresses(&self, url: &Url) -> Result<Vec<IpAddr>, Unanswered> {
        match url.host().ok_or(Barred::NoHost)? {
            Host::Ipv4(address) => Ok(vec![address.into()]),
            Host::Ipv6(address) => Ok(vec![address.into()]),
            Host::Domain(name) => {
                let found = timeout(CONNECT, self.guard.find(name)).await;
                found.unwrap_or_else(|late| Err(Unanswered::Unknown(late.into())))
            }
        }
    }

    async fn call(&self, url: &Url, request: RequestBuilder, longest: usize) -> Result<Answer, Unanswered> {
        let (answer, _turn) = self.send(url, request).await?;
        if !answer.status().is_success() {
            return Err(Unanswered::Status(answer.status().as_u16()));
        }
        let media_type = answer.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let media_type = media_type.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_lowercase();
        Ok(Answer { media_type, body: read(answer, longest).await? })
    }
}

/// The body, unless it is longer; what it says of its own length is not believed.
async fn read(mut answer: Response, longest: usize) -> Result<Vec<u8>, Unanswered> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(why)? {
        if body.len().saturating_add(chunk.len()) > longest {
            return Err(Unanswered::TooLong(longest));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// What the guard said while a name was looked up is deep inside the error of the library.
fn why(error: reqwest::Error) -> Unanswered {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&error);
    while let Some(inner) = cause {
        if let Some(barred) = inner.downcast_ref::<Barred>() {
            return Unanswered::Barred(barred.clone());
        }
        cause = inner.source();
    }
    Unanswered::Unreachable(error.without_url())
}

/// Whom to trust: the usual roots, and those in a file.
///
/// # Errors
/// When the file cannot be read, or holds none.
fn roots(extra_ca: Option<&Path>) -> io::Result<RootCertStore> {
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

/// Held until the answer has been read.
struct Turn {
    _held: [OwnedSemaphorePermit; 3],
}

const CONNECT: Duration = Duration::from_secs(3);
const WHOLE: Duration = Duration::from_secs(6);

/// How long a call waits for its turn: somebody else waits for the call.
const PATIENCE: Duration = Duration::from_secs(1);

/// So that a stranger whose servers do not answer cannot make this one hold ever more calls.
const MOST_AT_A_TIME: usize = 32;
/// Nor have them all.
const MOST_BY_ADDRESS: usize = 8;
const MOST_BY_NAME: usize = 4;
/// Where the first does not answer, the next may: of another protocol, or of another machine.
const MOST_ADDRESSES: usize = 2;

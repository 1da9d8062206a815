//! The server under test, as an operator would start it for the suite: on a listener of its own, under TLS.

use std::{
    collections::BTreeMap,
    net::TcpListener,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, Method, StatusCode, Uri, header},
    response::IntoResponse,
};
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use latchkey::{
    accounts::{self, NewAccount},
    config::{ClientCertificates, RegistrationMode, Settings},
    protocol::{PlainSecret, ResponseType},
    server::tls::Files,
};
use rustls::pki_types::{CertificateDer, pem::PemObject};
use serde_json::Value;

use super::{browser, checks};
use crate::{
    certificate::under_tls,
    program::Place,
    world::{PASSWORD, World},
};

/// Who signs in; every standard claim is known of her.
pub(super) const USERNAME: &str = "ada";

/// Somebody else.
pub(super) const OTHER_USERNAME: &str = "bob";

/// A server that listens, and what the suite finds out about it before it begins.
pub(super) struct Site {
    pub(super) world: World,
    pub(super) issuer: String,
    pub(super) metadata: Value,
    pub(super) http: reqwest::Client,
    files: Place,
}

impl Site {
    pub(super) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// The same, with other settings.
    pub(super) async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let (world, files) = under_tls(|settings, files| {
            settings.registration.mode = RegistrationMode::Open;
            settings.registration.require_pkce = false;
            settings.registration.response_types = ResponseType::ALL.to_vec();
            settings.outgoing.allow_private_addresses = true;
            settings.outgoing.extra_ca = Some(files.path("cert.pem"));
            change(settings);
        })
        .await;
        let issuer = world.server.settings.issuer.clone();
        let http = http(&files);
        let read = browser::answer(http.get(format!("{issuer}/.well-known/openid-configuration"))).await;
        let site = Self { world, metadata: checks::json(&read, StatusCode::OK), issuer, http, files };
        checks::metadata(&site.metadata, &site.issuer);
        site.jwks().await;
        site.knows_ada().await;
        site
    }

    async fn knows_ada(&self) {
        let Ok(Value::Object(claims)) = serde_json::from_str(include_str!("../../../conformance/user.json")) else {
            panic!("no claims");
        };
        let new = NewAccount {
            username: USERNAME.to_owned(),
            email: Some("ada@example.com".to_owned()),
            email_verified: true,
            claims,
            password: Some(PlainSecret::new(PASSWORD)),
        };
        let server = &self.world.server;
        accounts::create(&server.store, &server.passwords, new, self.world.now(), &server.random)
            .await
            .expect("the account can be made");
    }

    /// An address of the server by its name in the metadata.
    #[track_caller]
    pub(super) fn at(&self, name: &str) -> String {
        self.metadata[name].as_str().unwrap_or_else(|| panic!("no {name} in {}", self.metadata)).to_owned()
    }

    /// Whether a list in the metadata has that entry.
    pub(super) fn has(&self, list: &str, entry: &str) -> bool {
        checks::list(&self.metadata, list).is_some_and(|all| all.contains(&entry))
    }

    /// The keys that are published now, good as they have to be.
    pub(super) async fn jwks(&self) -> Value {
        let read = browser::answer(self.http.get(self.at("jwks_uri"))).await;
        let jwks = checks::json(&read, StatusCode::OK);
        checks::jwks(&jwks);
        jwks
    }

    /// So much random text as the suite likes to send.
    pub(super) fn random(&self, length: usize) -> String {
        let mut text = String::new();
        while text.len() < length {
            text.push_str(&self.world.server.random.token());
        }
        text.truncate(length);
        text
    }

    /// A receiver of what the server sends, at an address of its own.
    pub(super) fn receiver(&self) -> Receiver {
        Receiver::new(&self.files)
    }
}

fn http(files: &Place) -> reqwest::Client {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(files.path("cert.pem")).expect("a certificate")).expect("a root");
    let tls = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    reqwest::Client::builder()
        .use_preconfigured_tls(tls)
        .resolve("localhost", ([127, 0, 0, 1], 0).into())
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .expect("a client")
}

/// What the suite is besides a client: a server under TLS that has documents, and takes note of what comes.
pub(super) struct Receiver {
    pub(super) origin: String,
    kept: Arc<Kept>,
}

#[derive(Default)]
struct Kept {
    documents: Mutex<BTreeMap<String, (&'static str, String)>>,
    received: Mutex<Vec<Received>>,
}

/// A request that came.
#[derive(Clone, Debug)]
pub(super) struct Received {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) media_type: String,
    pub(super) body: String,
}

impl Receiver {
    fn new(files: &Place) -> Self {
        let files =
            Files { certificate: files.path("cert.pem"), key: files.path("key.pem"), clients: ClientCertificates::Off };
        let config = RustlsConfig::from_config(files.read().expect("a certificate"));
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let origin = format!("https://localhost:{}", listener.local_addr().expect("an address").port());
        let kept = Arc::new(Kept::default());
        let routes = Router::new().fallback(receive).with_state(kept.clone());
        let server = axum_server::from_tcp(listener).expect("it listens").acceptor(RustlsAcceptor::new(config));
        tokio::spawn(server.serve(routes.into_make_service()));
        Self { origin, kept }
    }

    /// Have a document there; its address.
    pub(super) fn has(&self, path: &str, media_type: &'static str, document: impl Into<String>) -> String {
        self.kept.documents.lock().expect("not poisoned").insert(path.to_owned(), (media_type, document.into()));
        format!("{}{path}", self.origin)
    }

    /// What has come so far.
    pub(super) fn received(&self) -> Vec<Received> {
        self.kept.received.lock().expect("not poisoned").clone()
    }
}

async fn receive(
    State(kept): State<Arc<Kept>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> impl IntoResponse {
    let media_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    kept.received.lock().expect("not poisoned").push(Received {
        method,
        path: uri.path().to_owned(),
        media_type: media_type.unwrap_or_default().to_owned(),
        body: String::from_utf8_lossy(&body).into_owned(),
    });
    match kept.documents.lock().expect("not poisoned").get(uri.path()) {
        Some((media_type, document)) => {
            (StatusCode::OK, [(header::CONTENT_TYPE, *media_type)], document.clone()).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

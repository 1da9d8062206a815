//! TLS that ends here, and certificates that are replaced while the server runs.

use std::{io::Write, sync::Arc};

use axum_server::tls_rustls::RustlsConfig;
use latchkey::server::tls::{Files, Follower, Look};
use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject};

use crate::{
    certificate::{DAY, certificate},
    program::{Place, Serving, connect, exchange, read_reply},
};

#[test]
fn tls_ends_here_and_a_new_certificate_is_taken_up() {
    let place = Place::with_config(
        "issuer = \"https://localhost:8443\"\n[tls]\ncertificate = \"cert.pem\"\nkey = \"key.pem\"\n",
    );
    certificate(&place, "first.localhost", (0, 30 * DAY));
    let serving = place.serve(&[]);
    let reply = over_tls(&place, &serving, "first.localhost").expect("TLS");
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("strict-transport-security"), Some("max-age=63072000"));
    // Plain HTTP finds nobody who understands it.
    assert_eq!(exchange(serving.main, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").status, 0);
    let doctor = place.run(&["doctor"]).out;
    assert!(doctor.contains("! certificate: expires") || doctor.contains("✓ certificate: is good until"), "{doctor}");
}

#[test]
fn a_certificate_that_changes_is_read_again_and_a_broken_one_is_not() {
    let place = Place::new();
    certificate(&place, "first.localhost", (0, 30 * DAY));
    let files = Files {
        certificate: place.path("cert.pem"),
        key: place.path("key.pem"),
        clients: latchkey::config::ClientCertificates::Off,
    };
    let config = RustlsConfig::from_config(files.read().expect("a certificate"));
    let first = config.get_inner();
    let mut follower = Follower::new(files, config.clone());
    assert!(matches!(follower.look(), Look::Unchanged));
    place.write("cert.pem", "broken");
    assert!(matches!(follower.look(), Look::Unusable(_)));
    assert!(Arc::ptr_eq(&first, &config.get_inner()), "a broken one is not taken");
    certificate(&place, "second.localhost", (0, 30 * DAY));
    assert!(matches!(follower.look(), Look::Renewed));
    assert!(!Arc::ptr_eq(&first, &config.get_inner()), "the new one is taken");
}

fn over_tls(place: &Place, serving: &Serving, name: &str) -> std::io::Result<crate::program::Reply> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(place.path("cert.pem")).expect("a certificate")).expect("a root");
    let config = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(name.to_owned()).expect("a name");
    let connection = rustls::ClientConnection::new(Arc::new(config), name).expect("a connection");
    let mut stream = rustls::StreamOwned::new(connection, connect(serving.main));
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")?;
    Ok(read_reply(stream))
}

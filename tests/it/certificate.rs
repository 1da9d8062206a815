//! Certificates for tests, and what becomes of a server whose own is of no use.

use std::net::TcpListener;

use axum_server::Control;
use latchkey::{
    config::Settings,
    server::listener::{self, Listeners},
};

use crate::{program::Place, world::World};

/// In seconds.
pub(crate) const DAY: i64 = 86_400;

/// Make `cert.pem` and `key.pem`, good from and until so many seconds from now.
pub(crate) fn certificate(place: &Place, name: &str, (from, until): (i64, i64)) {
    use openssl::{asn1::Asn1Time, bn::BigNum, ec, hash::MessageDigest, nid::Nid, pkey::PKey, x509};
    let at = |seconds: i64| Asn1Time::from_unix(latchkey::clock::wall().0 + seconds).expect("a time");
    let group = ec::EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).expect("P-256");
    let key = PKey::from_ec_key(ec::EcKey::generate(&group).expect("a key")).expect("a key");
    let mut subject = x509::X509NameBuilder::new().expect("a name");
    subject.append_entry_by_text("CN", name).expect("a name");
    let subject = subject.build();
    let mut builder = x509::X509Builder::new().expect("a builder");
    builder.set_version(2).expect("set");
    builder.set_serial_number(&BigNum::from_u32(1).and_then(|n| n.to_asn1_integer()).expect("a number")).expect("set");
    builder.set_subject_name(&subject).expect("set");
    builder.set_issuer_name(&subject).expect("set");
    builder.set_pubkey(&key).expect("set");
    builder.set_not_before(&at(from)).expect("set");
    builder.set_not_after(&at(until)).expect("set");
    let mut alternative = x509::extension::SubjectAlternativeName::new();
    alternative.dns(name);
    let alternative = alternative.build(&builder.x509v3_context(None, None)).expect("built");
    builder.append_extension(alternative).expect("set");
    builder.sign(&key, MessageDigest::sha256()).expect("signed");
    place.write("cert.pem", builder.build().to_pem().expect("PEM"));
    place.write("key.pem", key.private_key_to_pem_pkcs8().expect("PEM"));
}

fn place() -> Place {
    Place::with_config("issuer = \"https://localhost:8443\"\n[tls]\ncertificate = \"cert.pem\"\nkey = \"key.pem\"\n")
        .env("LATCHKEY_OPS_LISTEN", "127.0.0.1:0")
}

#[test]
fn a_certificate_that_has_expired_is_an_error_in_the_log_and_a_metric() {
    for ((from, until), event) in
        [((-30, -1), "certificate_expired"), ((1, 30), "certificate_not_yet_valid"), ((-30, 7), "certificate_expires")]
    {
        let place = place();
        certificate(&place, "localhost", (from * DAY, until * DAY));
        let serving = place.serve(&[]);
        let ops = serving.ops.expect("a second listener");
        let metrics = loop {
            let metrics = crate::program::get(ops, "/metrics", "").body;
            if metrics.contains(&format!("latchkey_events_total{{event=\"{event}\"}} 1")) {
                break metrics;
            }
        };
        let ends = metrics.lines().find_map(|line| line.strip_prefix("latchkey_certificate_expiry_timestamp_seconds "));
        let ends: i64 = ends.expect("the metric").parse().expect("a number");
        assert!((ends - latchkey::clock::wall().0 - until * DAY).abs() < 600, "{ends}");
        let log = serving.stop();
        assert_eq!(log.matches(event).count(), 1, "once, not at every look: {log}");
        assert!(log.contains("\"file\":\"cert.pem\""), "{log}");
    }
}

#[test]
fn a_key_that_is_not_the_certificates_is_refused_before_anything_is_made() {
    let place = place();
    certificate(&place, "first.localhost", (-DAY, 30 * DAY));
    let first = std::fs::read(place.path("key.pem")).expect("a key");
    certificate(&place, "second.localhost", (-DAY, 30 * DAY));
    place.write("key.pem", first);
    for args in [&["serve", "--listen", "127.0.0.1:0"][..], &["config", "check"]] {
        let told = place.run(args).refused();
        assert!(
            told.contains("the certificate in cert.pem and the key in key.pem cannot be used together: "),
            "{told}"
        );
        assert!(!told.contains('{') && !told.contains("Error("), "{told}");
    }
    assert!(!place.path("latchkey.db").exists());
}

/// A server that listens under TLS as `localhost`, with the folder of its certificate.
pub(crate) async fn under_tls(change: impl FnOnce(&mut Settings, &Place)) -> (World, Place) {
    let files = Place::new();
    certificate(&files, "localhost", (-DAY, 30 * DAY));
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    let world = World::with(|settings| {
        settings.issuer = format!("https://localhost:{port}");
        settings.tls.certificate = Some(files.path("cert.pem"));
        settings.tls.key = Some(files.path("key.pem"));
        change(settings, &files);
    })
    .await;
    let server = world.server.clone();
    tokio::spawn(async move {
        let listeners = Listeners { main: vec![listener], ops: None };
        listener::serve(&server, listeners, &Control::new()).await.expect("it serves");
    });
    (world, files)
}

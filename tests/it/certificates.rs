//! Clients that prove themselves by a certificate (RFC 8705 §2), shown in a handshake here or to a trusted proxy.

use std::{io::Write, path::PathBuf, sync::Arc};

use base64::{Engine, engine::general_purpose::STANDARD};
use latchkey::{
    clients::{
        CertificateName,
        registration::{self, Wanted},
    },
    config::{ClientCertificates, RegistrationMode, Settings},
    protocol::{AuthMethod, Lifetime, Timestamp},
};
use openssl::{
    asn1::Asn1Time,
    bn::BigNum,
    ec,
    hash::MessageDigest,
    nid::Nid,
    pkey::{PKey, Private},
    x509::{
        X509, X509Builder, X509NameBuilder,
        extension::{BasicConstraints, SubjectAlternativeName},
    },
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject};
use serde_json::{Value, json};

use crate::{
    certificate::{DAY, certificate},
    client_keys::{OwnKey, Place as Keys},
    program::{self, Reply, connect, read_reply},
    registration::registers,
    world::{Answer, BEGINNING, World, directory},
};

/// Somebody who has a certificate, and may vouch for others.
pub(crate) struct Certified {
    pub(crate) own: X509,
    key: PKey<Private>,
}

/// What a certificate says beside its subject.
pub(crate) struct Says<'a> {
    pub(crate) by: Option<&'a Certified>,
    /// From when on and until when it is good, in days from `now`.
    pub(crate) days: (i64, i64),
    pub(crate) now: Timestamp,
    pub(crate) alternative: fn(&mut SubjectAlternativeName),
    pub(crate) is_authority: bool,
}

impl<'a> Says<'a> {
    pub(crate) fn by(by: Option<&'a Certified>) -> Self {
        let alternative = |names: &mut SubjectAlternativeName| _ = names.dns("app.example");
        Self { by, days: (-1, 30), now: BEGINNING, alternative, is_authority: false }
    }
}

/// Make a certificate for the subject `O=Example, CN=name`.
pub(crate) fn certified(name: &str, says: &Says<'_>) -> Certified {
    let group = ec::EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).expect("P-256");
    let key = PKey::from_ec_key(ec::EcKey::generate(&group).expect("a key")).expect("a key");
    let mut subject = X509NameBuilder::new().expect("a name");
    subject.append_entry_by_text("O", "Example").expect("a name");
    subject.append_entry_by_text("CN", name).expect("a name");
    let subject = subject.build();
    let mut builder = X509Builder::new().expect("a builder");
    builder.set_version(2).expect("set");
    builder.set_serial_number(&BigNum::from_u32(7).and_then(|n| n.to_asn1_integer()).expect("a number")).expect("set");
    builder.set_subject_name(&subject).expect("set");
    builder.set_issuer_name(says.by.map_or(&*subject, |by| by.own.subject_name())).expect("set");
    builder.set_pubkey(&key).expect("set");
    let at = |days: i64| Asn1Time::from_unix(says.now.0 + days * DAY).expect("a time");
    builder.set_not_before(&at(says.days.0)).expect("set");
    builder.set_not_after(&at(says.days.1)).expect("set");
    if says.is_authority {
        builder.append_extension(BasicConstraints::new().critical().ca().build().expect("built")).expect("set");
    }
    let mut alternative = SubjectAlternativeName::new();
    (says.alternative)(&mut alternative);
    let alternative = alternative.build(&builder.x509v3_context(None, None)).expect("built");
    builder.append_extension(alternative).expect("set");
    builder.sign(says.by.map_or(&key, |by| &by.key), MessageDigest::sha256()).expect("signed");
    Certified { own: builder.build(), key }
}

pub(crate) fn authority(name: &str) -> Certified {
    certified(name, &Says { is_authority: true, days: (-1, 3650), ..Says::by(None) })
}

/// As a proxy passes certificates on.
pub(crate) fn header(chain: &[&Certified]) -> String {
    let pem: Vec<u8> = chain.iter().flat_map(|one| one.own.to_pem().expect("PEM")).collect();
    utf8_percent_encode(std::str::from_utf8(&pem).expect("ASCII"), NON_ALPHANUMERIC).to_string()
}

/// The file of an authority.
pub(crate) fn file(of: &Certified, name: &str) -> PathBuf {
    let file = directory().join(format!("{name}_{}.pem", std::process::id()));
    std::fs::write(&file, of.own.to_pem().expect("PEM")).expect("written");
    file
}

/// The certificate as a key of a JWK set has it. Of the key, only that there is one is looked at.
pub(crate) fn jwks(of: &[&Certified]) -> Value {
    let key = |one: &&Certified| json!({ "kty": "EC", "crv": "P-384", "x5c": [STANDARD.encode(one.own.to_der().expect("DER"))] });
    json!({ "keys": of.iter().map(key).collect::<Vec<_>>() })
}

pub(crate) fn behind_a_proxy(settings: &mut Settings) {
    settings.tls.client_certificates = ClientCertificates::Optional;
    settings.proxy.trusted = vec!["127.0.0.0/8".parse().expect("a network")];
}

pub(crate) async fn known_by(world: &World, id: &str, name: CertificateName) {
    world
        .app_with(id, |wanted| {
            wanted.scope = Some("openid kb:read".to_owned());
            wanted.token_endpoint_auth_method = Some(AuthMethod::TlsClientAuth);
            wanted.certificate_name = Some(name);
        })
        .await;
}

pub(crate) async fn self_made(world: &World, id: &str, keys: Result<Value, String>) {
    world
        .app_with(id, |wanted| {
            wanted.scope = Some("openid kb:read".to_owned());
            wanted.token_endpoint_auth_method = Some(AuthMethod::SelfSignedTlsClientAuth);
            match keys {
                Ok(jwks) => wanted.jwks = Some(jwks),
                Err(uri) => wanted.jwks_uri = Some(uri),
            }
        })
        .await;
}

/// Ask for a token of the client's own, with these headers of a proxy.
pub(crate) async fn asks(world: &World, id: &str, headers: &[&str]) -> Answer {
    let headers: Vec<_> = headers.iter().map(|value| ("x-client-cert", *value)).collect();
    world.post("/token", &headers, &[("grant_type", "client_credentials"), ("client_id", id)]).await
}

#[tokio::test]
async fn a_client_is_known_by_the_one_name_in_its_certificate_that_it_has_registered() {
    let root = authority("Root");
    let world = World::with(|settings| {
        behind_a_proxy(settings);
        settings.tls.client_ca = Some(file(&root, "names"));
    })
    .await;
    let alternative = |names: &mut SubjectAlternativeName| {
        names.dns("app.example").uri("spiffe://example/app").ip("192.0.2.7").email("app@example.com");
    };
    let own = certified("app", &Says { alternative, ..Says::by(Some(&root)) });
    let other =
        certified("other", &Says { alternative: |names| _ = names.dns("other.example"), ..Says::by(Some(&root)) });
    let v6 = certified("v6", &Says { alternative: |names| _ = names.ip("2001:db8::7"), ..Says::by(Some(&root)) });
    for (at, (name, shown)) in [
        (CertificateName::SubjectDn("cn=App,o=EXAMPLE".into()), &own),
        (CertificateName::SanDns("APP.example".into()), &own),
        (CertificateName::SanUri("spiffe://example/app".into()), &own),
        (CertificateName::SanIp("192.0.2.7".into()), &own),
        (CertificateName::SanIp("2001:0db8:0::7".into()), &v6),
        (CertificateName::SanEmail("app@example.com".into()), &own),
    ]
    .into_iter()
    .enumerate()
    {
        let id = format!("app{at}");
        known_by(&world, &id, name.clone()).await;
        asks(&world, &id, &[&header(&[shown])]).await.ok();
        asks(&world, &id, &[&header(&[&other])]).await.refused("invalid_client");
        asks(&world, &id, &[]).await.refused("invalid_client");
    }
    for (id, name) in [
        ("wild", CertificateName::SanDns("*.example".into())),
        ("mail", CertificateName::SanDns("app@example.com".into())),
        ("part", CertificateName::SubjectDn("CN=app".into())),
        ("turned", CertificateName::SubjectDn("O=Example,CN=app".into())),
        ("near", CertificateName::SanUri("spiffe://example/app/".into())),
    ] {
        known_by(&world, id, name).await;
        asks(&world, id, &[&header(&[&own])]).await.refused("invalid_client");
    }
    let secret = [("client_id", "app0"), ("client_secret", "guess"), ("grant_type", "client_credentials")];
    let told = world.post("/token", &[("x-client-cert", &header(&[&own]))], &secret).await.refused("invalid_client");
    assert!(told["error_description"].as_str().unwrap().contains("tls_client_auth"), "{told}");
    let introspecting = [("client_id", "app0"), ("token", "x")];
    let told = world.post("/introspect", &[("x-client-cert", &header(&[&own]))], &introspecting).await.ok();
    assert_eq!(told, json!({ "active": false }));
}

#[tokio::test]
async fn a_certificate_counts_while_it_is_good_and_an_authority_of_the_operator_vouches_for_it() {
    let (root, foreign) = (authority("Root"), authority("Root"));
    let world = World::with(|settings| {
        behind_a_proxy(settings);
        settings.tls.client_ca = Some(file(&root, "vouching"));
    })
    .await;
    known_by(&world, "app", CertificateName::SubjectDn("CN=app,O=Example".into())).await;
    let between = certified("Between", &Says { is_authority: true, ..Says::by(Some(&root)) });
    let below = certified("app", &Says::by(Some(&between)));
    asks(&world, "app", &[&header(&[&below, &between])]).await.ok();
    asks(&world, "app", &[&header(&[&below])]).await.refused("invalid_client");
    let leaf = certified("leaf", &Says::by(Some(&root)));
    let good = certified("app", &Says::by(Some(&root)));
    for (what, chain) in [
        ("of another authority of the same name", vec![&certified("app", &Says::by(Some(&foreign)))]),
        ("of its own making", vec![&certified("app", &Says::by(None))]),
        ("by somebody who may not vouch", vec![&certified("app", &Says::by(Some(&leaf))), &leaf]),
        ("expired", vec![&certified("app", &Says { days: (-30, -1), ..Says::by(Some(&root)) })]),
        ("not good yet", vec![&certified("app", &Says { days: (1, 30), ..Says::by(Some(&root)) })]),
        ("in the wrong order", vec![&between, &below]),
        ("of somebody else", vec![&leaf, &good]),
    ] {
        let told = asks(&world, "app", &[&header(&chain)]).await.refused("invalid_client");
        let described = told["error_description"].as_str().unwrap();
        assert!(described.starts_with("client authentication failed"), "{what}: {described}");
    }
    asks(&world, "app", &[&header(&[&good])]).await.ok();
    // RFC 5280 §4.1.2.5: up to and including its end.
    world.advance(Lifetime::days(30));
    asks(&world, "app", &[&header(&[&good])]).await.ok();
    world.advance(Lifetime::seconds(1));
    asks(&world, "app", &[&header(&[&good])]).await.refused("invalid_client");
}

#[tokio::test]
async fn a_certificate_of_its_own_making_is_the_very_one_that_the_client_has_registered() {
    let world = World::with(behind_a_proxy).await;
    let (own, spare, twin) = (
        certified("app", &Says::by(None)),
        certified("app", &Says::by(None)),
        certified("app", &Says { days: (-1, 60), ..Says::by(None) }),
    );
    let old = certified("app", &Says { days: (-30, -1), ..Says::by(None) });
    self_made(&world, "app", Ok(jwks(&[&own, &spare, &old]))).await;
    for good in [&own, &spare] {
        asks(&world, "app", &[&header(&[good])]).await.ok();
    }
    for bad in [&twin, &old] {
        asks(&world, "app", &[&header(&[bad])]).await.refused("invalid_client");
    }
    asks(&world, "app", &[]).await.refused("invalid_client");
    // Another client's is another's; and what is registered anew counts at once.
    self_made(&world, "other", Ok(jwks(&[&twin]))).await;
    asks(&world, "other", &[&header(&[&own])]).await.refused("invalid_client");
    let wanted = Wanted { jwks: Some(jwks(&[&own])), ..Wanted::default() };
    registration::update(&world.server.registry, "other", wanted, world.now(), &world.server.random).await.unwrap();
    asks(&world, "other", &[&header(&[&own])]).await.ok();
    asks(&world, "other", &[&header(&[&twin])]).await.refused("invalid_client");
    world.advance(Lifetime::days(30));
    asks(&world, "app", &[&header(&[&own])]).await.ok();
    world.advance(Lifetime::seconds(1));
    asks(&world, "app", &[&header(&[&own])]).await.refused("invalid_client");
}

#[tokio::test]
async fn certificates_that_a_client_keeps_are_read_again_after_it_has_changed_them() {
    let world = World::with(|settings| {
        behind_a_proxy(settings);
        settings.outgoing.allow_private_addresses = true;
    })
    .await;
    let (old, new) = (certified("app", &Says::by(None)), certified("app", &Says::by(None)));
    let place = Keys::with(jwks(&[&old])).await;
    self_made(&world, "keeper", Err(place.uri.clone())).await;
    asks(&world, "keeper", &[&header(&[&old])]).await.ok();
    place.now_has(Some(jwks(&[&new])));
    world.advance(Lifetime::seconds(5));
    asks(&world, "keeper", &[&header(&[&new])]).await.ok();
    asks(&world, "keeper", &[&header(&[&old])]).await.refused("invalid_client");
    assert_eq!(place.reads(), 2);
}

#[tokio::test]
async fn clients_register_by_certificate_as_far_as_the_settings_let_them_show_any() {
    let methods = async |world: &World| {
        let metadata = world.get("/.well-known/openid-configuration").await.ok();
        let methods = metadata["token_endpoint_auth_methods_supported"].as_array().unwrap().clone();
        ["tls_client_auth", "self_signed_tls_client_auth"].map(|own| methods.contains(&json!(own)))
    };
    let world = World::with(|settings| settings.registration.mode = RegistrationMode::Open).await;
    assert_eq!(methods(&world).await, [false, false]);
    let body = |method: &str, more: Value| {
        let mut body = json!({ "redirect_uris": ["https://a.example/cb"], "token_endpoint_auth_method": method });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let own = certified("app", &Says::by(None));
    let self_signed = body("self_signed_tls_client_auth", json!({ "jwks": jwks(&[&own]) }));
    registers(&world, self_signed.clone()).await.refused("invalid_client_metadata");
    let open = |settings: &mut Settings| {
        behind_a_proxy(settings);
        settings.registration.mode = RegistrationMode::Open;
    };
    let world = World::with(open).await;
    assert_eq!(methods(&world).await, [false, true], "nobody vouches for certificates");
    let registered = registers(&world, self_signed).await.json();
    assert!(registered["client_id"].is_string() && registered.get("client_secret").is_none(), "{registered}");
    let keys_alone = json!({ "jwks": OwnKey::rsa("k").set() });
    registers(&world, body("self_signed_tls_client_auth", keys_alone)).await.refused("invalid_client_metadata");
    let dns = json!({ "tls_client_auth_san_dns": "app.example" });
    registers(&world, body("tls_client_auth", dns.clone())).await.refused("invalid_client_metadata");
    let world = World::with(|settings| {
        open(settings);
        settings.tls.client_ca = Some(file(&authority("Root"), "registering"));
    })
    .await;
    assert_eq!(methods(&world).await, [true, true]);
    let registered = registers(&world, body("tls_client_auth", dns.clone())).await.json();
    assert_eq!(registered["tls_client_auth_san_dns"], "app.example");
    let mut two = body("tls_client_auth", dns.clone());
    two["tls_client_auth_san_ip"] = json!("192.0.2.1");
    for bad in [
        two,
        body("tls_client_auth", json!({})),
        body("tls_client_auth", json!({ "tls_client_auth_subject_dn": "app" })),
        body("tls_client_auth", json!({ "tls_client_auth_san_ip": "app.example" })),
        body("client_secret_basic", dns),
    ] {
        registers(&world, bad).await.refused("invalid_client_metadata");
    }
}

/// Ask over TLS for a token of the client's own, with what it shows.
fn asks_over_tls(place: &program::Place, at: std::net::SocketAddr, shows: Option<&Certified>, forged: &str) -> Reply {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(place.path("cert.pem")).expect("a certificate")).expect("a root");
    let builder = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots);
    let config = match shows {
        None => builder.with_no_client_auth(),
        Some(own) => {
            let key = PrivateKeyDer::from_pem_slice(&own.key.private_key_to_pem_pkcs8().expect("PEM")).expect("a key");
            let chain = vec![CertificateDer::from(own.own.to_der().expect("DER"))];
            builder.with_client_auth_cert(chain, key).expect("a certificate")
        }
    };
    let name = ServerName::try_from("first.localhost").expect("a name");
    let connection = rustls::ClientConnection::new(Arc::new(config), name).expect("a connection");
    let mut stream = rustls::StreamOwned::new(connection, connect(at));
    let form = "grant_type=client_credentials&client_id=robot&scope=kb:read";
    let head = format!(
        "POST /token HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {}\r\n{forged}\r\n{form}",
        form.len()
    );
    stream.write_all(head.as_bytes()).expect("written");
    read_reply(stream)
}

#[test]
fn a_certificate_that_was_shown_in_the_handshake_proves_the_client() {
    let place = program::Place::with_config(
        "issuer = \"https://localhost:8443\"\n[tls]\ncertificate = \"cert.pem\"\nkey = \"key.pem\"\n\
         client_certificates = \"optional\"\nclient_ca = \"cert.pem\"\n",
    );
    certificate(&place, "first.localhost", (0, 30 * DAY));
    let today = |name| certified(name, &Says { now: Timestamp(latchkey::clock::wall().0), ..Says::by(None) });
    let (own, other) = (today("robot"), today("robot"));
    place.write("jwks.json", jwks(&[&own]).to_string());
    let create = ["client", "create", "--json", "--id", "robot", "--name", "Robot", "--scope", "kb:read"];
    let grant =
        ["--grant", "client_credentials", "--auth-method", "self_signed_tls_client_auth", "--jwks", "jwks.json"];
    let made = place.run(&[&create[..], &grant[..]].concat()).json();
    assert!(made.get("client_secret").is_none(), "{made}");
    let by_name = ["client", "update", "robot", "--auth-method", "tls_client_auth"];
    let two = ["--tls-client-auth-subject-dn", "CN=robot", "--tls-client-auth-san-dns", "robot.example"];
    assert_eq!(place.run(&[&by_name[..], &two[..]].concat()).code, Some(2), "one name alone");

    place.write("empty.pem", "");
    let mut check = place.command(&["config", "check"]);
    let told = check.env("LATCHKEY_TLS_CLIENT_CA", place.path("empty.pem")).output().expect("the program runs");
    assert!(String::from_utf8_lossy(&told.stderr).contains("no certificates of authorities"), "{told:?}");
    let serving = place.serve(&[]);
    let reply = asks_over_tls(&place, serving.main, Some(&own), "");
    assert_eq!((reply.status, reply.json()["token_type"].as_str()), (200, Some("Bearer")), "{}", reply.body);
    for (shows, forged) in [
        (Some(&other), String::new()),
        (None, String::new()),
        // What it says of itself in a header is no proof.
        (None, format!("X-Client-Cert: {}\r\n", header(&[&own]))),
    ] {
        let reply = asks_over_tls(&place, serving.main, shows, &forged);
        assert_eq!((reply.status, reply.json()["error"].as_str()), (401, Some("invalid_client")), "{}", reply.body);
    }
    let named = place.run(&[&by_name[..], &two[..2], &["--json"]].concat()).json();
    assert_eq!(named["tls_client_auth_subject_dn"], "CN=robot");
}

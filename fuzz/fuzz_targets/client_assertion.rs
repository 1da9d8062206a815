//! How a client proves itself by what it has signed or by a certificate: whoever lacks the secret is refused, and so is
//! what is signed but says something else than RFC 7523 wants.
#![no_main]

use std::sync::{
    Arc, LazyLock,
    atomic::{AtomicU64, Ordering},
};

use arbitrary::Arbitrary;
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use hmac::{Hmac, KeyInit, Mac};
use latchkey::{
    clients::{
        ClientCertificate,
        authentication::{self, Context},
        registration::{self, New, Wanted},
    },
    clock::Clock,
    config::Settings,
    protocol::{AuthMethod, Error, ErrorCode, Params, PlainSecret},
    random::Random,
    server::Server,
};
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::runtime::Runtime;

const ISSUER: &str = "http://localhost:8080";
const TOKEN: &str = "/token";
const SECRET: &str = "a-secret-of-the-wiki-that-is-long-enough-to-sign-with";
/// Made for this; nobody has its key any more.
const CERTIFICATE: &str = "MIIBmzCCAUGgAwIBAgIUfEp2gDZ+4PWi4r1HdUeTxISKEEQwCgYIKoZIzj0EAwIwFjEUMBIGA1UEAwwLYXBwLmV4YW1wb\
    GUwIBcNMjYxMTI4MTgyMzI4WhgPMjEyNjExMDQxODIzMjhaMBYxFDASBgNVBAMMC2FwcC5leGFtcGxlMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAETl\
    hri0uOSnL3gLNlrHoRovYPg3+hNZC+2UebMv4TzO7Z59Syw4RlQbKc7mf5+Xbi09Li7+/XcIi7Z6ZOsJxB06NrMGkwHQYDVR0OBBYEFKgmYqhaw9yLul0\
    y+njsj5THeqEyMB8GA1UdIwQYMBaAFKgmYqhaw9yLul0y+njsj5THeqEyMA8GA1UdEwEB/wQFMAMBAf8wFgYDVR0RBA8wDYILYXBwLmV4YW1wbGUwCgYIK\
    oZIzj0EAwIDSAAwRQIgU1SA1pbZWY+9UoPLqbOz8qqkHQJkV2MzBYXtuqt8FuUCIQC0cqF9MfUZRtIkDu9kyw6weQ7guHedtu8je3NfBqeJUQ==";

/// What an assertion says otherwise than it should.
#[derive(Arbitrary, Debug)]
struct Says<'a> {
    later: i32,
    audience: &'a str,
    others: Option<Vec<&'a str>>,
    nbf: Option<i64>,
    jti: Option<&'a str>,
    another: Option<(&'a str, &'a str)>,
}

struct Site {
    runtime: Runtime,
    server: Arc<Server>,
    certificate: Vec<u8>,
    /// Of the next assertion that has no name of its own.
    number: AtomicU64,
}

static SITE: LazyLock<Site> = LazyLock::new(|| {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let server = runtime.block_on(open());
    Site {
        runtime,
        server,
        certificate: STANDARD.decode(CERTIFICATE).expect("a certificate"),
        number: AtomicU64::new(0),
    }
});

fuzz_target!(|input: (&str, &[u8], Says<'_>, (usize, u8))| {
    let (text, bytes, says, (at, flip)) = input;
    let site = &*SITE;
    assert!(!site.believes(text, None), "{text}");
    for payload in
        [bytes.to_vec(), says.payload(site.server.clock.now().0, site.number.fetch_add(1, Ordering::Relaxed))]
    {
        let token = signed(&payload);
        if site.believes(&token, None) {
            site.is_sound(&payload);
            assert!(!site.believes(&token, None), "an assertion counts twice");
        }
    }
    let mut flipped = site.certificate.clone();
    let at = at % flipped.len();
    flipped[at] ^= flip;
    for shown in [
        ClientCertificate::of_header(text),
        ClientCertificate::of_handshake(&[bytes.to_vec()]),
        ClientCertificate::of_handshake(&[flipped.clone(), bytes.to_vec()]),
    ] {
        let is_own = flip == 0 || bytes == site.certificate;
        assert!(!site.believes("", shown.as_ref()) || is_own, "{flipped:?}");
    }
});

impl Says<'_> {
    fn payload(&self, now: i64, number: u64) -> Vec<u8> {
        let (iss, sub) = self.another.unwrap_or(("wiki", "wiki"));
        let audience = format!("{ISSUER}{}", self.audience);
        let aud = match &self.others {
            None => json!(audience),
            Some(others) => json!([&[&*audience], &**others].concat()),
        };
        let exp = now as f64 + 60.5 + f64::from(self.later % 100_000);
        let jti = self.jti.map_or_else(|| number.to_string(), str::to_owned);
        let mut claims = json!({ "iss": iss, "sub": sub, "aud": aud, "exp": exp, "jti": jti });
        if let Some(nbf) = self.nbf {
            claims["nbf"] = json!(nbf);
        }
        claims.to_string().into()
    }
}

impl Site {
    /// Whether that proves one of the two clients.
    fn believes(&self, token: &str, certificate: Option<&ClientCertificate>) -> bool {
        let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
        let params: Params = match certificate {
            Some(_) => [("client_id", "self-signed")].into_iter().collect(),
            None => [("client_assertion", token), ("client_assertion_type", kind)].into_iter().collect(),
        };
        let context = Context {
            registry: &self.server.registry,
            keys: &self.server.client_keys,
            certificate,
            authorities: &self.server.authorities,
            issuer: ISSUER,
            token_endpoint: TOKEN,
            now: self.server.clock.now(),
        };
        match self.runtime.block_on(authentication::authenticate(context, None, &params)) {
            Ok(client) => {
                assert_eq!(client.id(), if certificate.is_some() { "self-signed" } else { "wiki" });
                true
            }
            Err(Error::Refused(refusal)) => {
                assert_eq!(refusal.code, ErrorCode::InvalidClient, "{refusal:?}");
                false
            }
            Err(Error::Failed(fault)) => panic!("{fault:?}"),
        }
    }

    fn is_sound(&self, payload: &[u8]) {
        let says: Value = serde_json::from_slice(payload).expect("JSON");
        assert!(
            says["iss"] == "wiki" && says["sub"] == "wiki" && says["jti"].as_str().is_some_and(|jti| !jti.is_empty())
        );
        let is_ours = |aud: &Value| aud == ISSUER || *aud == format!("{ISSUER}{TOKEN}");
        assert!(is_ours(&says["aud"]) || says["aud"].as_array().is_some_and(|all| all.iter().all(is_ours)), "{says}");
        assert!(says["exp"].as_f64().is_some_and(|exp| exp > self.server.clock.now().0 as f64), "{says}");
    }
}

fn signed(payload: &[u8]) -> String {
    let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let head = format!("{}.{}", part(br#"{"alg":"HS256"}"#), part(payload));
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).expect("a key");
    mac.update(head.as_bytes());
    format!("{head}.{}", part(&mac.finalize().into_bytes()))
}

/// A server with a client that signs and one that shows a certificate, in a folder of its own, at a time that stands still.
async fn open() -> Arc<Server> {
    let folder = tempfile::tempdir().expect("a folder").keep();
    let database_url = format!("sqlite:{}", folder.join("latchkey.db").display());
    let mut settings = Settings { issuer: ISSUER.to_owned(), database_url, ..Settings::default() };
    settings.keys.master_key = Some(PlainSecret::new(URL_SAFE_NO_PAD.encode([7; 32])));
    let clock = Clock::fixed(Clock::System.now());
    let server = Server::open(settings, clock, Random::System).await.expect("the server opens");
    let by = |method| Wanted {
        redirect_uris: Some(vec!["https://wiki.example/cb".to_owned()]),
        token_endpoint_auth_method: Some(method),
        ..Wanted::default()
    };
    let wanted = by(AuthMethod::ClientSecretJwt);
    let wiki = New { id: Some("wiki".to_owned()), secret: Some(PlainSecret::new(SECRET)), wanted, ..New::default() };
    let jwks = json!({ "keys": [{ "kty": "EC", "x5c": [CERTIFICATE] }] });
    let wanted = Wanted { jwks: Some(jwks), ..by(AuthMethod::SelfSignedTlsClientAuth) };
    let other = New { id: Some("self-signed".to_owned()), wanted, ..New::default() };
    for new in [wiki, other] {
        registration::create(&server.registry, new, server.clock.now(), &server.random).await.expect("a client");
    }
    server
}

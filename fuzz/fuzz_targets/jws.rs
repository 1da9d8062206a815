//! Tokens whose signature is to be checked: nothing but what was signed here, to the letter, is ever believed.
#![no_main]

use std::sync::LazyLock;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use latchkey::{
    clock::Clock,
    config::Settings,
    keys::Keyring,
    protocol::{Algorithm, PlainSecret},
    random::Random,
    server::Server,
    tokens::id_token,
};
use libfuzzer_sys::fuzz_target;

const ISSUER: &str = "http://localhost:8080";

struct Site {
    keyring: Keyring,
    token: String,
}

static SITE: LazyLock<Site> = LazyLock::new(|| {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let folder = tempfile::tempdir().expect("a folder").keep();
    let database_url = format!("sqlite:{}", folder.join("latchkey.db").display());
    let mut settings = Settings { issuer: ISSUER.to_owned(), database_url, ..Settings::default() };
    settings.keys.master_key = Some(PlainSecret::new(URL_SAFE_NO_PAD.encode([7; 32])));
    let opened = runtime.block_on(Server::open(settings, Clock::System, Random::System));
    let keyring = opened.expect("the server opens").keyring.clone();
    let claims = serde_json::json!({ "iss": ISSUER, "sub": "s", "aud": "c", "exp": 4_000_000_000_u64, "iat": 1 });
    let token = keyring.sign(Algorithm::RS256, "JWT", &claims).expect("a token");
    Site { keyring, token }
});

fuzz_target!(|input: (&str, &[u8], &[u8], &[u8], usize, u8)| {
    let (text, header, payload, signature, at, flip) = input;
    let site = &*SITE;
    let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let [own_header, own_payload, own_signature] = parts(&site.token);
    let mut flipped = site.token.clone().into_bytes();
    let at = at % flipped.len();
    flipped[at] ^= flip;
    for token in [
        text.to_owned(),
        format!("{}.{}.{}", encode(header), encode(payload), encode(signature)),
        format!("{}.{own_payload}.{own_signature}", encode(header)),
        format!("{own_header}.{}.{own_signature}", encode(payload)),
        format!("{own_header}.{own_payload}.{}", encode(signature)),
        format!("{}{text}", site.token),
        String::from_utf8(flipped).unwrap_or_default(),
    ] {
        let is_ours = token == site.token;
        assert_eq!(site.keyring.verify(&token).is_some(), is_ours, "{token}");
        assert_eq!(site.keyring.verify_hint(&token).is_some(), is_ours, "{token}");
        assert_eq!(id_token::read_hint(&site.keyring, ISSUER, &token).is_some(), is_ours, "{token}");
    }
});

fn parts(token: &str) -> [&str; 3] {
    let mut parts = token.split('.');
    std::array::from_fn(|_| parts.next().expect("three parts"))
}

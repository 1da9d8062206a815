//! What is said to be encrypted for this server: nothing opens but what was, to the letter, and nothing panics on the way.
#![no_main]

use std::sync::LazyLock;

use arbitrary::Arbitrary;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use latchkey::{
    clock::Clock,
    config::Settings,
    keys::{Content, JwkSet, Keyring},
    protocol::{ContentEncryption, KeyManagement, PlainSecret},
    random::Random,
    server::Server,
};
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};

const INSIDE: &str = "a.b.c";

/// A header that names algorithms which are known, and what else may matter of it.
#[derive(Arbitrary, Debug)]
struct Head<'a> {
    alg: usize,
    enc: usize,
    x: [u8; 32],
    y: [u8; 32],
    more: Option<(&'a str, &'a str)>,
}

struct Site {
    keyring: Keyring,
    /// By every algorithm.
    sealed: Vec<String>,
}

static SITE: LazyLock<Site> = LazyLock::new(|| {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let folder = tempfile::tempdir().expect("a folder").keep();
    let database_url = format!("sqlite:{}", folder.join("latchkey.db").display());
    let mut settings = Settings { database_url, ..Settings::default() };
    settings.keys.master_key = Some(PlainSecret::new(URL_SAFE_NO_PAD.encode([7; 32])));
    settings.keys.encryption_algorithms = KeyManagement::ALL.to_vec();
    let opened = runtime.block_on(Server::open(settings, Clock::System, Random::System));
    let keyring = opened.expect("the server opens").keyring.clone();
    let published: Value = serde_json::from_slice(&keyring.published().body).expect("JSON");
    let is_for_encryption = |key: &&Value| key["use"] == "enc";
    let keys: Vec<&Value> = published["keys"].as_array().expect("keys").iter().filter(is_for_encryption).collect();
    let set = JwkSet::read(json!({ "keys": keys }).to_string().as_bytes()).expect("a set");
    let mut sealed = Vec::new();
    for alg in KeyManagement::ALL {
        for enc in ContentEncryption::ALL {
            sealed.extend(set.encrypt(*alg, *enc, Content::Jwt(INSIDE)).expect("encrypted"));
        }
    }
    Site { keyring, sealed }
});

fuzz_target!(|input: (&str, Head, [&[u8]; 4], usize, usize, u8)| {
    let (text, head, parts, which, at, flip) = input;
    let Site { keyring, sealed } = &*SITE;
    let own = &sealed[which % sealed.len()];
    let mut flipped = own.clone().into_bytes();
    let at = at % flipped.len();
    flipped[at] ^= flip;
    let (own_head, own_rest) = own.split_once('.').expect("five parts");
    for token in [
        text.to_owned(),
        format!("{}.{}", written(&head), parts.map(|part| URL_SAFE_NO_PAD.encode(part)).join(".")),
        format!("{}.{own_rest}", written(&head)),
        format!("{}.{own_rest}", URL_SAFE_NO_PAD.encode(text)),
        format!("{own_head}.{}", parts.map(|part| URL_SAFE_NO_PAD.encode(part)).join(".")),
        String::from_utf8(flipped).unwrap_or_default(),
    ] {
        match keyring.decrypt(&token) {
            Ok(inside) => assert!(sealed.contains(&token) && inside == INSIDE.as_bytes(), "{token}"),
            Err(_) => assert!(!sealed.contains(&token), "{token}"),
        }
    }
});

fn written(head: &Head) -> String {
    let Head { alg, enc, x, y, more } = head;
    let mut header = json!({
        "alg": KeyManagement::ALL[alg % KeyManagement::ALL.len()],
        "enc": ContentEncryption::ALL[enc % ContentEncryption::ALL.len()],
        "epk": { "kty": "EC", "crv": "P-256", "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y) },
    });
    if let Some((name, value)) = more {
        header[*name] = json!(value);
    }
    URL_SAFE_NO_PAD.encode(header.to_string())
}

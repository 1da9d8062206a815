//! What others have encrypted for the server: opened, and refused.

use std::hint::black_box;

use criterion::Criterion;
use josekit::{
    jwe::{ECDH_ES, JweContext, JweEncrypter, JweHeader, RSA_OAEP_256},
    jwk::Jwk,
};
use latchkey::protocol::{ContentEncryption, KeyManagement};
use serde_json::Value;

use super::ground::Ground;

/// As long as an authorization request, signed.
const CONTENT: &[u8] = &[b'a'; 1_200];

fn sealed(ground: &Ground, alg: KeyManagement, enc: ContentEncryption) -> String {
    let jwks: Value = serde_json::from_slice(&ground.keyring.published().body).expect("JSON");
    let mut keys = jwks.get("keys").and_then(Value::as_array).expect("keys").iter();
    let key = keys.find(|key| key.get("alg").is_some_and(|own| own == alg.as_str())).expect("a key for that");
    let jwk = Jwk::from_map(key.as_object().expect("a key").clone()).expect("a JWK");
    let encrypter: Box<dyn JweEncrypter> = match alg {
        KeyManagement::RsaOaep256 => Box::new(RSA_OAEP_256.encrypter_from_jwk(&jwk).expect("an encrypter")),
        _ => Box::new(ECDH_ES.encrypter_from_jwk(&jwk).expect("an encrypter")),
    };
    let mut header = JweHeader::new();
    header.set_content_encryption(enc.as_str());
    JweContext::new().serialize_compact(CONTENT, &header, &*encrypter).expect("encrypted")
}

pub(crate) fn encrypted(criterion: &mut Criterion, ground: &Ground) {
    let mut group = criterion.benchmark_group("encrypted");
    for alg in [KeyManagement::RsaOaep256, KeyManagement::EcdhEs] {
        for enc in [ContentEncryption::A128CbcHs256, ContentEncryption::A256Gcm] {
            let token = sealed(ground, alg, enc);
            group.bench_function(format!("opened, {alg} and {enc}"), |b| {
                b.iter(|| assert!(ground.keyring.decrypt(black_box(&token)).is_ok()));
            });
            // Attack case 30: the same time as far as anybody can tell, whichever part it is that is wrong.
            for (part, name) in [(1, "key"), (4, "tag")] {
                let mut parts: Vec<String> = token.split('.').map(str::to_owned).collect();
                let Some(own) = parts.get_mut(part).filter(|own| !own.is_empty()) else { continue };
                let other = if own.starts_with('A') { "B" } else { "A" };
                own.replace_range(..1, other);
                let wrong = parts.join(".");
                group.bench_function(format!("refused for its {name}, {alg} and {enc}"), |b| {
                    b.iter(|| assert!(ground.keyring.decrypt(black_box(&wrong)).is_err()));
                });
            }
        }
    }
    let long = format!("{}....", "A".repeat(60 * 1024));
    group.bench_function("refused for being nothing, of 60 KiB", |b| {
        b.iter(|| assert!(ground.keyring.decrypt(black_box(&long)).is_err()));
    });
    group.finish();
}

//! What others have encrypted for the server: opened, and refused.

use std::hint::black_box;

use criterion::Criterion;
use latchkey::{
    keys::{Content, JwkSet},
    protocol::{ContentEncryption, KeyManagement},
};

use super::ground::Ground;

/// As long as an authorization request, signed.
const CONTENT: &[u8] = &[b'a'; 1_200];

fn sealed(ground: &Ground, alg: KeyManagement, enc: ContentEncryption) -> String {
    let published = JwkSet::read(&ground.keyring.published().body).expect("a set of keys");
    published.encrypt(alg, enc, Content::Claims(CONTENT)).expect("encrypted").expect("there is a key for that")
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

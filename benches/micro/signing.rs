//! What a signature costs: bare, and as a whole token.

use super::ground::{Ground, access_token};
use criterion::Criterion;
use josekit::jws::RS256;
use latchkey::{protocol::Algorithm, tokens::refresh_token};

pub(crate) fn signing(criterion: &mut Criterion, ground: &Ground) {
    let mut group = criterion.benchmark_group("signing");

    // The floor: OpenSSL's RSA operation over as many bytes as a token has.
    let pair = RS256.generate_key_pair(2048).expect("a key is made");
    let signer = RS256.signer_from_der(pair.to_der_private_key()).expect("the key signs");
    let message = vec![b'a'; 600];
    group.bench_function("bare RSA-2048", |b| b.iter(|| josekit::jws::JwsSigner::sign(&signer, &message)));

    for alg in Algorithm::ALL {
        group.bench_function(format!("access token, {alg}"), |b| {
            b.iter(|| ground.keyring.sign(*alg, "at+jwt", &access_token()));
        });
    }
    let key = ground.keyring.refresh_key();
    group.bench_function("refresh token", |b| b.iter(|| refresh_token::mint(&key, "7fTqv0cWmNUzgCJ2nWb0pA", 7)));
    group.finish();
}

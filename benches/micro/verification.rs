//! What it costs to believe a token that comes back.

use super::ground::{Ground, access_token};
use criterion::Criterion;
use latchkey::{
    protocol::Algorithm,
    tokens::{access_token::Claims, refresh_token},
};

pub(crate) fn verification(criterion: &mut Criterion, ground: &Ground) {
    let keyring = &ground.keyring;
    let mut group = criterion.benchmark_group("verification");

    for alg in Algorithm::ALL {
        let token = keyring.sign(*alg, "at+jwt", &access_token()).expect("the key signs");
        group.bench_function(format!("access token, {alg}"), |b| {
            b.iter(|| keyring.verify(&token).and_then(|verified| Claims::parse(&verified.payload)));
        });
    }
    let forged = {
        let token = keyring.sign(Algorithm::RS256, "at+jwt", &access_token()).expect("the key signs");
        format!("{}AAAA", token.split_at(token.len() - 4).0)
    };
    group.bench_function("forged access token", |b| b.iter(|| keyring.verify(&forged)));
    group.bench_function("token of a stranger", |b| b.iter(|| keyring.verify("eyJhbGciOiJSUzI1NiJ9.e30.AAAA")));

    let key = keyring.refresh_key();
    let token = refresh_token::mint(&key, "7fTqv0cWmNUzgCJ2nWb0pA", 7);
    group.bench_function("refresh token", |b| b.iter(|| refresh_token::read(&key, token.expose())));
    group.finish();
}

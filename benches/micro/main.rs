//! What the small parts cost, by criterion: `cargo bench --bench micro`.

use criterion::{Criterion, criterion_group, criterion_main};

mod encrypted;
mod ground;
mod requests;
mod signing;
mod verification;

fn all(criterion: &mut Criterion) {
    let ground = ground::Ground::open();
    signing::signing(criterion, &ground);
    verification::verification(criterion, &ground);
    requests::requests(criterion, &ground);
    encrypted::encrypted(criterion, &ground);
}

criterion_group!(benches, all);
criterion_main!(benches);

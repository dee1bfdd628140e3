//! Seal and open of a letter of 1 KB with RustCrypto.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};

#[path = "../tests/common/envelope.rs"]
mod common;

use common::node;
use symbolon_core::envelope::Sealed;

fn envelope(c: &mut Criterion) {
    let (alice, bob) = (node(1), node(2));
    let letter = alice.letter_to(&bob, &[0x5a; 1024]);
    let frame = alice.seal_to(&bob, &letter);
    c.bench_function("envelope/seal 1 KB, soft", |b| b.iter(|| alice.seal_to(&bob, black_box(&letter))));
    c.bench_function("envelope/open 1 KB, soft", |b| b.iter(|| bob.read(&[&alice], black_box(&frame))));
    c.bench_function("envelope/parse 1 KB", |b| b.iter(|| Sealed::parse(black_box(&frame)).is_ok()));
}

criterion_group!(benches, envelope);
criterion_main!(benches);

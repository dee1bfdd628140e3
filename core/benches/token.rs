//! What issuing and introspecting cost besides the signature: signing and verifying are free here.

#[path = "../tests/token_fixture/mod.rs"]
mod token_fixture;

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use symbolon_core::crypto::{Crypto, Ecdsa, PublicPoint, Random, Signature, SigningKey, VerifyingKey};
use symbolon_core::state::ClientAuthMethod;
use symbolon_core::token::{ClientPresentation, Form, introspect, token};
use token_fixture::{SECRET, World, basic, client, soft_crypto};

struct Free;

impl Ecdsa for Free {
    fn signing_key(&self, _: &[u8; 32]) -> Option<Arc<dyn SigningKey>> {
        Some(Arc::new(Free))
    }

    fn verifying_key(&self, _: &PublicPoint) -> Option<Arc<dyn VerifyingKey>> {
        Some(Arc::new(Free))
    }
}

impl SigningKey for Free {
    fn sign(&self, _: &[u8]) -> Signature {
        [7; 64]
    }

    fn public(&self) -> PublicPoint {
        [4; 65]
    }
}

impl VerifyingKey for Free {
    fn verify(&self, _: &[u8], _: &Signature) -> bool {
        true
    }

    fn public(&self) -> PublicPoint {
        [4; 65]
    }
}

impl Random for Free {
    fn fill(&self, out: &mut [u8]) {
        out.fill(9);
    }
}

/// Ten thousand clients beside the one that asks.
fn world() -> World {
    let crypto = Crypto { ecdsa: Arc::new(Free), random: Arc::new(Free), ..soft_crypto(1) };
    let mut world = World::with(crypto);
    for i in 0..10_000 {
        world.register(&format!("client-{i}"), client(ClientAuthMethod::SecretPost, &["read"]));
    }
    world
}

fn bench(criterion: &mut Criterion) {
    let world = world();
    let header = basic("app", SECRET);
    let authorization = Some(header.as_str());
    let asking = b"grant_type=client_credentials&scope=read+write";
    criterion.bench_function("form", |bencher| bencher.iter(|| Form::parse(black_box(asking))));
    criterion.bench_function("token, signature free", |bencher| {
        bencher.iter(|| {
            let form = Form::parse(black_box(asking)).expect("a form");
            token(&world.view, ClientPresentation { authorization, form: &form }, world.reading(), &world.crypto)
                .settle()
                .expect("a token")
        });
    });
    let about = format!("token={}", world.issued("").access_token);
    criterion.bench_function("introspect, verification free", |bencher| {
        bencher.iter(|| {
            let form = Form::parse(black_box(about.as_bytes())).expect("a form");
            introspect(&world.view, ClientPresentation { authorization, form: &form }, world.now, &world.crypto)
                .settle()
                .expect("an answer")
        });
    });
}

criterion_group!(benches, bench);
criterion_main!(benches);

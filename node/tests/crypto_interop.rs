//! Both implementations of cryptography agree: what aws-lc makes, RustCrypto takes, and the other way round.

#[path = "../../core/tests/common/envelope.rs"]
mod common;

use std::sync::Arc;

use common::{Node, node, node_with};
use symbolon_core::crypto::soft::{self, SeededRandom};
use symbolon_core::crypto::{Crypto, KEM_PUBLIC_KEY_BYTES, Signature, is_low_s, normalize_s};
use symbolon_core::fault::Reject;
use symbolon_node::crypto::production;

fn providers() -> [Crypto; 2] {
    [soft::crypto(Arc::new(SeededRandom::new([9; 32]))), production()]
}

/// Each provider with each, both ways round.
fn pairs() -> impl Iterator<Item = (Crypto, Crypto)> {
    providers().into_iter().flat_map(|one| providers().map(|other| (one.clone(), other)))
}

#[test]
fn frames_pass_between_all_pairs_of_providers() {
    for (one, other) in pairs() {
        let (alice, bob, carol) = (node_with(one), node_with(other), node(3));
        let letter = alice.letter_to(&bob, b"hello");
        let frame = alice.seal_to(&bob, &letter);
        assert_eq!(bob.read(&[&alice], &frame), Ok(letter));
        assert_eq!(carol.read(&[&alice], &frame), Err(Reject::NotForUs));
    }
}

#[test]
fn a_seed_grows_the_same_keys_everywhere() {
    let [soft, aws] = providers();
    let (scalar, seed) = (soft.bytes::<32>(), soft.bytes::<64>());
    let public = |crypto: &Crypto| crypto.ecdsa.signing_key(&scalar).expect("a scalar").public();
    assert_eq!(public(&soft), public(&aws));
    assert_eq!(soft.kem.decapsulation_key(&seed).public(), aws.kem.decapsulation_key(&seed).public());
}

#[test]
fn signatures_are_low_s_and_verify_everywhere() {
    for (one, other) in pairs() {
        let (_, key) = one.generate_signing_key();
        let verifying = other.ecdsa.verifying_key(&key.public()).expect("on the curve");
        assert_eq!(verifying.public(), key.public());
        // Without normalising, half of these would be high.
        for n in 0..64_u8 {
            let signature = key.sign(&[n]);
            assert!(is_low_s(&signature));
            assert!(verifying.verify(&[n], &signature));
            assert!(!verifying.verify(&[n, n], &signature));
            assert!(!verifying.verify(&[n], &high_s(&signature)), "the other s is refused");
        }
    }
}

/// The other form of a signature: its s is n - s, where n is the order of P-256.
fn high_s(signature: &Signature) -> Signature {
    const ORDER: [u8; 32] = [
        0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6,
        0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
    ];
    let mut high = *signature;
    let mut borrow = 0;
    for (place, n) in high[32..].iter_mut().zip(ORDER).rev() {
        let difference = i16::from(n) - i16::from(*place) - borrow;
        borrow = i16::from(difference < 0);
        *place = difference.rem_euclid(256) as u8;
    }
    assert_eq!(normalize_s(&high), Some(*signature), "the same signature in its other form");
    high
}

#[test]
fn secrets_agree_and_a_foreign_ciphertext_gives_another() {
    for (one, other) in pairs() {
        let seed = one.bytes::<64>();
        let key = other.kem.decapsulation_key(&seed);
        let (mut ciphertext, secret) = one.kem.encapsulate(key.public(), &*one.random).expect("a key");
        assert_eq!(key.decapsulate(&ciphertext), secret);
        ciphertext[0] ^= 1;
        let rejected = key.decapsulate(&ciphertext);
        assert_ne!(rejected, secret);
        assert_eq!(one.kem.decapsulation_key(&seed).decapsulate(&ciphertext), rejected, "implicit rejection agrees");
    }
}

#[test]
fn malformed_keys_are_refused_by_each_provider() {
    for crypto in providers() {
        assert!(crypto.ecdsa.signing_key(&[0; 32]).is_none());
        assert!(crypto.ecdsa.signing_key(&[0xff; 32]).is_none());
        assert!(crypto.ecdsa.verifying_key(&[4; 65]).is_none());
        assert!(crypto.ecdsa.verifying_key(&[0; 65]).is_none());
        assert!(crypto.kem.encapsulate(&[0xff; KEM_PUBLIC_KEY_BYTES], &*crypto.random).is_none());
    }
}

#[test]
fn sealed_bytes_are_the_same_everywhere_and_alterations_are_refused() {
    let [soft, aws] = providers();
    let sealed = soft.aead.seal(&[1; 32], &[2; 12], b"aad", b"plaintext");
    assert_eq!(aws.aead.seal(&[1; 32], &[2; 12], b"aad", b"plaintext"), sealed);
    for crypto in providers() {
        let open = |aad: &[u8], sealed: &[u8]| crypto.aead.open(&[1; 32], &[2; 12], aad, sealed);
        assert_eq!(open(b"aad", &sealed).expect("unaltered").as_slice(), b"plaintext");
        assert!(open(b"aae", &sealed).is_none());
        for at in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[at] ^= 1;
            assert!(open(b"aad", &altered).is_none());
            assert!(open(b"aad", &sealed[..at]).is_none());
        }
    }
}

#[test]
fn production_draws_from_the_operating_system() {
    let (one, other) = (production().bytes::<32>(), production().bytes::<32>());
    assert_ne!(one, other);
    assert_ne!(*one, [0; 32]);
}

#[test]
fn production_frames_differ_and_soft_frames_do_not() {
    let frames = |sender: fn() -> Node| {
        [(); 2].map(|()| {
            let (alice, bob) = (sender(), node(2));
            alice.seal_to(&bob, &alice.letter_to(&bob, b"hello"))
        })
    };
    let [one, other] = frames(|| node(1));
    assert_eq!(one, other);
    let [one, other] = frames(|| node_with(production()));
    assert_ne!(one, other);
}

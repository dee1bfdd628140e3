//! Keys, their names and encodings, and what RustCrypto must give for known answers.

use std::sync::Arc;

use symbolon_core::crypto::soft::{self, SeededRandom};
use symbolon_core::crypto::{
    Crypto, hkdf32, is_low_s, kem_key_id, ml_kem_from_spki_der, node_id, normalize_s, p256_from_spki_der,
    spki_der_ml_kem, spki_der_p256, subject_key_id,
};

fn crypto(seed: u8) -> Crypto {
    soft::crypto(Arc::new(SeededRandom::new([seed; 32])))
}

fn unhex<const N: usize>(text: &str) -> [u8; N] {
    std::array::from_fn(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).expect("hex"))
}

#[test]
fn signatures_are_those_of_rfc_6979_in_low_s_form() {
    // Appendix A.2.5, P-256 with SHA-256, messages "sample" (high s) and "test" (low s).
    let scalar = unhex("c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721");
    let key = crypto(0).ecdsa.signing_key(&scalar).expect("a scalar");
    let sample = unhex(
        "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716\
         f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8",
    );
    let test = unhex(
        "f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367\
         019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083",
    );
    assert!(!is_low_s(&sample) && is_low_s(&test));
    assert_eq!(Some(key.sign(b"sample")), normalize_s(&sample));
    assert_eq!(key.sign(b"test"), test);
}

#[test]
fn key_derivation_is_that_of_rfc_5869() {
    // Test case 1, the first 32 of its 42 bytes.
    let okm = hkdf32(&[0x0b; 22], &unhex::<13>("000102030405060708090a0b0c"), &unhex::<10>("f0f1f2f3f4f5f6f7f8f9"));
    assert_eq!(*okm, unhex("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"));
    // Test case 3, without salt and info.
    let okm = hkdf32(&[0x0b; 22], &[], &[]);
    assert_eq!(*okm, unhex("8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"));
}

#[test]
fn the_same_seed_gives_the_same_secrets() {
    assert_eq!(crypto(1).bytes::<100>(), crypto(1).bytes::<100>());
    assert_ne!(crypto(1).bytes::<100>(), crypto(2).bytes::<100>());
    let crypto = crypto(1);
    assert_ne!(crypto.bytes::<32>(), crypto.bytes::<32>());
}

#[test]
fn a_node_is_named_after_its_gossip_key() {
    let (_, key) = crypto(1).generate_signing_key();
    let id = subject_key_id(&key.public());
    assert_eq!(node_id(&key.public()), id[..16]);
    let (_, other) = crypto(2).generate_signing_key();
    assert_ne!(id, subject_key_id(&other.public()));
}

#[test]
fn public_keys_survive_their_encoding_and_nothing_else_does() {
    let crypto = crypto(1);
    let (_, signing) = crypto.generate_signing_key();
    let point = signing.public();
    let kem = *crypto.kem.decapsulation_key(&crypto.bytes::<64>()).public();
    let (point_der, kem_der) = (spki_der_p256(&point), spki_der_ml_kem(&kem));
    // RFC 5480: SEQUENCE { SEQUENCE { id-ecPublicKey, prime256v1 }, BIT STRING }
    assert_eq!(point_der[..26], unhex::<26>("3059301306072a8648ce3d020106082a8648ce3d030107034200"));
    // RFC 9935: SEQUENCE { SEQUENCE { id-alg-ml-kem-768 }, BIT STRING }
    assert_eq!(kem_der[..22], unhex::<22>("308204b2300b0609608648016503040402038204a100"));
    assert_eq!(p256_from_spki_der(&point_der), Some(point));
    assert_eq!(ml_kem_from_spki_der(&kem_der), Some(kem));
    assert_eq!(p256_from_spki_der(&kem_der), None);
    assert_eq!(ml_kem_from_spki_der(&point_der), None);
    assert_ne!(subject_key_id(&point), kem_key_id(&kem));
    for length in 0..point_der.len() {
        assert_eq!(p256_from_spki_der(&point_der[..length]), None);
    }
    for at in 0..26 {
        let mut altered = point_der.clone();
        altered[at] ^= 1;
        assert_eq!(p256_from_spki_der(&altered), None, "byte {at}");
    }
}

#[test]
fn malformed_keys_and_signatures_are_refused() {
    let crypto = crypto(1);
    assert!(crypto.ecdsa.signing_key(&[0; 32]).is_none());
    assert!(crypto.ecdsa.signing_key(&[0xff; 32]).is_none());
    assert!(crypto.ecdsa.verifying_key(&[4; 65]).is_none());
    let (_, key) = crypto.generate_signing_key();
    let verifying = crypto.ecdsa.verifying_key(&key.public()).expect("on the curve");
    assert!(verifying.verify(b"hello", &key.sign(b"hello")));
    assert!(!verifying.verify(b"hallo", &key.sign(b"hello")));
    for signature in [[0; 64], [0xff; 64]] {
        assert_eq!(normalize_s(&signature), None);
        assert!(!verifying.verify(b"hello", &signature));
    }
}

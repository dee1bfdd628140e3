//! Names and encodings of public keys, and key derivation. Holds no private key and asks no provider.

use der::asn1::{AnyRef, BitStringRef};
use der::{Decode, Encode};
use hkdf::Hkdf;
use sha2::{Digest, Sha256};
use spki::{AlgorithmIdentifierRef, ObjectIdentifier, SubjectPublicKeyInfoRef};
use zeroize::Zeroizing;

use super::{KemPublicKey, PublicPoint, Secret32, Signature};

/// A subject key identifier by method 1 of RFC 7093: the leftmost 160 bits of SHA-256 of the public key's bits.
pub type KeyId = [u8; 20];

const EC_PUBLIC_KEY: ObjectIdentifier = const_oid::db::rfc5912::ID_EC_PUBLIC_KEY;
const P256: ObjectIdentifier = const_oid::db::rfc5912::SECP_256_R_1;
const ML_KEM_768: ObjectIdentifier = const_oid::db::fips203::ID_ALG_ML_KEM_768;

/// The identifier of a P-256 key.
pub fn subject_key_id(key: &PublicPoint) -> KeyId {
    rfc7093_method_1(key)
}

/// The identifier of an ML-KEM-768 key.
pub fn kem_key_id(key: &KemPublicKey) -> KeyId {
    rfc7093_method_1(key)
}

/// A node's id: the first 16 bytes of the identifier of its gossip key.
pub fn node_id(gossip_key: &PublicPoint) -> [u8; 16] {
    let id = subject_key_id(gossip_key);
    std::array::from_fn(|i| id[i])
}

/// 32 bytes of HKDF-SHA256 (RFC 5869). An empty salt counts as none.
pub fn hkdf32(ikm: &[u8], salt: &[u8], info: &[u8]) -> Secret32 {
    let mut out = Zeroizing::new([0; 32]);
    Hkdf::<Sha256>::new(Some(salt), ikm)
        .expand(info, out.as_mut_slice())
        .expect("HKDF-SHA256 gives up to 8160 bytes");
    out
}

/// The low-S form of an ECDSA signature, r ‖ s; `None` if r or s is zero or not below the order.
pub fn normalize_s(signature: &Signature) -> Option<Signature> {
    let signature = p256::ecdsa::Signature::from_slice(signature).ok()?;
    Some(signature.normalize_s().to_bytes().into())
}

/// Whether a signature is well-formed and already in low-S form.
pub fn is_low_s(signature: &Signature) -> bool {
    normalize_s(signature).as_ref() == Some(signature)
}

/// A P-256 key as SubjectPublicKeyInfo (RFC 5480).
pub fn spki_der_p256(key: &PublicPoint) -> Vec<u8> {
    spki(EC_PUBLIC_KEY, Some((&P256).into()), key)
}

/// The P-256 key in a SubjectPublicKeyInfo. That it lies on the curve is for [`super::Ecdsa::verifying_key`] to find out.
pub fn p256_from_spki_der(der: &[u8]) -> Option<PublicPoint> {
    public_key_bits(EC_PUBLIC_KEY, Some((&P256).into()), der)?.try_into().ok()
}

/// An ML-KEM-768 key as SubjectPublicKeyInfo (RFC 9935).
pub fn spki_der_ml_kem(key: &KemPublicKey) -> Vec<u8> {
    spki(ML_KEM_768, None, key)
}

/// The ML-KEM-768 key in a SubjectPublicKeyInfo. That it is well-formed is for [`super::Kem::encapsulate`] to find out.
pub fn ml_kem_from_spki_der(der: &[u8]) -> Option<KemPublicKey> {
    public_key_bits(ML_KEM_768, None, der)?.try_into().ok()
}

fn rfc7093_method_1(public_key_bits: &[u8]) -> KeyId {
    let digest = Sha256::digest(public_key_bits);
    std::array::from_fn(|i| digest[i])
}

fn spki(oid: ObjectIdentifier, parameters: Option<AnyRef<'_>>, key: &[u8]) -> Vec<u8> {
    let subject_public_key =
        BitStringRef::from_bytes(key).expect("a public key is far below the length limit of DER");
    SubjectPublicKeyInfoRef { algorithm: AlgorithmIdentifierRef { oid, parameters }, subject_public_key }
        .to_der()
        .expect("a fixed algorithm and a short bit string encode")
}

fn public_key_bits<'a>(oid: ObjectIdentifier, parameters: Option<AnyRef<'_>>, der: &'a [u8]) -> Option<&'a [u8]> {
    let info = SubjectPublicKeyInfoRef::from_der(der).ok()?;
    let named = info.algorithm.oid == oid && info.algorithm.parameters == parameters;
    if named { info.subject_public_key.as_bytes() } else { None }
}

//! Cryptography as a struct of trait objects, randomness included, so that nothing is drawn behind the embedder's back.
//!
//! `soft` is RustCrypto: the same seed gives the same bytes. A production node brings an implementation of its own.
//! Hashes (SHA-256, HKDF, BLAKE3) have no secrets to hide from a provider and are called directly.

use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

pub mod keys;
pub mod soft;

pub use keys::{
    KeyId, hkdf32, is_low_s, kem_key_id, ml_kem_from_spki_der, node_id, normalize_s, p256_from_spki_der,
    spki_der_ml_kem, spki_der_p256, subject_key_id,
};

/// An ECDSA P-256 signature, r ‖ s, big-endian, s in the lower half of the order.
pub type Signature = [u8; 64];
/// A P-256 public key as an uncompressed SEC1 point.
pub type PublicPoint = [u8; 65];
/// An ML-KEM-768 encapsulation key (FIPS 203).
pub type KemPublicKey = [u8; KEM_PUBLIC_KEY_BYTES];
/// Length of an ML-KEM-768 encapsulation key.
pub const KEM_PUBLIC_KEY_BYTES: usize = 1184;
/// Length of an ML-KEM-768 ciphertext.
pub const KEM_CIPHERTEXT_BYTES: usize = 1088;
/// A 256-bit secret, wiped when dropped.
pub type Secret32 = Zeroizing<[u8; 32]>;

/// Everything random or keyed that the replica needs.
#[derive(Clone)]
pub struct Crypto {
    /// Where secrets come from.
    pub random: Arc<dyn Random>,
    /// ECDSA P-256 with SHA-256.
    pub ecdsa: Arc<dyn Ecdsa>,
    /// ML-KEM-768.
    pub kem: Arc<dyn Kem>,
    /// AES-256-GCM with 12-byte nonces and 16-byte tags.
    pub aead: Arc<dyn Aead>,
}

/// A source of secret bytes.
pub trait Random: Send + Sync {
    /// Fills `out`; never fails, never returns less.
    fn fill(&self, out: &mut [u8]);
}

/// Makes and reads P-256 keys.
pub trait Ecdsa: Send + Sync {
    /// The signing key with this scalar (32 bytes, big-endian); `None` if it is zero or not below the order.
    fn signing_key(&self, scalar: &[u8; 32]) -> Option<Arc<dyn SigningKey>>;
    /// The verifying key at this point; `None` if it is not on the curve.
    fn verifying_key(&self, point: &PublicPoint) -> Option<Arc<dyn VerifyingKey>>;
}

/// A parsed P-256 private key.
pub trait SigningKey: Send + Sync {
    /// Signs SHA-256 of `message`; the result is in low-S form.
    fn sign(&self, message: &[u8]) -> Signature;
    /// The public half.
    fn public(&self) -> PublicPoint;
}

/// A parsed P-256 public key.
pub trait VerifyingKey: Send + Sync {
    /// Whether `signature` is one of SHA-256 of `message`. High-S signatures do not verify.
    fn verify(&self, message: &[u8], signature: &Signature) -> bool;
    /// The point.
    fn public(&self) -> PublicPoint;
}

/// Makes and uses ML-KEM-768 keys.
pub trait Kem: Send + Sync {
    /// The decapsulation key grown from the seed d ‖ z (FIPS 203, section 7.1; RFC 9935 "seed" form).
    fn decapsulation_key(&self, seed: &[u8; 64]) -> Arc<dyn DecapsulationKey>;
    /// A fresh shared secret and its ciphertext for this key; `None` if the key is no encapsulation key.
    fn encapsulate(&self, key: &KemPublicKey, random: &dyn Random) -> Option<([u8; KEM_CIPHERTEXT_BYTES], Secret32)>;
}

/// A parsed ML-KEM-768 private key.
pub trait DecapsulationKey: Send + Sync {
    /// The shared secret in a ciphertext; for a foreign one an unrelated secret (implicit rejection).
    fn decapsulate(&self, ciphertext: &[u8; KEM_CIPHERTEXT_BYTES]) -> Secret32;
    /// The public half.
    fn public(&self) -> &KemPublicKey;
}

/// AES-256-GCM.
pub trait Aead: Send + Sync {
    /// Ciphertext ‖ tag.
    fn seal(&self, key: &[u8; 32], nonce: &[u8; 12], aad: &[u8], plaintext: &[u8]) -> Vec<u8>;
    /// The plaintext, or `None` if anything was altered.
    fn open(&self, key: &[u8; 32], nonce: &[u8; 12], aad: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>>;
}

impl Crypto {
    /// `N` secret bytes.
    pub fn bytes<const N: usize>(&self) -> Zeroizing<[u8; N]> {
        let mut out = Zeroizing::new([0; N]);
        self.random.fill(out.as_mut_slice());
        out
    }

    /// A fresh P-256 key and its scalar.
    pub fn generate_signing_key(&self) -> (Secret32, Arc<dyn SigningKey>) {
        loop {
            let scalar = self.bytes::<32>();
            if let Some(key) = self.ecdsa.signing_key(&scalar) {
                return (scalar, key);
            }
        }
    }
}

impl fmt::Debug for Crypto {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Crypto")
    }
}

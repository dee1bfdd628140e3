//! RustCrypto behind the traits: the same seed gives the same bytes. It never asks the operating system for randomness.

use std::sync::{Arc, Mutex, PoisonError};

use aes_gcm::aead::{Aead as _, KeyInit, Payload};
use ml_kem::{Decapsulate, KeyExport, MlKem768};
use p256::ecdsa::signature::{Signer, Verifier};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use zeroize::Zeroizing;

use super::keys::{is_low_s, normalize_s};
use super::{
    Aead, Crypto, DecapsulationKey, Ecdsa, KEM_CIPHERTEXT_BYTES, Kem, KemPublicKey, PublicPoint, Random, Secret32,
    Signature, SigningKey, VerifyingKey,
};

/// Length of an ML-KEM-768 decapsulation key in the expanded form of FIPS 203.
pub const KEM_EXPANDED_KEY_BYTES: usize = 2400;

/// RustCrypto over this source of randomness.
pub fn crypto(random: Arc<dyn Random>) -> Crypto {
    Crypto { random, ecdsa: Arc::new(SoftEcdsa), kem: Arc::new(SoftKem), aead: Arc::new(SoftAead) }
}

/// ChaCha20 from a seed: secrets for simulations and tests.
pub struct SeededRandom(Mutex<ChaCha20Rng>);

impl SeededRandom {
    /// The generator that this seed names.
    pub fn new(seed: [u8; 32]) -> SeededRandom {
        SeededRandom(Mutex::new(ChaCha20Rng::from_seed(seed)))
    }
}

impl Random for SeededRandom {
    fn fill(&self, out: &mut [u8]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(out);
    }
}

/// The decapsulation key of a seed in the expanded form, for providers that know no seeds, and its public half.
#[allow(deprecated, reason = "the form is deprecated for storage, and nothing here stores it")]
pub fn expand_kem_seed(seed: &[u8; 64]) -> (Zeroizing<[u8; KEM_EXPANDED_KEY_BYTES]>, KemPublicKey) {
    use ml_kem::ExpandedKeyEncoding;

    let key = ml_kem::DecapsulationKey::<MlKem768>::from_seed((*seed).into());
    (Zeroizing::new(key.to_expanded_bytes().into()), key.encapsulation_key().to_bytes().into())
}

/// The public half of a P-256 scalar, for providers that want both; `None` if it is zero or not below the order.
pub fn public_point(scalar: &[u8; 32]) -> Option<PublicPoint> {
    let key = p256::ecdsa::SigningKey::from_slice(scalar).ok()?;
    Some(uncompressed(key.verifying_key()))
}

struct SoftEcdsa;
struct SoftSigningKey(p256::ecdsa::SigningKey);
struct SoftVerifyingKey(p256::ecdsa::VerifyingKey);

impl Ecdsa for SoftEcdsa {
    fn signing_key(&self, scalar: &[u8; 32]) -> Option<Arc<dyn SigningKey>> {
        let key = p256::ecdsa::SigningKey::from_slice(scalar).ok()?;
        Some(Arc::new(SoftSigningKey(key)))
    }

    fn verifying_key(&self, point: &PublicPoint) -> Option<Arc<dyn VerifyingKey>> {
        let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(point).ok()?;
        Some(Arc::new(SoftVerifyingKey(key)))
    }
}

impl SigningKey for SoftSigningKey {
    fn sign(&self, message: &[u8]) -> Signature {
        let signature: p256::ecdsa::Signature = self.0.sign(message);
        normalize_s(&signature.to_bytes().into()).expect("a fresh signature is well-formed")
    }

    fn public(&self) -> PublicPoint {
        uncompressed(self.0.verifying_key())
    }
}

impl VerifyingKey for SoftVerifyingKey {
    fn verify(&self, message: &[u8], signature: &Signature) -> bool {
        is_low_s(signature)
            && p256::ecdsa::Signature::from_slice(signature)
                .is_ok_and(|signature| self.0.verify(message, &signature).is_ok())
    }

    fn public(&self) -> PublicPoint {
        uncompressed(&self.0)
    }
}

fn uncompressed(key: &p256::ecdsa::VerifyingKey) -> PublicPoint {
    key.to_sec1_point(false).as_bytes().try_into().expect("an uncompressed P-256 point has 65 bytes")
}

struct SoftKem;
struct SoftDecapsulationKey {
    key: ml_kem::DecapsulationKey<MlKem768>,
    public: Box<KemPublicKey>,
}

impl Kem for SoftKem {
    fn decapsulation_key(&self, seed: &[u8; 64]) -> Arc<dyn DecapsulationKey> {
        let key = ml_kem::DecapsulationKey::<MlKem768>::from_seed((*seed).into());
        let public = Box::new(key.encapsulation_key().to_bytes().into());
        Arc::new(SoftDecapsulationKey { key, public })
    }

    fn encapsulate(&self, key: &KemPublicKey, random: &dyn Random) -> Option<([u8; KEM_CIPHERTEXT_BYTES], Secret32)> {
        let key = ml_kem::EncapsulationKey::<MlKem768>::new(&(*key).into()).ok()?;
        let mut message = Zeroizing::new([0; 32]);
        random.fill(message.as_mut_slice());
        let (ciphertext, secret) = key.encapsulate_deterministic(&(*message).into());
        Some((ciphertext.into(), Zeroizing::new(secret.into())))
    }
}

impl DecapsulationKey for SoftDecapsulationKey {
    fn decapsulate(&self, ciphertext: &[u8; KEM_CIPHERTEXT_BYTES]) -> Secret32 {
        Zeroizing::new(self.key.decapsulate(&(*ciphertext).into()).into())
    }

    fn public(&self) -> &KemPublicKey {
        &self.public
    }
}

struct SoftAead;

impl Aead for SoftAead {
    fn seal(&self, key: &[u8; 32], nonce: &[u8; 12], aad: &[u8], plaintext: &[u8]) -> Vec<u8> {
        aes_gcm::Aes256Gcm::new(key.into())
            .encrypt(nonce.into(), Payload { msg: plaintext, aad })
            .expect("AES-GCM takes up to 64 GiB")
    }

    fn open(&self, key: &[u8; 32], nonce: &[u8; 12], aad: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let plaintext =
            aes_gcm::Aes256Gcm::new(key.into()).decrypt(nonce.into(), Payload { msg: sealed, aad }).ok()?;
        Some(Zeroizing::new(plaintext))
    }
}

//! The crypto traits of the replica by aws-lc: keys are parsed once, and randomness never comes from the caller.

use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::kem::{self, ML_KEM_768};
use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, ParsedPublicKey,
};
use symbolon_core::crypto::{
    Aead, Crypto, DecapsulationKey, Ecdsa, KEM_CIPHERTEXT_BYTES, Kem, KemPublicKey, PublicPoint, Random, Secret32,
    Signature, SigningKey, VerifyingKey, is_low_s, normalize_s, soft,
};
use zeroize::Zeroizing;

/// The cryptography of a production node, over the randomness of the operating system.
pub fn production() -> Crypto {
    let random = Arc::new(AwsRandom(SystemRandom::new()));
    Crypto { ecdsa: Arc::new(AwsEcdsa), kem: Arc::new(AwsKem), aead: Arc::new(AwsAead), random }
}

struct AwsRandom(SystemRandom);

impl Random for AwsRandom {
    fn fill(&self, out: &mut [u8]) {
        self.0.fill(out).expect("aws-lc aborts rather than run without entropy");
    }
}

struct AwsEcdsa;
struct AwsSigningKey {
    pair: EcdsaKeyPair,
    random: SystemRandom,
}
struct AwsVerifyingKey {
    key: ParsedPublicKey,
    point: PublicPoint,
}

impl Ecdsa for AwsEcdsa {
    fn signing_key(&self, scalar: &[u8; 32]) -> Option<Arc<dyn SigningKey>> {
        let point = soft::public_point(scalar)?;
        let pair =
            EcdsaKeyPair::from_private_key_and_public_key(&ECDSA_P256_SHA256_FIXED_SIGNING, scalar, &point).ok()?;
        Some(Arc::new(AwsSigningKey { pair, random: SystemRandom::new() }))
    }

    fn verifying_key(&self, point: &PublicPoint) -> Option<Arc<dyn VerifyingKey>> {
        let key = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).ok()?;
        Some(Arc::new(AwsVerifyingKey { key, point: *point }))
    }
}

impl SigningKey for AwsSigningKey {
    fn sign(&self, message: &[u8]) -> Signature {
        let signature = self.pair.sign(&self.random, message).expect("a checked key signs any message");
        let signature = signature.as_ref().try_into().expect("the fixed format of P-256 has 64 bytes");
        normalize_s(&signature).expect("a fresh signature is well-formed")
    }

    fn public(&self) -> PublicPoint {
        self.pair.public_key().as_ref().try_into().expect("an uncompressed P-256 point has 65 bytes")
    }
}

impl VerifyingKey for AwsVerifyingKey {
    fn verify(&self, message: &[u8], signature: &Signature) -> bool {
        is_low_s(signature) && self.key.verify_sig(message, signature).is_ok()
    }

    fn public(&self) -> PublicPoint {
        self.point
    }
}

struct AwsKem;
struct AwsDecapsulationKey {
    key: kem::DecapsulationKey,
    public: KemPublicKey,
}

impl Kem for AwsKem {
    fn decapsulation_key(&self, seed: &[u8; 64]) -> Arc<dyn DecapsulationKey> {
        let (expanded, public) = soft::expand_kem_seed(seed);
        let key = kem::DecapsulationKey::new(&ML_KEM_768, expanded.as_slice()).expect("2400 bytes are a key");
        Arc::new(AwsDecapsulationKey { key, public })
    }

    fn encapsulate(
        &self,
        key: &KemPublicKey,
        _random: &dyn Random,
    ) -> Option<([u8; KEM_CIPHERTEXT_BYTES], Secret32)> {
        let (ciphertext, secret) = kem::EncapsulationKey::new(&ML_KEM_768, key).ok()?.encapsulate().ok()?;
        Some((ciphertext.as_ref().try_into().ok()?, secret32(&secret)))
    }
}

impl DecapsulationKey for AwsDecapsulationKey {
    fn decapsulate(&self, ciphertext: &[u8; KEM_CIPHERTEXT_BYTES]) -> Secret32 {
        let secret = self
            .key
            .decapsulate(ciphertext.as_slice().into())
            .expect("a key grown from a seed decapsulates any ciphertext of the right length (implicit rejection)");
        secret32(&secret)
    }

    fn public(&self) -> &KemPublicKey {
        &self.public
    }
}

fn secret32(secret: &kem::SharedSecret) -> Secret32 {
    Zeroizing::new(secret.as_ref().try_into().expect("a shared secret of ML-KEM has 32 bytes"))
}

struct AwsAead;

impl Aead for AwsAead {
    fn seal(&self, key: &[u8; 32], nonce: &[u8; 12], aad: &[u8], plaintext: &[u8]) -> Vec<u8> {
        let mut buffer = Vec::with_capacity(plaintext.len() + AES_256_GCM.tag_len());
        buffer.extend_from_slice(plaintext);
        aes_256_gcm(key)
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(*nonce), Aad::from(aad), &mut buffer)
            .expect("AES-GCM takes up to 64 GiB");
        buffer
    }

    fn open(&self, key: &[u8; 32], nonce: &[u8; 12], aad: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let mut buffer = Zeroizing::new(sealed.to_vec());
        let length = aes_256_gcm(key)
            .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(aad), &mut buffer)
            .ok()?
            .len();
        buffer.truncate(length);
        Some(buffer)
    }
}

fn aes_256_gcm(key: &[u8; 32]) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).expect("32 bytes are a key of AES-256"))
}

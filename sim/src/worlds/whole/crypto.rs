//! The cryptography of a node here: real algorithms, and the same bytes from the same seed. Encapsulation, which takes
//! randomness, comes from RustCrypto over a seeded source, signing from `signing`; what is a function of its inputs comes from
//! the provider of production, which is faster.

use std::sync::Arc;

use symbolon_core::crypto::{
    Crypto, DecapsulationKey, Ecdsa, KEM_CIPHERTEXT_BYTES, Kem, KemPublicKey, PublicPoint, Random, Secret32,
    SigningKey, VerifyingKey, soft,
};

use super::signing;

/// Both providers over one source of secrets.
pub fn crypto(random: Arc<dyn Random>) -> Crypto {
    let (drawing, pure) = (soft::crypto(random.clone()), symbolon_node::crypto::production());
    Crypto {
        random,
        ecdsa: Arc::new(SeededEcdsa { pure: pure.ecdsa }),
        kem: Arc::new(SeededKem { drawing: drawing.kem, pure: pure.kem }),
        aead: pure.aead,
    }
}

struct SeededEcdsa {
    pure: Arc<dyn Ecdsa>,
}

impl Ecdsa for SeededEcdsa {
    fn signing_key(&self, scalar: &[u8; 32]) -> Option<Arc<dyn SigningKey>> {
        signing::signing_key(scalar)
    }

    fn verifying_key(&self, point: &PublicPoint) -> Option<Arc<dyn VerifyingKey>> {
        self.pure.verifying_key(point)
    }
}

struct SeededKem {
    drawing: Arc<dyn Kem>,
    pure: Arc<dyn Kem>,
}

impl Kem for SeededKem {
    fn decapsulation_key(&self, seed: &[u8; 64]) -> Arc<dyn DecapsulationKey> {
        self.pure.decapsulation_key(seed)
    }

    fn encapsulate(&self, key: &KemPublicKey, random: &dyn Random) -> Option<([u8; KEM_CIPHERTEXT_BYTES], Secret32)> {
        self.drawing.encapsulate(key, random)
    }
}

//! Signing that repeats itself and is fast: the bytes of RustCrypto (RFC 6979), while the one product that costs, of nonce and
//! base point, comes from aws-lc. It draws nothing.

use std::sync::Arc;

use aws_lc_rs::agreement::{ECDH_P256, PrivateKey};
use p256::elliptic_curve::Curve;
use p256::elliptic_curve::ops::{Invert, Reduce};
use p256::{NistP256, NonZeroScalar, Scalar, U256};
use rfc6979::KGenerator;
use sha2::{Digest, Sha256};
use symbolon_core::crypto::{PublicPoint, Signature, SigningKey, normalize_s, soft};

/// A key that signs.
struct Signer {
    scalar: NonZeroScalar,
    public: PublicPoint,
}

/// The key of this scalar; `None` if it is zero or not below the order.
pub(super) fn signing_key(scalar: &[u8; 32]) -> Option<Arc<dyn SigningKey>> {
    let public = soft::public_point(scalar)?;
    let scalar = NonZeroScalar::from_repr((*scalar).into()).into_option()?;
    Some(Arc::new(Signer { scalar, public }))
}

impl Signer {
    /// `None` if a signature needs another nonce, which no one has seen yet.
    fn sign_with(&self, nonce: &[u8; 32], digest: &[u8]) -> Option<Signature> {
        let inverse = NonZeroScalar::from_repr((*nonce).into()).into_option()?.invert();
        let product = PrivateKey::from_private_key(&ECDH_P256, nonce).ok()?.compute_public_key().ok()?;
        let r = number(product.as_ref().get(1..33)?);
        let s = *inverse * (number(digest) + r * *self.scalar);
        normalize_s(&p256::ecdsa::Signature::from_scalars(r, s).ok()?.to_bytes().into())
    }
}

impl SigningKey for Signer {
    fn sign(&self, message: &[u8]) -> Signature {
        let digest = Sha256::digest(message);
        let (key, order) = (self.scalar.to_bytes(), NistP256::ORDER);
        let mut nonces = KGenerator::<Sha256, U256>::new(&key, &digest, &[], &order);
        loop {
            let mut nonce = [0; 32];
            nonces.fill_next_k(&mut nonce);
            if let Some(signature) = self.sign_with(&nonce, &digest) {
                return signature;
            }
        }
    }

    fn public(&self) -> PublicPoint {
        self.public
    }
}

/// A number below the order, of 32 bytes.
fn number(bytes: &[u8]) -> Scalar {
    Scalar::reduce(&U256::from_be_slice(bytes))
}

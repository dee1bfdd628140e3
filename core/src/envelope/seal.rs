//! From a letter to a frame. It never sends what the receiver would refuse to read.

use aes_kw::{KeyInit, KwAes256};
use sha2::{Digest, Sha256};

use super::profile::{self, Inner, Outer, TAG_BYTES, WRAPPED_KEY_BYTES};
use super::{Letter, Sealed};
use crate::config::MAX_FRAME_BYTES;
use crate::crypto::{Crypto, KemPublicKey, Secret32, SigningKey, hkdf32, kem_key_id, subject_key_id};
use crate::wire;
use crate::zoo::{self, Bug};

/// The most that a frame adds to the body of its letter.
pub const MAX_OVERHEAD_BYTES: usize = 1_792;
/// The longest body that always fits into a frame.
pub const MAX_BODY_BYTES: usize = MAX_FRAME_BYTES - MAX_OVERHEAD_BYTES;

/// Why a letter was not sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The body is longer than [`MAX_BODY_BYTES`].
    #[error("the body does not fit into a frame")]
    TooLarge,
    /// The recipient's key is no ML-KEM-768 encapsulation key.
    #[error("the recipient's key is malformed")]
    RecipientKey,
}

/// Seals a letter to one recipient and signs it.
///
/// # Errors
/// See [`SealError`].
pub fn seal(
    crypto: &Crypto,
    signer: &dyn SigningKey,
    recipient: &KemPublicKey,
    letter: &Letter,
) -> Result<Vec<u8>, SealError> {
    if letter.body.len() > MAX_BODY_BYTES {
        return Err(SealError::TooLarge);
    }
    let content = encrypt(crypto, recipient, letter).ok_or(SealError::RecipientKey)?;
    let digest = Sha256::digest(&content).into();
    let signature = signer.sign(&profile::signed_bytes(&digest));
    let signer = subject_key_id(&signer.public());
    let frame = Outer { signer, digest, signature, content: &content }
        .encode()
        .expect("a bounded content and a fresh signature encode");
    debug_assert!(Sealed::parse(&frame).is_ok(), "what we seal is in the profile");
    Ok(frame)
}

/// The AuthEnvelopedData of a letter; `None` if the key is no encapsulation key.
fn encrypt(crypto: &Crypto, recipient: &KemPublicKey, letter: &Letter) -> Option<Vec<u8>> {
    let (kem_ciphertext, shared) = crypto.kem.encapsulate(recipient, &*crypto.random)?;
    let content_key = crypto.bytes::<32>();
    let nonce = *crypto.bytes::<12>();
    let mut sealed = crypto.aead.seal(&content_key, &nonce, &[], &wire::letter::encode(letter));
    if zoo::on(Bug::LetterInClear) {
        sealed[..].copy_from_slice(&[&wire::letter::encode(letter)[..], &[0; TAG_BYTES]].concat());
    }
    let (ciphertext, tag) = sealed.split_last_chunk::<TAG_BYTES>().expect("the tag is at the end");
    let inner = Inner {
        recipient: kem_key_id(recipient),
        kem_ciphertext: &kem_ciphertext,
        wrapped_key: wrap(&shared, &content_key),
        nonce,
        ciphertext,
        tag: *tag,
    };
    Some(inner.encode().expect("a bounded ciphertext encodes"))
}

fn wrap(shared: &Secret32, content_key: &[u8; 32]) -> [u8; WRAPPED_KEY_BYTES] {
    let mut wrapped = [0; WRAPPED_KEY_BYTES];
    key_wrap(shared).wrap_key(content_key, &mut wrapped).expect("32 bytes wrap into 40");
    wrapped
}

/// AES-256 key wrap (RFC 3394) under the key that grows from a shared secret.
pub(super) fn key_wrap(shared: &Secret32) -> KwAes256 {
    let key = hkdf32(shared.as_slice(), &[], &profile::kdf_info());
    KwAes256::new((&*key).into())
}

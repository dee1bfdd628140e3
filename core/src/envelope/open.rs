//! From a frame to a letter, step by step. Nothing is decrypted before the signature holds.

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::Letter;
use super::profile::{self, Inner, Outer};
use super::seal::key_wrap;
use crate::config::MAX_FRAME_BYTES;
use crate::crypto::{Crypto, DecapsulationKey, KeyId, VerifyingKey, kem_key_id, subject_key_id};
use crate::fault::Reject;
use crate::wire;
use crate::zoo::{self, Bug};

/// A frame of the right shape. Nothing in it is to be believed.
pub struct Sealed<'a> {
    outer: Outer<'a>,
    inner: Inner<'a>,
}

/// A frame whose signature holds. Whoever signed it need not have written what is inside.
pub struct Verified<'a>(Inner<'a>);

impl<'a> Sealed<'a> {
    /// Reads a frame. Takes no memory beyond a few times its length, nor any for one that is too long.
    ///
    /// # Errors
    /// [`Reject::Oversized`] or [`Reject::Malformed`].
    pub fn parse(frame: &'a [u8]) -> Result<Sealed<'a>, Reject> {
        if frame.len() > MAX_FRAME_BYTES {
            return Err(Reject::Oversized);
        }
        let outer = Outer::decode(frame).ok_or(Reject::Malformed)?;
        let inner = Inner::decode(outer.content).ok_or(Reject::Malformed)?;
        Ok(Sealed { outer, inner })
    }

    /// The key that claims to have signed.
    pub fn signer(&self) -> KeyId {
        self.outer.signer
    }

    /// The key that this claims to be for.
    pub fn recipient(&self) -> KeyId {
        self.inner.recipient
    }

    /// Checks the signature with the key that is pinned for [`Sealed::signer`].
    ///
    /// # Errors
    /// [`Reject::UnknownSender`] if this is another key than the frame names, else [`Reject::BadSignature`].
    pub fn verify(self, key: &dyn VerifyingKey) -> Result<Verified<'a>, Reject> {
        let Outer { signer, digest, signature, content } = self.outer;
        if subject_key_id(&key.public()) != signer {
            return Err(Reject::UnknownSender);
        }
        let digest_holds = <[u8; 32]>::from(Sha256::digest(content)) == digest;
        let signed = digest_holds && key.verify(&profile::signed_bytes(&digest), &signature);
        if signed || zoo::on(Bug::SignatureUnchecked) { Ok(Verified(self.inner)) } else { Err(Reject::BadSignature) }
    }
}

impl Verified<'_> {
    /// Decrypts the letter.
    ///
    /// # Errors
    /// [`Reject::NotForUs`] if it is sealed to another key or does not open, [`Reject::Malformed`] or
    /// [`Reject::Version`] if what opens is no letter.
    pub fn open(self, crypto: &Crypto, key: &dyn DecapsulationKey) -> Result<Letter, Reject> {
        let Verified(inner) = self;
        if kem_key_id(key.public()) != inner.recipient {
            return Err(Reject::NotForUs);
        }
        let shared = key.decapsulate(inner.kem_ciphertext);
        let mut content_key = Zeroizing::new([0; 32]);
        key_wrap(&shared).unwrap_key(&inner.wrapped_key, content_key.as_mut_slice()).map_err(|_| Reject::NotForUs)?;
        let sealed = [inner.ciphertext, &inner.tag].concat();
        if zoo::on(Bug::LetterInClear) {
            return wire::letter::decode(inner.ciphertext);
        }
        let plaintext = crypto.aead.open(&content_key, &inner.nonce, &[], &sealed).ok_or(Reject::NotForUs)?;
        wire::letter::decode(&plaintext)
    }
}

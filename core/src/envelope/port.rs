//! The port between a replica and the form of its frames. Production has one form, [`Cms`]; a simulation may bring a cheaper
//! one. What a letter must say, who may send it and when it is too old are never judged here.

use super::{Letter, SealError, Sealed, seal};
use crate::crypto::{Crypto, DecapsulationKey, KemPublicKey, KeyId, SigningKey, VerifyingKey};
use crate::fault::Reject;

/// A form of frames.
pub trait Envelope: Send + Sync {
    /// Seals a letter to one recipient and signs it.
    ///
    /// # Errors
    /// See [`SealError`].
    fn seal(
        &self,
        crypto: &Crypto,
        signer: &dyn SigningKey,
        recipient: &KemPublicKey,
        letter: &Letter,
    ) -> Result<Vec<u8>, SealError>;

    /// Reads a frame of this form. Nothing in it is to be believed.
    ///
    /// # Errors
    /// [`Reject::Oversized`] or [`Reject::Malformed`].
    fn read<'a>(&self, frame: &'a [u8]) -> Result<Box<dyn Frame + 'a>, Reject>;
}

/// A frame of the right shape.
pub trait Frame {
    /// The key that claims to have signed.
    fn signer(&self) -> KeyId;

    /// Checks the signature with the key that is pinned for [`Frame::signer`], and only then opens what is inside.
    ///
    /// # Errors
    /// [`Reject::UnknownSender`] or [`Reject::BadSignature`] for the signature, [`Reject::NotForUs`],
    /// [`Reject::Malformed`] or [`Reject::Version`] for what is inside.
    fn open(
        self: Box<Self>,
        pinned: &dyn VerifyingKey,
        crypto: &Crypto,
        own: &dyn DecapsulationKey,
    ) -> Result<Letter, Reject>;
}

/// CMS: the form of every frame between real nodes.
#[derive(Clone, Copy, Debug)]
pub struct Cms;

impl Envelope for Cms {
    fn seal(
        &self,
        crypto: &Crypto,
        signer: &dyn SigningKey,
        recipient: &KemPublicKey,
        letter: &Letter,
    ) -> Result<Vec<u8>, SealError> {
        seal(crypto, signer, recipient, letter)
    }

    fn read<'a>(&self, frame: &'a [u8]) -> Result<Box<dyn Frame + 'a>, Reject> {
        Ok(Box::new(Sealed::parse(frame)?))
    }
}

impl Frame for Sealed<'_> {
    fn signer(&self) -> KeyId {
        Sealed::signer(self)
    }

    fn open(
        self: Box<Self>,
        pinned: &dyn VerifyingKey,
        crypto: &Crypto,
        own: &dyn DecapsulationKey,
    ) -> Result<Letter, Reject> {
        self.verify(pinned)?.open(crypto, own)
    }
}

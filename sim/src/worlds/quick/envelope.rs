//! A light form of frames: the letter in clear, the names of both keys, and a signature over all of it. It refuses what CMS
//! refuses, for the same reasons (that the pinned key is the one that the frame names, its reader has looked up); it hides nothing, so plans whose frames are searched for secrets run on CMS.

use std::sync::{Arc, OnceLock};

use symbolon_core::config::MAX_FRAME_BYTES;
use symbolon_core::crypto::{
    Crypto, DecapsulationKey, KemPublicKey, KeyId, Signature, SigningKey, VerifyingKey, subject_key_id,
};
use symbolon_core::envelope::{Cms, Envelope, Frame, Letter, MAX_BODY_BYTES, SealError};
use symbolon_core::fault::Reject;
use symbolon_core::wire::letter;
use symbolon_core::zoo::{self, Bug};

use crate::checks;
use crate::plan::Plan;

const MAGIC: &[u8; 4] = b"plan";
const SIGNATURE_BYTES: usize = 64;
const KEY_ID_BYTES: usize = 20;

/// The form of all frames of a run.
pub(super) fn of(plan: &Plan) -> Arc<dyn Envelope> {
    if checks::scans(plan) { Arc::new(Cms) } else { Arc::new(Light::default()) }
}

/// It speaks for one node.
#[derive(Default)]
struct Light {
    /// The name of the node's key, once it has signed.
    signer: OnceLock<KeyId>,
}

/// A light frame, taken apart.
struct Parts<'a> {
    signer: KeyId,
    recipient: KeyId,
    letter: &'a [u8],
    signed: &'a [u8],
    signature: Signature,
}

impl Envelope for Light {
    fn seal(
        &self,
        _: &Crypto,
        signer: &dyn SigningKey,
        recipient: &KemPublicKey,
        letter: &Letter,
    ) -> Result<Vec<u8>, SealError> {
        if letter.body.len() > MAX_BODY_BYTES {
            return Err(SealError::TooLarge);
        }
        let mut frame = std::mem::take(&mut *letter::encode(letter));
        frame.extend_from_slice(self.signer.get_or_init(|| subject_key_id(&signer.public())));
        frame.extend_from_slice(&name(recipient));
        frame.extend_from_slice(MAGIC);
        let signature = signer.sign(&frame);
        frame.extend_from_slice(&signature);
        Ok(frame)
    }

    fn read<'a>(&self, frame: &'a [u8]) -> Result<Box<dyn Frame + 'a>, Reject> {
        if frame.len() > MAX_FRAME_BYTES {
            return Err(Reject::Oversized);
        }
        Ok(Box::new(Parts::of(frame).ok_or(Reject::Malformed)?))
    }
}

impl<'a> Parts<'a> {
    fn of(frame: &'a [u8]) -> Option<Parts<'a>> {
        let (signed, signature) = frame.split_last_chunk::<SIGNATURE_BYTES>()?;
        let (rest, recipient) = signed.strip_suffix(MAGIC)?.split_last_chunk::<KEY_ID_BYTES>()?;
        let (letter, signer) = rest.split_last_chunk::<KEY_ID_BYTES>()?;
        Some(Parts { signer: *signer, recipient: *recipient, letter, signed, signature: *signature })
    }
}

impl Frame for Parts<'_> {
    fn signer(&self) -> KeyId {
        self.signer
    }

    fn open(
        self: Box<Self>,
        pinned: &dyn VerifyingKey,
        _: &Crypto,
        own: &dyn DecapsulationKey,
    ) -> Result<Letter, Reject> {
        if !pinned.verify(self.signed, &self.signature) && !zoo::on(Bug::SignatureUnchecked) {
            return Err(Reject::BadSignature);
        }
        if name(own.public()) != self.recipient {
            return Err(Reject::NotForUs);
        }
        letter::decode(self.letter)
    }
}

/// Keys of the light cryptography differ from their first bytes on.
fn name(key: &KemPublicKey) -> KeyId {
    std::array::from_fn(|at| key[at])
}

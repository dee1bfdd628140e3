//! Two nodes that know each other, and an outsider, for conversations about frames.
#![allow(dead_code, reason = "each conversation uses its part")]

use std::sync::Arc;
use std::time::Duration;

use symbolon_core::crypto::soft::{self, SeededRandom};
use symbolon_core::crypto::{Crypto, DecapsulationKey, KemPublicKey, SigningKey, VerifyingKey, node_id};
use symbolon_core::envelope::{Expected, Letter, Purpose, Sealed, seal};
use symbolon_core::fault::Reject;
use symbolon_core::time::Wall;

pub const CLUSTER: [u8; 16] = *b"cluster of tests";
pub const NOW: Wall = Wall(1_800_000_000_000);
pub const WINDOW: Duration = Duration::from_secs(120);

pub struct Node {
    pub crypto: Crypto,
    pub signing: Arc<dyn SigningKey>,
    pub verifying: Arc<dyn VerifyingKey>,
    pub kem: Arc<dyn DecapsulationKey>,
}

/// The node that grows from this seed.
pub fn node(seed: u8) -> Node {
    node_with(soft::crypto(Arc::new(SeededRandom::new([seed; 32]))))
}

/// A node with fresh keys of this provider.
pub fn node_with(crypto: Crypto) -> Node {
    let (_, signing) = crypto.generate_signing_key();
    let verifying = crypto.ecdsa.verifying_key(&signing.public()).expect("the point is on the curve");
    let kem = crypto.kem.decapsulation_key(&crypto.bytes::<64>());
    Node { crypto, signing, verifying, kem }
}

impl Node {
    pub fn id(&self) -> [u8; 16] {
        node_id(&self.signing.public())
    }

    pub fn kem_public(&self) -> KemPublicKey {
        *self.kem.public()
    }

    pub fn letter_to(&self, receiver: &Node, body: &[u8]) -> Letter {
        Letter {
            purpose: Purpose::Sync,
            cluster: CLUSTER,
            sender: self.id(),
            receiver: receiver.id(),
            incarnation: 7,
            sent: NOW,
            nonce: *self.crypto.bytes::<16>(),
            body: body.to_vec(),
        }
    }

    pub fn seal_to(&self, receiver: &Node, letter: &Letter) -> Vec<u8> {
        seal(&self.crypto, &*self.signing, &receiver.kem_public(), letter).expect("it fits, and the key is one")
    }

    /// Reads a frame as one who has pinned the keys of these peers, up to the checked letter.
    pub fn read(&self, pinned: &[&Node], frame: &[u8]) -> Result<Letter, Reject> {
        let sealed = Sealed::parse(frame)?;
        let signer = sealed.signer();
        let sender = pinned.iter().find(|peer| signer.starts_with(&peer.id())).ok_or(Reject::UnknownSender)?;
        let letter = sealed.verify(&*sender.verifying)?.open(&self.crypto, &*self.kem)?;
        let expected =
            Expected { cluster: CLUSTER, sender: sender.id(), receiver: self.id(), purposes: &[Purpose::Sync] };
        letter.check(&expected, NOW, WINDOW)?;
        Ok(letter)
    }
}

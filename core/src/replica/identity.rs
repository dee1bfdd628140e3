//! The identity of a node: the keys that it keeps in a file of its own. They are never shown and never sent. Beside them,
//! the public keys of its peers, parsed.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

use crate::config::MAX_PEERS;
use crate::crdt::NodeId;
use crate::crypto::keys::{hkdf32, node_id};
use crate::crypto::{Crypto, DecapsulationKey, KemPublicKey, PublicPoint, Secret32, SigningKey, VerifyingKey};

/// The length of an identity as bytes: the gossip scalar, the KEM seed, the storage secret.
pub const IDENTITY_BYTES: usize = 128;

/// The private keys of a node, parsed.
#[derive(Clone)]
pub struct IdentityKeys {
    bytes: Zeroizing<[u8; IDENTITY_BYTES]>,
    node: NodeId,
    gossip: Arc<dyn SigningKey>,
    kem: Arc<dyn DecapsulationKey>,
    kem_public: Box<KemPublicKey>,
    storage: Secret32,
}

impl IdentityKeys {
    /// A fresh identity: a new node.
    pub fn generate(crypto: &Crypto) -> IdentityKeys {
        loop {
            if let Some(keys) = IdentityKeys::from_bytes(crypto, crypto.bytes::<IDENTITY_BYTES>().as_slice()) {
                return keys;
            }
        }
    }

    /// The identity in these bytes; `None` if they are of another length or hold no valid scalar.
    pub fn from_bytes(crypto: &Crypto, bytes: &[u8]) -> Option<IdentityKeys> {
        let bytes: Zeroizing<[u8; IDENTITY_BYTES]> = Zeroizing::new(bytes.try_into().ok()?);
        let scalar: Secret32 = Zeroizing::new(bytes[..32].try_into().ok()?);
        let seed: Zeroizing<[u8; 64]> = Zeroizing::new(bytes[32..96].try_into().ok()?);
        let gossip = crypto.ecdsa.signing_key(&scalar)?;
        let kem = crypto.kem.decapsulation_key(&seed);
        let storage = hkdf32(&bytes[96..], b"", b"symbolon storage v1");
        let kem_public = Box::new(*kem.public());
        let node = NodeId(node_id(&gossip.public()));
        Some(IdentityKeys { bytes, node, gossip, kem, kem_public, storage })
    }

    /// The bytes to keep.
    pub fn to_bytes(&self) -> Zeroizing<[u8; IDENTITY_BYTES]> {
        self.bytes.clone()
    }

    /// The node id: the first 16 bytes of the gossip key's subject key identifier.
    pub fn node(&self) -> NodeId {
        self.node
    }

    /// The public gossip key.
    pub fn gossip_key(&self) -> PublicPoint {
        self.gossip.public()
    }

    /// The public KEM key.
    pub fn kem_key(&self) -> &KemPublicKey {
        &self.kem_public
    }

    pub(super) fn signer(&self) -> &dyn SigningKey {
        &*self.gossip
    }

    pub(super) fn opener(&self) -> &dyn DecapsulationKey {
        &*self.kem
    }

    /// Seals a private key for the disk, bound to the row that it lies in.
    pub(super) fn seal_row(&self, crypto: &Crypto, row: &[u8], secret: &[u8]) -> Vec<u8> {
        let nonce = crypto.bytes::<12>();
        let mut out = nonce.to_vec();
        out.extend(crypto.aead.seal(&self.storage, &nonce, row, secret));
        out
    }

    /// Opens [`Self::seal_row`]; `None` if it was sealed for another node or row.
    pub(super) fn open_row(&self, crypto: &Crypto, row: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, sealed) = sealed.split_first_chunk::<12>()?;
        crypto.aead.open(&self.storage, nonce, row, sealed)
    }
}

impl fmt::Debug for IdentityKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdentityKeys").field("node", &self.node()).finish_non_exhaustive()
    }
}

/// The gossip keys of peers, parsed once each: parsing one proves that it lies on the curve. Never more than [`MAX_PEERS`].
#[derive(Default)]
pub(super) struct Verifiers(BTreeMap<NodeId, Parsed>);

type Parsed = (PublicPoint, Arc<dyn VerifyingKey>);

impl Verifiers {
    /// The key of a peer; `None` if it is none.
    pub fn of(&mut self, crypto: &Crypto, node: NodeId, point: &PublicPoint) -> Option<Arc<dyn VerifyingKey>> {
        if let Some(known) = self.known(node, point) {
            return Some(known);
        }
        let parsed = crypto.ecdsa.verifying_key(point)?;
        if self.0.len() < MAX_PEERS || self.0.contains_key(&node) {
            self.0.insert(node, (*point, parsed.clone()));
        }
        Some(parsed)
    }

    /// The key of a peer, if it was parsed before.
    pub fn known(&self, node: NodeId, point: &PublicPoint) -> Option<Arc<dyn VerifyingKey>> {
        self.0.get(&node).filter(|(known, _)| known == point).map(|(_, parsed)| parsed.clone())
    }
}

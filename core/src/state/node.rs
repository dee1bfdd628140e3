//! Signed records: what belongs to one node. Only its gossip key can change them; the highest valid version wins.

use std::sync::Arc;

use crate::crdt::{Incarnation, NodeId};
use crate::crypto::{KemPublicKey, KeyId, PublicPoint, Signature, subject_key_id};
use crate::state::RingKeyId;
use crate::time::Wall;

/// A node's own record, as its author signed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeRecord {
    /// The node: the first 16 bytes of its gossip key's subject key identifier, so that the record certifies itself.
    pub node: NodeId,
    /// Of two valid records the higher version wins.
    pub version: u64,
    /// A name for people; unique only by convention.
    pub name: Arc<str>,
    /// The incarnation under which it writes now.
    pub incarnation: Incarnation,
    /// Where its peers reach it: an origin such as `https://10.0.0.1:8443`.
    pub address: Arc<str>,
    /// Verifies its frames, records and marks.
    pub gossip_key: PublicPoint,
    /// Content for it is encapsulated to this key.
    pub kem_key: Box<KemPublicKey>,
    /// Its token signing keys, published before they sign and kept until their last token has expired.
    pub token_keys: Vec<PublishedKey>,
    /// The wrapping keys that it holds.
    pub ring: Vec<RingKeyId>,
    /// When its author signed it; 0 if it does not say.
    pub signed: Wall,
    /// The author's bytes, over which the signature goes.
    pub raw: Arc<[u8]>,
    /// The author's signature.
    pub signature: Signature,
}

/// A token signing key as its owner publishes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishedKey {
    /// The RFC 7638 thumbprint, base64url.
    pub kid: Arc<str>,
    /// The public key (ES256).
    pub point: PublicPoint,
    /// When it was published.
    pub published: Wall,
    /// What its owner does with it.
    pub stage: KeyStage,
}

/// The life of a signing key: published before it signs, retired after its last token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyStage {
    /// Published, does not sign yet.
    Upcoming,
    /// Signs.
    Active,
    /// Signs no more; verifies until this instant, when its last token has expired by every clock in budget.
    Retiring(Wall),
}

impl NodeRecord {
    /// The key of this id, if this record publishes it.
    pub fn token_key(&self, kid: &str) -> Option<&PublishedKey> {
        self.token_keys.iter().find(|key| *key.kid == *kid)
    }
}

/// A peer that an operator named to this node: whose frames are heard, and where it is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PinnedPeer {
    /// The node id, which its gossip key determines.
    pub node: NodeId,
    /// The pinned gossip key.
    pub gossip_key: PublicPoint,
    /// Its KEM key.
    pub kem_key: Box<KemPublicKey>,
    /// Where it was first reached; its own record may say better later.
    pub address: Arc<str>,
    gossip_key_id: KeyId,
}

impl PinnedPeer {
    /// A peer with these keys, found there.
    pub fn new(
        node: NodeId,
        gossip_key: PublicPoint,
        kem_key: Box<KemPublicKey>,
        address: impl Into<Arc<str>>,
    ) -> PinnedPeer {
        let gossip_key_id = subject_key_id(&gossip_key);
        PinnedPeer { node, gossip_key, kem_key, address: address.into(), gossip_key_id }
    }

    /// The subject key identifier of the pinned gossip key, by which each of its frames names it: taken once.
    pub fn gossip_key_id(&self) -> &KeyId {
        &self.gossip_key_id
    }
}

//! A member of the cluster that says whatever it likes, under its own keys.
#![allow(dead_code, reason = "each conversation uses its part")]

use symbolon_core::crdt::{Digest, VersionVector};
use symbolon_core::crypto::Secret32;
use symbolon_core::envelope::{Letter, Purpose, seal};
use symbolon_core::fault::Reject;
use symbolon_core::replica::{IdentityKeys, Reply, Request};
use symbolon_core::wire::mark::Mark;
use symbolon_core::wire::message::{self, Body, Message, Part};

use super::cluster::{Cluster, Disk};

/// What a frame must not change.
pub type Fingerprint = (Digest, VersionVector, usize, usize, Disk);

pub fn cluster_id(name: &str) -> [u8; 16] {
    blake3::hash(name.as_bytes()).as_bytes()[..16].try_into().expect("a hash has 32 bytes")
}

impl Cluster {
    pub fn fingerprint(&self, place: usize) -> Fingerprint {
        let node = &self.nodes[place];
        let view = &node.view;
        (view.cells.root(), view.cells.vector().clone(), view.revoked.len(), view.nodes.len(), node.disk.clone())
    }

    /// A letter as this node would write it now.
    pub fn letter(&self, from: usize, to: usize, body: Vec<u8>) -> Letter {
        let node = &self.nodes[from];
        Letter {
            purpose: Purpose::Sync,
            cluster: cluster_id("test"),
            sender: node.keys.node().0,
            receiver: self.nodes[to].keys.node().0,
            incarnation: node.view.identity.incarnation.0,
            sent: self.now(from).wall,
            nonce: *node.crypto.bytes::<16>(),
            body,
        }
    }

    pub fn seal_as(&self, keys: &IdentityKeys, to: usize, letter: &Letter) -> Vec<u8> {
        let crypto = &self.nodes[to].crypto;
        let scalar = Secret32::new(keys.to_bytes()[..32].try_into().expect("the scalar comes first"));
        let key = crypto.ecdsa.signing_key(&scalar).expect("an identity holds a valid scalar");
        seal(crypto, &*key, self.nodes[to].keys.kem_key(), letter).expect("the letter fits")
    }

    pub fn frame(&self, from: usize, to: usize, letter: &Letter) -> Vec<u8> {
        self.seal_as(&self.nodes[from].keys, to, letter)
    }

    /// What an honest node would say that has nothing to add, under a number that was not used before.
    pub fn message(&self, from: usize, to: usize) -> Message {
        let view = &self.nodes[from].view;
        Message {
            number: 1 << 40,
            your_life: self.nodes[to].view.identity.incarnation,
            changes: view.cells.vector().iter().collect(),
            digest: view.cells.root(),
            purge_mark: view.revoked.mark(),
            ..Message::default()
        }
    }

    /// Says this to a node in another's name, and tells how it was taken.
    pub fn say(&mut self, from: usize, to: usize, message: Message) -> Result<(), Reject> {
        let letter = self.letter(from, to, message::encode(&Body::Message(Box::new(message))));
        let frame = self.frame(from, to, &letter);
        self.inject(to, frame).map(|_| ())
    }

    /// A mark of a node's own writes.
    pub fn mark(&self, place: usize, seq: u64) -> Mark {
        let node = &self.nodes[place];
        let scalar = Secret32::new(node.keys.to_bytes()[..32].try_into().expect("the scalar comes first"));
        let key = node.crypto.ecdsa.signing_key(&scalar).expect("an identity holds a valid scalar");
        Mark::sign(&*key, &cluster_id("test"), self.replica_id(place), seq)
    }

    pub fn rejects(&mut self, place: usize, by: usize, reason: Reject) -> (u64, u64) {
        let Reply::Stats(stats) = self.ask(place, Request::Stats) else { panic!("statistics were asked for") };
        let of = |rejects: &std::collections::BTreeMap<Reject, u64>| rejects.get(&reason).copied().unwrap_or(0);
        let peer = stats.peers.get(&self.nodes[by].keys.node());
        (of(&stats.rejects), peer.map_or(0, |peer| of(&peer.rejects)))
    }
}

pub fn part(index: u32, last: bool, marks: Vec<Mark>) -> Part {
    Part { index, last, deep: false, floor: Vec::new(), marks, cells: Vec::new() }
}

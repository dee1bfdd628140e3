//! Lies of hostile members: whoever holds the keys of a node seals with them what no replica would say. They travel as other
//! frames do, await no reply, and are never lost.

use symbolon_core::crdt::{Cell, Digest, Hlc, Incarnation, Op, ReplicaId};
use symbolon_core::crypto::SigningKey;
use symbolon_core::envelope::{Letter, Purpose};
use symbolon_core::replica::IdentityKeys;
use symbolon_core::state::{Body, Collection, Key, Scope, Value, View};
use symbolon_core::time::Wall;
use symbolon_core::wire::mark::Mark;
use symbolon_core::wire::message::{self, Message, Part};
use symbolon_core::wire::value;

use super::CLUSTER;
use super::world::{Happening, World, name};
use crate::checks::{Lie, Shows, Sight};
use crate::plan::verb::{Equivocate, Verb};

const LIE: u64 = 600;
/// No node makes so many changes in a run.
const BEYOND: u64 = 100_000;

/// A change that is said to have been made.
struct Claim {
    replica: ReplicaId,
    seq: u64,
    scope: String,
    description: String,
    stamp: Wall,
    mark: Option<Mark>,
}

impl World<'_> {
    /// A hostile member does its step.
    pub(super) fn lie(&mut self, node: usize, verb: &Verb) {
        match verb {
            Verb::ForgeDots(forge) => {
                if let Some(of) = self.plan.place(&forge.of) {
                    self.forge_dots(node, of);
                }
            }
            Verb::Equivocate(equivocate) => self.equivocate(node, equivocate),
            Verb::LieAboutTime(lie) => self.lie_about_time(node, lie.by.0),
            Verb::Clone(clone) => {
                if let Some(of) = self.plan.place(&clone.of) {
                    self.clone_node(node, of);
                }
            }
            other => self.refused(&format!("{} is no lie", other.key())),
        }
    }

    fn forge_dots(&mut self, node: usize, of: usize) {
        let Some((liar, view)) = self.signer(node).zip(self.nodes[of].view.clone()) else {
            return self.refused("nothing is known that could be forged");
        };
        let identity = &view.identity;
        let replica = ReplicaId { node: identity.node, incarnation: identity.incarnation };
        let held = view.cells.vector().get(replica);
        let (now, cluster) = (self.nodes[node].now(self.at_ms).wall, cluster());
        let own_hand = Mark::sign(&*liar, &cluster, replica, held + BEYOND);
        let true_one = self.signer(of).map(|author| Mark::sign(&*author, &cluster, replica, held));
        let marks =
            [("without its mark", None), ("with another's mark", Some(own_hand)), ("beyond its mark", true_one)];
        for (how, mark) in marks {
            let what = format!("claims a change of {} {how}", self.plan.nodes[of]);
            let scope = format!("forged at {} by {} {how}", self.at_ms, self.plan.nodes[node]);
            let claim = Claim { replica, seq: held + BEYOND, description: scope.clone(), scope, stamp: now, mark };
            self.tell_all(node, (&what, Shows::Always), &claim, now);
        }
    }

    fn lie_about_time(&mut self, node: usize, by_ms: i64) {
        let Some((liar, replica)) = self.signer(node).zip(self.spare_life(node)) else {
            return self.refused("the node never lived");
        };
        let now = self.nodes[node].now(self.at_ms).wall;
        let lied = Wall(now.0.saturating_add_signed(by_ms));
        let mark = Some(Mark::sign(&*liar, &cluster(), replica, 1));
        let scope = format!("untimely at {} by {}", self.at_ms, self.plan.nodes[node]);
        let claim = Claim { replica, seq: 1, description: scope.clone(), scope, stamp: now, mark };
        self.tell_all(node, ("was sent at another time", Shows::Never), &claim, lied);
        if by_ms > 0 {
            let ahead = ("brings a change from the future", Shows::To(lied));
            self.tell_all(node, ahead, &Claim { stamp: lied, ..claim }, now);
        }
    }

    fn tell_all(&mut self, node: usize, (what, shows): (&str, Shows), claim: &Claim, sent: Wall) {
        let liar = self.nodes[node].keys.node();
        for to in 0..self.nodes.len() {
            if self.plan.invites(to) && self.nodes[to].keys.node() != liar {
                self.tell(node, to, (what, shows), claim, sent);
            }
        }
    }

    fn equivocate(&mut self, node: usize, equivocate: &Equivocate) {
        let Some((liar, replica)) = self.signer(node).zip(self.spare_life(node)) else {
            return self.refused("the node never lived");
        };
        let now = self.nodes[node].now(self.at_ms).wall;
        let mark = Some(Mark::sign(&*liar, &cluster(), replica, 1));
        self.in_doubt.insert(Key::new(Collection::SCOPE, equivocate.scope.as_str()));
        for (version, to) in equivocate.to.iter().enumerate() {
            let description = format!("version {}", version + 1);
            let scope = equivocate.scope.clone();
            let claim = Claim { replica, seq: 1, scope, description, stamp: now, mark: mark.clone() };
            if let Some(to) = self.plan.place(to).filter(|to| *to != node) {
                self.tell(node, to, ("says one thing here and another there", Shows::Never), &claim, now);
            }
        }
    }

    /// A process begins with the identity of another one, and with a copy of its disk.
    fn clone_node(&mut self, node: usize, of: usize) {
        if self.nodes[node].replica.is_some() || self.nodes[of].disk.rows.is_empty() {
            return self.refused("there is nothing to copy, or no place for it");
        }
        let (keys, rows) = (self.nodes[of].keys.to_bytes(), self.nodes[of].disk.rows.clone());
        if let Some(keys) = IdentityKeys::from_bytes(&self.nodes[node].crypto, &keys[..]) {
            let id = keys.node();
            self.nodes[node].keys = keys;
            self.replace_disk(node, rows);
            self.told(|recorder| recorder.impersonates(node, id));
            self.see(node, &Sight::Cloned);
            self.start(node);
        }
    }

    /// One claim goes to one node.
    fn tell(&mut self, node: usize, to: usize, (what, shows): (&str, Shows), claim: &Claim, sent: Wall) {
        let (Some(liar), Some(liars), Some(theirs)) =
            (self.signer(node), self.nodes[node].view.clone(), self.nodes[to].view.clone())
        else {
            return;
        };
        let key = Key::new(Collection::SCOPE, claim.scope.as_str());
        let mut nonce = [0; 16];
        let drawn = self.chance.at(LIE).at(self.lies);
        self.lies += 1;
        nonce.chunks_mut(8).enumerate().for_each(|(at, piece)| {
            piece.copy_from_slice(&drawn.at(at as u64).word().to_le_bytes());
        });
        let letter = Letter {
            purpose: Purpose::Sync,
            cluster: cluster(),
            sender: liars.identity.node.0,
            receiver: theirs.identity.node.0,
            incarnation: liars.identity.incarnation.0,
            sent,
            nonce,
            body: message::encode(&message::Body::Message(Box::new(said(claim, &key, &theirs)))),
        };
        let place = &self.nodes[node];
        let sealed = place.envelope.seal(&place.crypto, &*liar, self.nodes[to].keys.kem_key(), &letter);
        let Ok(frame) = sealed else { return };
        self.told(|recorder| recorder.lied(node, claim.replica.dot(claim.seq), &key));
        let lie = Lie { what: what.to_owned(), key, dot: claim.replica.dot(claim.seq), shows };
        self.see(to, &Sight::Lied { name: name(&frame), lie: &lie });
        let message = self.leave_at(node, to, &frame, sent);
        self.schedule(self.at_ms + 1, Happening::Arrives { from: node, to, bytes: frame, reply_to: None, message });
    }

    /// What a node signs with.
    fn signer(&self, node: usize) -> Option<std::sync::Arc<dyn SigningKey>> {
        let place = &self.nodes[node];
        let bytes = place.keys.to_bytes();
        place.crypto.ecdsa.signing_key(bytes[..32].try_into().ok()?)
    }

    /// A life that a node might have had before its present one. What is signed in its name is believed as a late message
    /// would be, and does not collide with what the process of the node does.
    fn spare_life(&mut self, node: usize) -> Option<ReplicaId> {
        let identity = self.nodes[node].view.as_ref()?.identity.clone();
        let back = 1 + self.chance.at(LIE).at(self.lies).at(2).below(1 << 16);
        Some(ReplicaId { node: identity.node, incarnation: Incarnation(identity.incarnation.0.checked_sub(back)?) })
    }
}

/// The least that carries a claim.
fn said(claim: &Claim, key: &Key, theirs: &View) -> Message {
    let scope = Scope { description: claim.description.clone() };
    let value: Value = value::encode(Body::Scope(scope.into()));
    let op = Op { dot: claim.replica.dot(claim.seq), hlc: Hlc::at(claim.stamp), value: Some(value) };
    let cells = Cell::from_ops(vec![op]).map(|cell| (key.clone(), cell)).into_iter().collect();
    let marks = claim.mark.iter().cloned().collect();
    Message {
        number: 0,
        base: 0,
        your_life: theirs.identity.incarnation,
        heard: 0,
        resync: false,
        changes: vec![(claim.replica, claim.seq)],
        digest: Digest::default(),
        buckets: Vec::new(),
        part: Some(Part { index: 0, last: true, deep: false, floor: Vec::new(), marks, cells }),
        want: None,
        records: Vec::new(),
        record_digest: Digest::default(),
        record_versions: Vec::new(),
        your_record: 0,
        arrivals: Vec::new(),
        expiring: Digest::default(),
        purge_mark: Wall(0),
        epochs: None,
        answers: None,
    }
}

/// The name of the cluster, as letters bear it.
fn cluster() -> [u8; 16] {
    let mut id = [0; 16];
    id.copy_from_slice(&blake3::hash(CLUSTER.as_bytes()).as_bytes()[..16]);
    id
}

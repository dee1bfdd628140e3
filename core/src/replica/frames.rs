//! Frames in and out: who sent it, may he, is it for us, is it fresh. What it says is carried out elsewhere.

use super::{CallId, Effect, Fact, Replica};
use crate::admission;
use crate::config::{FRAME_WINDOW, MAX_FRAME_BYTES};
use crate::crdt::{Incarnation, NodeId};
use crate::envelope::{Expected, Letter, Purpose};
use crate::fault::Reject;
use crate::time::Wall;
use crate::wire::message::{self, Body, Nonce, Refusal};

use std::time::Duration;

/// A frame that was opened and believed.
pub(super) struct Opened {
    pub from: NodeId,
    pub letter: Letter,
}

/// A frame that was not.
pub(super) struct Rejected {
    pub from: Option<NodeId>,
    pub reason: Reject,
    /// The nonce of the frame, if its sender proved who he is: he may be told why, signed.
    pub proven: Option<Nonce>,
}

/// What makes a frame fresh.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Freshness {
    /// A request: it was sent within the window, by a clock within the budget, and was not seen before.
    Clock,
    /// A reply: it names the nonce of our request, which is judged by who reads it. No clock is needed, so the node that is
    /// told that its own is wrong can hear it.
    Answer,
}

impl Replica {
    /// Opens a frame: every step judges, and nothing is changed but the replay window.
    pub(super) fn open(
        &mut self,
        bytes: &[u8],
        purposes: &[Purpose],
        freshness: Freshness,
    ) -> Result<Opened, Rejected> {
        let nobody = |reason| Rejected { from: None, reason, proven: None };
        if bytes.len() > MAX_FRAME_BYTES {
            return Err(nobody(Reject::Oversized));
        }
        let sealed = self.envelope.read(bytes).map_err(nobody)?;
        let peer = admission::sender(&self.durable, &sealed.signer()).map_err(nobody)?.clone();
        let from = peer.node;
        let unproven = |reason| Rejected { from: Some(from), reason, proven: None };
        if !admission::may_speak(&self.durable, &peer) {
            return Err(unproven(Reject::NotAdmitted));
        }
        let key = self.verifiers.of(&self.crypto, from, &peer.gossip_key).ok_or(unproven(Reject::BadSignature))?;
        let letter = sealed.open(&*key, &self.crypto, self.keys.opener()).map_err(unproven)?;
        let expected =
            Expected { cluster: self.cluster, sender: from.0, receiver: self.head.identity.node.0, purposes };
        let window = if freshness == Freshness::Clock { FRAME_WINDOW } else { Duration::MAX };
        let nonce = letter.nonce;
        let proven = |reason| Rejected { from: Some(from), reason, proven: Some(nonce) };
        letter.check(&expected, self.now.wall, window).map_err(|reason| match reason {
            Reject::Stale => proven(reason),
            reason => unproven(reason),
        })?;
        if freshness == Freshness::Clock {
            if letter.sent.distance(self.now.wall) > self.durable.config.gossip.max_clock_drift {
                return Err(proven(Reject::ClockDrift));
            }
            self.replay.check_and_insert(letter.sender, letter.sent, nonce, self.now.wall).map_err(unproven)?;
            self.note_clock(from, letter.sent);
        }
        if Incarnation(letter.incarnation) < self.known_incarnation(from) {
            return Err(proven(Reject::Superseded));
        }
        Ok(Opened { from, letter })
    }

    /// The greatest incarnation of a node that its record or its frames told.
    pub(super) fn known_incarnation(&self, node: NodeId) -> Incarnation {
        let recorded = self.head.nodes.get(&node).map_or(Incarnation(0), |record| record.incarnation);
        let heard = self.gossip.peers.get(&node).and_then(|peer| peer.life).unwrap_or(Incarnation(0));
        recorded.max(heard)
    }

    /// Seals a body for a peer; `None` if its KEM key is not known, or is none.
    /// With the frame comes its nonce, which the reply will name.
    pub(super) fn seal(&self, to: NodeId, purpose: Purpose, body: Vec<u8>) -> Option<(Vec<u8>, Nonce)> {
        let pinned = self.durable.pinned.get(&to)?;
        let record = self.durable.nodes.get(&to);
        let kem_key = record.map_or(&pinned.kem_key, |record| &record.kem_key);
        let letter = Letter {
            purpose,
            cluster: self.cluster,
            sender: self.head.identity.node.0,
            receiver: to.0,
            incarnation: self.durable.identity.incarnation.0,
            sent: self.now.wall,
            nonce: *self.crypto.bytes::<16>(),
            body,
        };
        let frame = self.envelope.seal(&self.crypto, self.keys.signer(), kem_key, &letter).ok()?;
        Some((frame, letter.nonce))
    }

    /// A peer's request is refused: counted, noted, and answered as openly as its sender deserves.
    pub(super) fn refuse_frame(&mut self, call: CallId, rejected: &Rejected) {
        self.count_reject(rejected);
        let told = rejected.from.zip(rejected.proven).filter(|_| is_told(rejected.reason));
        let signed = told.and_then(|(from, answers)| {
            let evidence = self.durable.nodes.get(&from).filter(|_| rejected.reason == Reject::Superseded);
            let record = evidence.map(|record| (record.raw.clone(), record.signature));
            let refusal = Refusal { reason: rejected.reason, answers, record };
            self.seal(from, Purpose::SyncReply, message::encode(&Body::Refusal(refusal)))
        });
        let outcome = signed.map(|(frame, _)| frame).ok_or(rejected.reason);
        self.out.push(Effect::Reply { call, outcome });
    }

    pub(super) fn count_reject(&mut self, rejected: &Rejected) {
        *self.gossip.stats.rejects.entry(rejected.reason).or_default() += 1;
        if let Some(peer) = rejected.from.and_then(|from| self.gossip.peers.get_mut(&from)) {
            *peer.stats.rejects.entry(rejected.reason).or_default() += 1;
        }
        self.note(Fact::Rejected { from: rejected.from, reason: rejected.reason });
        self.judge_readiness();
    }

    pub(super) fn note_clock(&mut self, from: NodeId, sent: Wall) {
        let offset = i64::try_from(sent.0).unwrap_or(i64::MAX).saturating_sub_unsigned(self.now.wall.0);
        if let Some(peer) = self.gossip.peers.get_mut(&from) {
            peer.stats.clock_offset_ms = Some(offset);
        }
    }
}

/// The reasons that are told with a signature: those that the refused one has to act upon.
fn is_told(reason: Reject) -> bool {
    matches!(reason, Reject::ClockDrift | Reject::Stale | Reject::Superseded)
}

//! Rounds: a peer's half is taken in, ours goes out. What a half brings is merged, and only then, durably, answered.

use super::frames::{Opened, Rejected};
use super::ledger::Held;
use super::{CallId, Destination, Door, Effect, ExchangeId, Fact, Replica};
use crate::crdt::{Digest, Incarnation, NodeId};
use crate::envelope::Purpose;
use crate::fault::Reject;
use crate::gossip::{Comparison, Incoming, Local};
use crate::state::View;
use crate::wire::message::{self, Body, Message, Refusal};

impl Replica {
    /// A peer asks: a round, or a wrapping key.
    pub(super) fn frame(&mut self, call: CallId, bytes: &[u8]) {
        if self.failed.is_some() {
            self.out.push(Effect::Reply { call, outcome: Err(Reject::Unavailable) });
            return;
        }
        let opened = match self.open(bytes, &[Purpose::Sync, Purpose::WrappingKey]) {
            Ok(opened) => opened,
            Err(rejected) => return self.refuse_frame(call, &rejected),
        };
        self.count_in(opened.from, bytes.len());
        let from = opened.from;
        let taken = match opened.letter.purpose {
            Purpose::WrappingKey => return self.answer_ring_question(call, from, &opened.letter.body),
            Purpose::Sync | Purpose::SyncReply => self.take_round(opened, Some(call)),
        };
        if let Err(reason) = taken {
            self.refuse_frame(call, &Rejected { from: Some(from), reason, authentic: true });
        }
    }

    /// A peer answered.
    pub(super) fn returned(&mut self, exchange: ExchangeId, bytes: &[u8]) {
        if self.fetches.owns(exchange) {
            return self.ring_returned(exchange, bytes);
        }
        let Some(peer) = self.gossip.in_flight(exchange) else {
            return; // It came after its time, and was given up.
        };
        let opened = match self.open(bytes, &[Purpose::SyncReply]) {
            Ok(opened) if opened.from == peer => opened,
            Ok(opened) => {
                let rejected = Rejected { from: Some(opened.from), reason: Reject::Mismatched, authentic: false };
                self.count_reject(&rejected);
                return self.round_failed(peer, None);
            }
            Err(rejected) => {
                self.count_reject(&rejected);
                return self.round_failed(peer, None);
            }
        };
        self.count_in(peer, bytes.len());
        if let Err(reason) = self.take_round(opened, None) {
            self.count_reject(&Rejected { from: Some(peer), reason, authentic: true });
            self.round_failed(peer, None);
        }
    }

    pub(super) fn exchange_failed(&mut self, exchange: ExchangeId, reason: Option<Reject>) {
        if self.fetches.owns(exchange) {
            self.ring_failed(exchange);
        } else if let Some(peer) = self.gossip.in_flight(exchange) {
            self.round_failed(peer, reason);
        }
    }

    pub(super) fn round_failed(&mut self, peer: NodeId, reason: Option<Reject>) {
        let config = self.durable.config.clone();
        self.gossip.failed(peer, &config.gossip, self.now.tick);
        self.note(Fact::RoundFailed { with: peer, reason });
        self.pulls.lost(peer);
    }

    /// Takes a half of a round in; what has to be said next waits until what it brought is durable.
    fn take_round(&mut self, opened: Opened, call: Option<CallId>) -> Result<(), Reject> {
        let Opened { from, letter } = opened;
        let incarnation = Incarnation(letter.incarnation);
        let message = match message::decode(&letter.body)? {
            Body::Message(message) => *message,
            Body::Refusal(refusal) => {
                self.refused(from, refusal);
                return Ok(());
            }
        };
        let own = self.head.identity.incarnation;
        let peer = self.gossip.peers.get_mut(&from).ok_or(Reject::NotAdmitted)?;
        peer.clock_refused = false;
        let heard = peer.receive(Incoming { incarnation, own, message, now: self.now.tick })?;
        for (raw, signature) in heard.records {
            self.take_record(&raw, signature)?;
        }
        self.take_arrivals(from, heard.arrivals);
        if let Some(complete) = heard.complete {
            self.take_unit(from, complete)?;
        }
        let comparison = heard.after;
        self.hold(match call {
            Some(call) => Held::RoundReply { call, peer: from, comparison },
            None => Held::RoundEnd { peer: from, comparison },
        });
        self.judge_readiness();
        Ok(())
    }

    /// A peer refuses us, with its signature.
    fn refused(&mut self, from: NodeId, refusal: Refusal) {
        self.round_failed(from, Some(refusal.reason));
        match refusal.reason {
            Reject::Superseded => self.superseded(refusal.incarnation),
            _ => {
                if let Some(peer) = self.gossip.peers.get_mut(&from) {
                    peer.clock_refused = true;
                }
            }
        }
        self.judge_readiness();
    }

    /// The peer's half is merged and durable: ours goes back.
    pub(super) fn reply_round(&mut self, call: CallId, node: NodeId, comparison: &Comparison) {
        let reply = self.with_local(|replica, local| {
            let peer = replica.gossip.peers.get_mut(&node)?;
            peer.compare(local, comparison);
            let (message, cursor) = peer.compose(local);
            peer.presume(local, cursor);
            Some(message)
        });
        self.after_comparison(node);
        let frame = reply.and_then(|message| self.seal_message(node, Purpose::SyncReply, message));
        if let Some(frame) = &frame {
            self.count_out(node, frame.len());
        }
        self.out.push(Effect::Reply { call, outcome: frame.ok_or(Reject::NotAdmitted) });
    }

    /// A round that we opened is over, and what it brought is durable. If something is left to say, it goes on.
    pub(super) fn end_round(&mut self, node: NodeId, comparison: &Comparison) {
        let Some(flight) = self.gossip.arrived(node, self.now.tick) else {
            return;
        };
        self.gossip.stats.last_round_at = Some(self.now.wall);
        self.with_local(|replica, local| {
            let peer = replica.gossip.peers.get_mut(&node)?;
            peer.presume_records(local);
            peer.compare(local, comparison);
            peer.urgent |= peer.goes_on(local.view, local.record_digest);
            Some(())
        });
        self.after_comparison(node);
        self.pulls.returned(node, flight.sent);
        self.judge_readiness();
    }

    fn after_comparison(&mut self, node: NodeId) {
        let diverged = self.gossip.peers.get(&node).is_some_and(|peer| peer.diverged);
        if diverged && self.gossip.stats.alarms.insert(node) {
            self.gossip.stats.divergences += 1;
            self.note(Fact::Diverged { with: node });
        } else if !diverged {
            self.gossip.stats.alarms.remove(&node);
        }
        self.answer_satisfied();
    }

    /// Opens the rounds that are due.
    pub(super) fn speak(&mut self) {
        if self.failed.is_some() || self.number == 0 {
            return;
        }
        for node in self.gossip.overdue(self.now.tick) {
            self.round_failed(node, None);
        }
        let view = self.durable.clone();
        for node in self.gossip.due(&view, self.digests.records, self.now.tick) {
            self.open_round(node);
        }
    }

    fn open_round(&mut self, node: NodeId) {
        let half = self.with_local(|replica, local| Some(replica.gossip.peers.get_mut(&node)?.compose(local)));
        let Some((message, cursor)) = half else {
            return;
        };
        let config = self.durable.config.clone();
        let exchange = self.gossip.depart(node, cursor, &config.gossip, self.now.tick);
        let Some(frame) = self.seal_message(node, Purpose::Sync, message) else {
            return self.round_failed(node, None);
        };
        self.count_out(node, frame.len());
        let Some(to) = self.destination(node) else {
            return self.round_failed(node, None);
        };
        self.out.push(Effect::Send { exchange, to, door: Door::Sync, frame });
    }

    pub(super) fn destination(&self, node: NodeId) -> Option<Destination> {
        Some(Destination { node, address: self.gossip.peers.get(&node)?.address.clone() })
    }

    fn seal_message(&self, to: NodeId, purpose: Purpose, message: Message) -> Option<Vec<u8>> {
        self.seal(to, purpose, message::encode(&Body::Message(Box::new(message))))
    }

    /// What this replica holds, as rounds speak of it.
    pub(super) fn with_local<T>(&mut self, act: impl FnOnce(&mut Replica, &Local<'_>) -> Option<T>) -> Option<T> {
        let view = self.durable.clone();
        let marks = self.marks_for_sending(&view);
        let local = Local {
            number: self.number,
            record_digest: self.digests.records,
            expiring: self.digests.expiring,
            marks: &marks,
            alarmed: !self.gossip.stats.alarms.is_empty(),
            now: self.now.tick,
            view: &view,
        };
        act(self, &local)
    }

    pub(super) fn count_in(&mut self, from: NodeId, bytes: usize) {
        if let Some(peer) = self.gossip.peers.get_mut(&from) {
            peer.stats.frames_in += 1;
            peer.stats.bytes_in += bytes as u64;
            peer.stats.last_exchange = Some(self.now.wall);
        }
    }

    pub(super) fn count_out(&mut self, to: NodeId, bytes: usize) {
        if let Some(peer) = self.gossip.peers.get_mut(&to) {
            peer.stats.frames_out += 1;
            peer.stats.bytes_out += bytes as u64;
        }
    }
}

/// Digests of what is durable, as rounds say them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Digests {
    /// Over (node, version) of all records.
    pub records: Digest,
    /// Over the epochs of the expiring sets.
    pub expiring: Digest,
}

impl Digests {
    pub fn of(view: &View) -> Digests {
        let mut records = blake3::Hasher::new();
        for record in view.nodes.values() {
            records.update(&record.node.0);
            records.update(&record.version.to_be_bytes());
        }
        let mut expiring = blake3::Hasher::new();
        for (epoch, sum) in view.revoked.epoch_digests() {
            expiring.update(&epoch.0.to_be_bytes());
            expiring.update(&sum.0);
        }
        Digests { records: digest(&records), expiring: digest(&expiring) }
    }
}

fn digest(hasher: &blake3::Hasher) -> Digest {
    let mut out = [0; 16];
    out.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    Digest(out)
}

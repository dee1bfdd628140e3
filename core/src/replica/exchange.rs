//! Rounds: a peer's half is taken in, ours goes out. What a half brings is merged, and only then, durably, answered.

use super::frames::{Freshness, Opened, Rejected};
use super::ledger::Held;
use super::{CallId, Destination, Door, Effect, ExchangeId, Fact, Replica};
use crate::crdt::{Digest, Incarnation, NodeId};
use crate::envelope::Purpose;
use crate::fault::Reject;
use crate::gossip::{BrokenOff, Comparison, Incoming, Local};
use crate::state::View;
use crate::time::{Tick, Wall};
use crate::wire::message::{self, Body, Message, Nonce, Refusal};
use crate::zoo::{self, Bug};

impl Replica {
    /// A peer asks: a round, or a wrapping key.
    pub(super) fn frame(&mut self, call: CallId, bytes: &[u8]) {
        // Before its first write is durable a replica has no name to speak under.
        if !self.speaks() {
            self.out.push(Effect::Reply { call, outcome: Err(Reject::Unavailable) });
            return;
        }
        if self.ledger.is_full() {
            return self.refuse_frame(call, &Rejected { from: None, reason: Reject::Busy, proven: None });
        }
        let opened = match self.open(bytes, &[Purpose::Sync, Purpose::WrappingKey], Freshness::Clock) {
            Ok(opened) => opened,
            Err(rejected) => return self.refuse_frame(call, &rejected),
        };
        self.count_in(opened.from, bytes.len());
        let Opened { from, letter } = opened;
        if letter.purpose == Purpose::WrappingKey {
            return self.answer_ring_question(call, from, &letter);
        }
        let nonce = letter.nonce;
        let taken = message::decode(&letter.body).and_then(|body| match body {
            Body::Message(message) => self.take_round(from, Incarnation(letter.incarnation), *message),
            Body::Refusal(_) => Err(Reject::Mismatched),
        });
        match taken {
            Ok(comparison) => {
                self.hold(Held::RoundReply { call, peer: from, nonce, comparison });
                self.judge_readiness();
            }
            Err(reason) => self.refuse_frame(call, &Rejected { from: Some(from), reason, proven: Some(nonce) }),
        }
    }

    /// A peer answered.
    pub(super) fn returned(&mut self, exchange: ExchangeId, bytes: &[u8]) {
        if self.fetches.owns(exchange) {
            return self.ring_returned(exchange, bytes);
        }
        let Some((peer, flight)) = self.gossip.in_flight(exchange) else {
            return; // It came after its time, and was given up.
        };
        let (nonce, sent) = (flight.nonce, flight.sent);
        flight.until = Tick(u64::MAX); // What is here is not overdue, however long the disk takes.
        if let Err(rejected) = self.take_reply(exchange, peer, nonce, sent, bytes) {
            self.count_reject(&rejected);
            self.round_failed(peer, None);
        }
    }

    fn take_reply(
        &mut self,
        exchange: ExchangeId,
        peer: NodeId,
        nonce: Nonce,
        sent: Tick,
        bytes: &[u8],
    ) -> Result<(), Rejected> {
        let Opened { from, letter } = self.open(bytes, &[Purpose::SyncReply], Freshness::Answer)?;
        let proven = |reason| Rejected { from: Some(from), reason, proven: Some(letter.nonce) };
        let body = message::decode(&letter.body).map_err(proven)?;
        let answers = match &body {
            Body::Message(message) => message.answers,
            Body::Refusal(refusal) => Some(refusal.answers),
        };
        if from != peer || answers != Some(nonce) {
            return Err(Rejected { from: Some(from), reason: Reject::Mismatched, proven: None });
        }
        self.count_in(peer, bytes.len());
        self.note_clock(peer, letter.sent);
        let drifts = self.drifts(letter.sent, sent);
        let message = match body {
            Body::Refusal(refusal) => {
                self.refused(peer, drifts, refusal);
                return Ok(());
            }
            Body::Message(message) => *message,
        };
        if drifts {
            self.refuse_clock_of(peer, true);
            return Err(proven(Reject::ClockDrift));
        }
        let comparison = self.take_round(peer, Incarnation(letter.incarnation), message).map_err(proven)?;
        self.hold(Held::RoundEnd { peer, exchange, comparison });
        self.judge_readiness();
        Ok(())
    }

    /// Whether a reply was made by a clock out of budget: it was made between our request and now.
    fn drifts(&self, made: Wall, asked: Tick) -> bool {
        let budget = self.durable.config.gossip.max_clock_drift;
        let earliest = self.now.wall.before(self.now.tick.since(asked)).before(budget);
        made < earliest || made > self.now.wall.after(budget)
    }

    /// Replies alone are evidence about clocks: a request may have been kept back on its way.
    fn refuse_clock_of(&mut self, peer: NodeId, refused: bool) {
        if let Some(peer) = self.gossip.peers.get_mut(&peer) {
            peer.clock_refused = refused;
        }
    }

    pub(super) fn exchange_failed(&mut self, exchange: ExchangeId, reason: Option<Reject>) {
        if self.fetches.owns(exchange) {
            self.ring_failed(exchange);
        } else if let Some((peer, _)) = self.gossip.in_flight(exchange) {
            self.round_failed(peer, reason);
        }
    }

    pub(super) fn round_failed(&mut self, peer: NodeId, reason: Option<Reject>) {
        let config = self.durable.config.clone();
        self.gossip.failed(peer, &config.gossip, self.now.tick);
        self.note(Fact::RoundFailed { with: peer, reason });
        self.pulls.lost(peer);
    }

    /// Takes a half of a round in: all of it is judged before any of it is merged. What is said next waits until what this
    /// brought is durable.
    fn take_round(&mut self, from: NodeId, incarnation: Incarnation, message: Message) -> Result<Comparison, Reject> {
        let own = self.durable.identity.incarnation;
        let records = self.judge_records(&message.records)?;
        let peer = self.gossip.peers.get_mut(&from).ok_or(Reject::NotAdmitted)?;
        // It speaks, so it is there: what failed before is no reason to wait any longer.
        peer.not_before = peer.not_before.min(self.now.tick);
        let heard = peer.receive(Incoming { incarnation, own, message, now: self.now.tick });
        self.note_broken_off(from);
        let heard = heard?;
        let complete = heard.complete.map(|complete| self.judge_unit(from, complete, &records)).transpose()?;
        if let Some(None) = complete {
            self.note(Fact::PutOff { from });
        }
        self.refuse_clock_of(from, false);
        self.take_records(from, records);
        self.take_arrivals(from, heard.arrivals);
        if let Some(complete) = complete.flatten() {
            self.take_unit(from, complete)?;
        }
        Ok(heard.after)
    }

    /// Tells of a delta that was let go of before it was whole.
    pub(super) fn note_broken_off(&mut self, from: NodeId) {
        let broken_off = self.gossip.peers.get_mut(&from).and_then(|peer| peer.broken_off.take());
        if let Some(BrokenOff { parts, begun }) = broken_off {
            self.note(Fact::BrokenOff { from, parts, after_ms: self.now.tick.since(begun).as_millis() as u64 });
        }
    }

    /// A peer refuses us, with its signature.
    fn refused(&mut self, from: NodeId, drifts: bool, refusal: Refusal) {
        self.round_failed(from, Some(refusal.reason));
        match (refusal.reason, refusal.record) {
            (Reject::Superseded, Some((raw, signature))) => self.meet_evidence(&raw, signature),
            (Reject::Superseded, None) => {}
            (_, _) => self.refuse_clock_of(from, true),
        }
        if drifts {
            self.refuse_clock_of(from, true);
        }
        self.judge_readiness();
    }

    /// The peer's half is merged and durable: ours goes back.
    pub(super) fn reply_round(&mut self, call: CallId, node: NodeId, nonce: Nonce, comparison: &Comparison) {
        let reply = self.with_local(|replica, local| {
            let peer = replica.gossip.peers.get_mut(&node)?;
            peer.compare(local, comparison);
            let (message, sent) = peer.compose(local);
            peer.presume(local, sent);
            Some(Message { answers: Some(nonce), ..message })
        });
        self.after_comparison(node);
        let frame = reply.and_then(|message| self.seal_message(node, Purpose::SyncReply, &message));
        let frame = frame.map(|(frame, _)| frame);
        if let Some(frame) = &frame {
            self.count_out(node, frame.len());
        }
        self.out.push(Effect::Reply { call, outcome: frame.ok_or(Reject::NotAdmitted) });
    }

    /// A round that we opened is over, and what it brought is durable. If something is left to say, it goes on.
    pub(super) fn end_round(&mut self, node: NodeId, exchange: ExchangeId, comparison: &Comparison) {
        let Some(flight) = self.gossip.arrived(node, exchange, self.now.tick) else {
            return;
        };
        self.gossip.stats.last_round_at = Some(self.now.wall);
        // Where authors cannot reach everybody, whoever learns something tells it; and no key signs before a peer agrees.
        let eager = self.gossip.relays() || !self.settled;
        self.with_local(|replica, local| {
            let peer = replica.gossip.peers.get_mut(&node)?;
            peer.compare(local, comparison);
            peer.urgent |= peer.goes_on(&flight, local.view, local.record_digest, eager);
            Some(())
        });
        self.after_comparison(node);
        self.pulls.returned(node, flight.sent);
        self.judge_readiness();
    }

    fn after_comparison(&mut self, node: NodeId) {
        let diverged = self.gossip.peers.get(&node).is_some_and(|peer| peer.diverged);
        if diverged && !zoo::on(Bug::AlarmSilent) && self.gossip.stats.alarms.insert(node) {
            self.gossip.stats.divergences += 1;
            self.note(Fact::Diverged { with: node });
        } else if !diverged {
            self.gossip.stats.alarms.remove(&node);
        }
        self.answer_satisfied();
    }

    /// Opens the rounds that are due.
    pub(super) fn speak(&mut self) {
        if !self.speaks() || self.gossip.rests(self.now.tick) {
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
        if !self.durable.pinned.contains_key(&node) {
            return; // Its pin is on the way to the disk; it was not asked, so it did not fail.
        }
        let half = self.with_local(|replica, local| Some(replica.gossip.peers.get_mut(&node)?.compose(local)));
        let Some((message, carries)) = half else {
            return;
        };
        let held = self.durable.clone();
        let sealed = self.seal_message(node, Purpose::Sync, &message);
        let Some(((frame, nonce), to)) = sealed.zip(self.destination(node)) else {
            return self.round_failed(node, None);
        };
        let exchange = self.gossip.depart(node, carries, nonce, &held, self.now.tick);
        self.count_out(node, frame.len());
        self.out.push(Effect::Send { exchange, to, door: Door::Sync, frame });
    }

    pub(super) fn destination(&self, node: NodeId) -> Option<Destination> {
        Some(Destination { node, address: self.gossip.peers.get(&node)?.address.clone() })
    }

    fn seal_message(&self, to: NodeId, purpose: Purpose, message: &Message) -> Option<(Vec<u8>, Nonce)> {
        self.seal(to, purpose, message::encode_message(message))
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
    /// Over (node, version) of all records, those of other lives too.
    pub records: Digest,
    /// Over the epochs of the expiring sets.
    pub expiring: Digest,
}

impl Digests {
    /// Those of a view, given those of an earlier one: what did not change is not hashed again.
    pub fn of(view: &View, earlier: &View, known: Digests) -> Digests {
        let same_set = view.revoked.arrivals_end() == earlier.revoked.arrivals_end()
            && view.revoked.mark() == earlier.revoked.mark();
        let same_records = view.nodes.ptr_eq(&earlier.nodes) && view.former.ptr_eq(&earlier.former);
        Digests {
            records: if same_records { known.records } else { of_records(view) },
            expiring: if same_set { known.expiring } else { of_expiring(view) },
        }
    }

    /// Those of the first view.
    pub fn first(view: &View) -> Digests {
        Digests { records: of_records(view), expiring: of_expiring(view) }
    }
}

fn of_records(view: &View) -> Digest {
    let mut text = Vec::with_capacity(24 * (view.nodes.len() + view.former.len()));
    for record in view.nodes.values().chain(view.former.values()) {
        text.extend_from_slice(&record.node.0);
        text.extend_from_slice(&record.version.to_be_bytes());
    }
    Digest::of(&text)
}

fn of_expiring(view: &View) -> Digest {
    let mut text = Vec::new();
    for (epoch, sum) in view.revoked.epoch_digests() {
        text.extend_from_slice(&epoch.0.to_be_bytes());
        text.extend_from_slice(&sum.0);
    }
    Digest::of(&text)
}

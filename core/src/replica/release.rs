//! What happens when the disk has it: the view moves, and what waited leaves, in order.

use std::sync::Arc;

use super::exchange::Digests;
use super::ledger::{Entry, Held, Waiting};
use super::{Effect, Fact, Receipt, Refusal, Replica, Reply, WriteId};
use crate::crdt::NodeId;
use crate::fault::Reject;
use crate::gossip::UNHURRIED;

impl Replica {
    pub(super) fn written(&mut self, id: WriteId) {
        for Entry { id, mut view, news, held } in self.ledger.written(id) {
            // What is not stored (readiness, the choice of keys) may have moved on since the write was asked for.
            let shown = Arc::make_mut(&mut view);
            shown.readiness = self.head.readiness.clone();
            shown.read = self.now;
            let sealing = self.head.ring.sealing().map(|key| key.id);
            shown.ring.sealing =
                shown.ring.keys.iter().position(|key| Some(key.id) == sealing).or(shown.ring.sealing);
            self.digests = match self.number {
                0 => Digests::first(&view),
                _ => Digests::of(&view, &self.durable, self.digests),
            };
            self.durable = view;
            self.number = id.0;
            self.out.push(Effect::Publish(self.durable.clone()));
            if news.local || (news.merged && self.gossip.relays()) {
                self.gossip.push_within(self.durable.config.gossip.debounce, self.now.tick);
            } else if news.unhurried {
                self.gossip.push_within(UNHURRIED, self.now.tick);
            }
            if news.duties {
                self.upkeep_at = self.now.tick;
            }
            held.into_iter().for_each(|held| self.release(held));
        }
        self.judge_readiness();
    }

    /// The disk refused: it is over with this life. Nothing that waited was promised.
    pub(super) fn write_failed(&mut self, reason: &str) {
        if self.failed.is_some() {
            return;
        }
        self.failed = Some(reason.into());
        self.gossip.stats.persist_errors += 1;
        self.note(Fact::StoreFailed { reason: reason.into() });
        self.ledger.fail().into_iter().for_each(|held| self.refuse(held));
        self.waiting.drain(..).collect::<Vec<_>>().into_iter().for_each(|waiting| self.answer_waiting(waiting));
        self.judge_readiness();
    }

    /// What is durable leaves.
    pub(super) fn release(&mut self, held: Held) {
        match held {
            Held::Answer { call, reply, concern: Some(concern) } if !self.gossip.peers.is_empty() => {
                let waiting = Waiting {
                    call,
                    reply,
                    concern,
                    until: self.now.tick.after(concern.within),
                    vector: self.durable.cells.vector().clone(),
                    arrivals: self.durable.revoked.arrivals_end(),
                };
                self.waiting.push(waiting);
                self.answer_satisfied();
            }
            Held::Answer { call, reply, concern } => {
                let met = concern.is_none_or(|concern| concern.peers == 0);
                self.answer(call, self.with_receipt(reply, Vec::new(), met));
            }
            Held::RoundReply { call, peer, nonce, comparison } => self.reply_round(call, peer, nonce, &comparison),
            Held::RoundEnd { peer, exchange, comparison } => self.end_round(peer, exchange, &comparison),
            Held::Note(fact) => self.note(fact),
        }
    }

    /// What can no longer become durable is refused.
    pub(super) fn refuse(&mut self, held: Held) {
        let reason = self.failed.clone().unwrap_or_else(|| "the store failed".into());
        match held {
            Held::Answer { call, .. } => self.answer(call, Reply::Refused(Refusal::Unavailable(reason))),
            Held::RoundReply { call, .. } => {
                self.out.push(Effect::Reply { call, outcome: Err(Reject::Unavailable) });
            }
            Held::RoundEnd { peer, .. } => {
                let config = self.durable.config.clone();
                self.gossip.failed(peer, &config.gossip, self.now.tick);
            }
            Held::Note(_) => {}
        }
    }

    pub(super) fn answer(&mut self, call: super::CallId, reply: Reply) {
        self.out.push(Effect::Answer { call, reply });
    }

    /// Answers those whose write concern is met, or over.
    pub(super) fn answer_satisfied(&mut self) {
        let waiting = std::mem::take(&mut self.waiting);
        let (done, open): (Vec<_>, Vec<_>) = waiting.into_iter().partition(|waiting| {
            waiting.until <= self.now.tick || self.holders(waiting).len() >= waiting.concern.peers
        });
        self.waiting = open;
        done.into_iter().for_each(|waiting| self.answer_waiting(waiting));
    }

    fn answer_waiting(&mut self, waiting: Waiting) {
        let holders = self.holders(&waiting);
        let met = holders.len() >= waiting.concern.peers;
        self.answer(waiting.call, self.with_receipt(waiting.reply, holders, met));
    }

    /// The peers that acknowledged a change.
    fn holders(&self, waiting: &Waiting) -> Vec<NodeId> {
        let holds = |peer: &&crate::gossip::Peer| peer.acknowledged(&waiting.vector, waiting.arrivals);
        self.gossip.peers.values().filter(holds).map(|peer| peer.node).collect()
    }

    fn with_receipt(&self, reply: Reply, held_by: Vec<NodeId>, concern_met: bool) -> Reply {
        let fill = |receipt: Receipt| Receipt { held_by, peers: self.gossip.peers.len(), concern_met, ..receipt };
        match reply {
            Reply::Done(receipt) => Reply::Done(fill(receipt)),
            Reply::ClientCreated { id, secret, receipt } => {
                Reply::ClientCreated { id, secret, receipt: fill(receipt) }
            }
            other @ (Reply::LoggedIn { .. } | Reply::Pulled | Reply::Stats(_) | Reply::Refused(_)) => other,
        }
    }
}

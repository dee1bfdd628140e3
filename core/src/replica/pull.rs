//! Asking peers at once for what a caller misses here, before he is refused: reading one's own writes on any node. The answer
//! is an ordinary round, and counts only once merged.

use std::collections::{BTreeMap, BTreeSet};

use super::{Actor, CallId, Replica, Reply};
use crate::config::{MAX_PULLS, PULL_BURST, PULL_NEGATIVE_TTL, PULL_PEERS, PULL_TIMEOUT};
use crate::crdt::NodeId;
use crate::state::{Collection, Key, RingKeyId, View, Wanted};
use crate::time::Tick;
use crate::zoo::{self, Bug};

/// A caller that waits.
struct Pull {
    call: CallId,
    wanted: Wanted,
    asked: Tick,
    until: Tick,
    awaited: BTreeSet<NodeId>,
}

/// The callers that wait, and what was asked in vain.
#[derive(Default)]
pub(super) struct Pulls {
    open: Vec<Pull>,
    /// What no peer had, until when that is believed.
    negative: BTreeMap<Wanted, Tick>,
    /// Look-ups left for an address, as of an instant.
    budgets: BTreeMap<String, (u32, Tick)>,
    settled: bool,
}

impl Pulls {
    pub fn deadline(&self) -> Option<Tick> {
        self.open.iter().map(|pull| pull.until).min()
    }

    /// A round with this peer came back: it counts for those who had asked before it was sent.
    pub fn returned(&mut self, node: NodeId, sent: Tick) {
        for pull in self.open.iter_mut().filter(|pull| pull.asked <= sent) {
            pull.awaited.remove(&node);
        }
        self.settled = true;
    }

    /// A round with this peer came to nothing.
    pub fn lost(&mut self, node: NodeId) {
        self.open.iter_mut().for_each(|pull| {
            pull.awaited.remove(&node);
        });
        self.settled = true;
    }

    /// The question for this key is over, one way or the other.
    pub fn ring_key_settled(&mut self, id: RingKeyId) {
        let wanted = Wanted::RingKey(id);
        self.open.iter_mut().filter(|pull| pull.wanted == wanted).for_each(|pull| pull.awaited.clear());
        self.settled = true;
    }

    /// What was born by a merge is no longer believed to be nowhere.
    pub fn forget_negatives(&mut self, born: &[Key]) {
        for key in born.iter().filter(|key| key.collection == Collection::CLIENT) {
            self.negative.remove(&Wanted::Client(key.id.to_string()));
        }
    }

    /// Whether this address may have another bare identifier looked up.
    fn affords(&mut self, actor: &Actor, now: Tick) -> bool {
        let Actor::Anonymous(address) = actor else {
            return true;
        };
        if self.budgets.len() >= MAX_PULLS * 16 {
            self.budgets.retain(|_, (_, since)| now.since(*since).as_secs() < u64::from(PULL_BURST));
        }
        if self.budgets.len() >= MAX_PULLS * 16 && !self.budgets.contains_key(address) {
            return false;
        }
        let (left, since) = self.budgets.entry(address.clone()).or_insert((PULL_BURST, now));
        let earned = now.since(*since).as_secs();
        if earned > 0 {
            *left = left.saturating_add(u32::try_from(earned).unwrap_or(u32::MAX)).min(PULL_BURST);
            *since = now;
        }
        let affords = *left > 0;
        *left = left.saturating_sub(1);
        affords
    }

    fn believes_nowhere(&mut self, wanted: &Wanted, now: Tick) -> bool {
        self.negative.retain(|_, until| *until > now);
        self.negative.contains_key(wanted)
    }

    fn note_nowhere(&mut self, wanted: Wanted, now: Tick) {
        if self.negative.len() < MAX_PULLS * 16 {
            self.negative.insert(wanted, now.after(PULL_NEGATIVE_TTL));
        }
    }
}

impl Replica {
    /// Opens rounds with a few peers for a caller who misses something.
    pub(super) fn pull(&mut self, call: CallId, actor: &Actor, wanted: Wanted) {
        let now = self.now.tick;
        let bare = !matches!(wanted, Wanted::RingKey(_));
        let vain = bare && self.pulls.believes_nowhere(&wanted, now);
        let full = self.pulls.open.len() >= MAX_PULLS || self.gossip.peers.is_empty() || self.failed.is_some();
        if vain || full || has(&self.durable, &wanted) || (bare && !self.pulls.affords(actor, now)) {
            return self.answer(call, Reply::Pulled);
        }
        let awaited: BTreeSet<NodeId> = match &wanted {
            // Not a peer but the question itself is awaited.
            Wanted::RingKey(id) if self.fetch_ring_key(*id) => BTreeSet::from([self.head.identity.node]),
            Wanted::RingKey(_) => BTreeSet::new(),
            Wanted::Client(_) | Wanted::TokenKey(_) => self.gossip.ask_now(PULL_PEERS).into_iter().collect(),
        };
        if bare {
            for node in &awaited {
                if let Some(peer) = self.gossip.peers.get_mut(node) {
                    peer.urgent = true;
                    peer.not_before = now;
                    peer.list_told &= !matches!(wanted, Wanted::TokenKey(_)); // It answers with the records that we lack.
                }
            }
        }
        self.pulls.open.push(Pull { call, wanted, asked: now, until: now.after(PULL_TIMEOUT), awaited });
        self.pulls.settled = true;
    }

    /// Answers the callers whose thing came, whose peers have all answered, or whose time is over.
    pub(super) fn settle_pulls(&mut self) {
        let due = self.pulls.deadline().is_some_and(|at| at <= self.now.tick);
        if !std::mem::take(&mut self.pulls.settled) && !due {
            return;
        }
        let view = self.durable.clone();
        let open = std::mem::take(&mut self.pulls.open);
        for pull in open {
            let here = has(&view, &pull.wanted);
            if !here && !pull.awaited.is_empty() && pull.until > self.now.tick {
                self.pulls.open.push(pull);
                continue;
            }
            if !here && zoo::on(Bug::CallerForgotten) {
                continue;
            }
            if !here && pull.awaited.is_empty() {
                self.pulls.note_nowhere(pull.wanted, self.now.tick);
            }
            self.answer(pull.call, Reply::Pulled);
        }
    }

    /// What ends by time alone.
    pub(super) fn expire(&mut self) {
        if self.waiting.iter().any(|waiting| waiting.until <= self.now.tick) {
            self.answer_satisfied();
        }
        self.settle_pulls();
    }
}

/// Whether the thing is here by now.
fn has(view: &View, wanted: &Wanted) -> bool {
    match wanted {
        Wanted::Client(id) => view.client(id).is_some() || view.client_is_denied(id),
        Wanted::TokenKey(kid) => view.token_keys.contains_key(kid.as_str()),
        Wanted::RingKey(id) => view.ring.get(*id).is_some(),
    }
}

//! The ledger: nothing leaves before it is durable. What depends on a write waits here under its number, and leaves in order.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::config::MAX_WAITING;
use crate::crdt::{Cursor, NodeId, VersionVector};
use crate::gossip::{Comparison, ExchangeId};
use crate::replica::{CallId, Fact, Reply, WriteConcern, WriteId};
use crate::state::View;
use crate::wire::message::Nonce;

/// Something that must not happen before a write is durable.
pub(super) enum Held {
    /// An answer to a caller, perhaps only once peers hold the change too.
    Answer { call: CallId, reply: Reply, concern: Option<WriteConcern> },
    /// The reply to a peer's round.
    RoundReply { call: CallId, peer: NodeId, nonce: Nonce, comparison: Comparison },
    /// The end of a round that we opened.
    RoundEnd { peer: NodeId, exchange: ExchangeId, comparison: Comparison },
    /// A fact that speaks of the change.
    Note(Fact),
}

/// What a write brings that peers want to hear of, or the duties of this node hang on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct News {
    /// A change that was made here.
    pub local: bool,
    /// A change that was merged.
    pub merged: bool,
    /// A change that was made here, and that nobody waits for.
    pub unhurried: bool,
    /// Keys, their names or records changed: the slow duties may have something to do at once.
    pub duties: bool,
}

/// A write that is under way, and what waits for it.
pub(super) struct Entry {
    pub id: WriteId,
    pub view: Arc<View>,
    pub news: News,
    pub held: Vec<Held>,
}

/// Writes in their order.
#[derive(Default)]
pub(super) struct Ledger {
    last: WriteId,
    under_way: VecDeque<Entry>,
    waiting: usize,
}

impl Ledger {
    /// Enters a write; what depends on it waits.
    pub fn enter(&mut self, view: Arc<View>, news: News, held: Vec<Held>) -> WriteId {
        self.last = WriteId(self.last.0 + 1);
        self.waiting += held.len();
        self.under_way.push_back(Entry { id: self.last, view, news, held });
        self.last
    }

    /// What changed nothing itself, but was decided on what is under way, waits for the last write. Given back if none is.
    pub fn follow(&mut self, held: Vec<Held>) -> Vec<Held> {
        match self.under_way.back_mut() {
            Some(entry) => {
                self.waiting += held.len();
                entry.held.extend(held);
                Vec::new()
            }
            None => held,
        }
    }

    /// Every write up to this one is durable: they leave, the oldest first.
    ///
    /// # Panics
    /// If the world claims a write that was never asked for.
    pub fn written(&mut self, id: WriteId) -> Vec<Entry> {
        assert!(id <= self.last, "a write is reported that was never asked for");
        let mut done = Vec::new();
        while let Some(entry) = self.under_way.pop_front_if(|entry| entry.id <= id) {
            self.waiting -= entry.held.len();
            done.push(entry);
        }
        done
    }

    /// The disk failed: everything that waited, to be refused.
    pub fn fail(&mut self) -> Vec<Held> {
        self.waiting = 0;
        self.under_way.drain(..).flat_map(|entry| entry.held).collect()
    }

    /// Whether no more callers can wait.
    pub fn is_full(&self) -> bool {
        self.waiting >= MAX_WAITING
    }
}

/// A caller that waits until peers hold his change.
pub(super) struct Waiting {
    pub call: CallId,
    pub reply: Reply,
    pub concern: WriteConcern,
    pub until: crate::time::Tick,
    pub vector: VersionVector,
    pub arrivals: Cursor,
}

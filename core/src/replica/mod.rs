//! The replica: one pure state machine, driven by events and clock ticks. It dispatches; the work is done in the rooms below.
//!
//! It never performs what it asks for: effects go out, their results come back as events. What is applied here is pending
//! until the disk has it; the published view, every answer and every frame speak of durable state alone.

mod ask;
mod boot;
mod check;
mod clock;
mod effect;
mod event;
mod exchange;
mod fact;
mod former;
mod frames;
mod identity;
mod keys;
mod ledger;
mod life;
mod merge;
mod pull;
mod release;
mod request;
mod ring;
mod stats;
mod write;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub use crate::gossip::{ExchangeId, Why};
pub use crate::state::Wanted;
pub use boot::{BootError, Recovered, audit};
pub use effect::{Door, Effect, Row, Table, Work};
pub use event::{Actor, CallId, Destination, Event, Worked, WriteConcern, WriteId};
pub use fact::Fact;
pub use identity::{IDENTITY_BYTES, IdentityKeys};
pub use request::{Receipt, Refusal, Reply, Request, Seed};

use imbl::OrdMap;

use crate::crdt::{HybridClock, ReplicaId, VersionVector};
use crate::crypto::Crypto;
use crate::envelope::{Envelope, ReplayWindow};
use crate::gossip::Gossip;
use crate::state::{NodeRecord, PublishedKey, View};
use crate::time::{Now, Tick};
use crate::token::keys::OwnKey;
use crate::wire::mark::Mark;

/// The pure state machine.
pub struct Replica {
    envelope: Arc<dyn Envelope>,
    crypto: Crypto,
    keys: IdentityKeys,
    verifiers: identity::Verifiers,
    cluster: [u8; 16],
    now: Now,
    /// Everything, with what is pending.
    head: View,
    /// What the disk holds.
    durable: Arc<View>,
    /// The number of the durable view.
    number: u64,
    /// The durable view was changed in what is not stored, and has to be published again.
    republish: bool,
    ledger: ledger::Ledger,
    /// Why no more is written, if the disk failed.
    failed: Option<Arc<str>>,
    clock: HybridClock,
    watch: clock::Watch,
    marks: OrdMap<ReplicaId, Mark>,
    digests: exchange::Digests,
    gossip: Gossip,
    replay: ReplayWindow,
    own_keys: Vec<OwnKey>,
    /// Signing keys that the disk gave back; a record of another life may say what became of them.
    recovered: BTreeSet<Arc<str>>,
    /// The version of our record that first had a key, in this life.
    key_versions: BTreeMap<Arc<str>, u64>,
    /// Keys of a former life whose private halves are lost; they are published until their last token has expired.
    orphans: Vec<PublishedKey>,
    /// The version of our record that lay on the disk: of the life before this one.
    remembered: u64,
    /// When this life began.
    woke: Tick,
    /// No key was recovered, or a peer agreed on all records in this life, or none was there: keys may sign.
    settled: bool,
    /// Keys that may have signed in this life.
    signed: BTreeSet<Arc<str>>,
    pulls: pull::Pulls,
    fetches: ring::Fetches,
    logins: BTreeMap<CallId, ask::PendingLogin>,
    waiting: Vec<ledger::Waiting>,
    upkeep_at: Tick,
    /// What all peers and we were known to hold when removed cells were last looked through.
    forgotten_at: Option<VersionVector>,
    /// A removed cell was merged since.
    forget_due: bool,
    superseded: u32,
    pending: write::Pending,
    out: Vec<Effect>,
}

/// What a replica asks for after one event, in order.
#[must_use = "effects have to be carried out"]
#[derive(Debug, Default)]
pub struct Effects(Vec<Effect>);

impl IntoIterator for Effects {
    type Item = Effect;
    type IntoIter = std::vec::IntoIter<Effect>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl Replica {
    /// Takes one event in. The only way in which a replica changes.
    pub fn handle(&mut self, now: Now, event: Event) -> Effects {
        self.pass_time(now);
        match event {
            Event::Frame { call, bytes } => self.frame(call, &bytes),
            Event::Returned { exchange, bytes } => self.returned(exchange, &bytes),
            Event::Failed { exchange, status: _, reason } => self.exchange_failed(exchange, reason),
            Event::Ask { call, actor, request, concern } => self.ask(call, actor, request, concern),
            Event::Written(id) => self.written(id),
            Event::WriteFailed { reason } => self.write_failed(&reason),
            Event::Worked { call, outcome } => self.worked(call, &outcome),
            Event::Tick => {}
            Event::Reconfigure(config) => self.reconfigure(config),
            Event::Scrubbed { sound } => self.scrubbed(sound),
        }
        self.settle()
    }

    /// When to call `handle` with a tick at the latest, and why.
    pub fn deadline(&self) -> (Tick, Why) {
        let pulls = self.pulls.deadline().map(|at| (at, Why::PullTimeout));
        let concerns = self.waiting.iter().map(|waiting| (waiting.until, Why::ConcernTimeout));
        let upkeep = (self.upkeep_at, Why::Upkeep);
        let gossip = self.speaks().then(|| self.gossip.deadline());
        concerns.chain(pulls).chain(gossip).chain([upkeep]).min_by_key(|(at, _)| *at).unwrap_or(upkeep)
    }

    /// The durable state, as an immutable snapshot.
    pub fn view(&self) -> Arc<View> {
        self.durable.clone()
    }

    /// After each event: what became due, then one write for all that changed, then what may leave at once.
    fn settle(&mut self) -> Effects {
        self.expire();
        self.upkeep();
        self.close_write();
        self.note_signer();
        self.settle_pulls();
        self.speak();
        if std::mem::take(&mut self.republish) {
            self.out.push(Effect::Publish(self.durable.clone()));
        }
        Effects(std::mem::take(&mut self.out))
    }

    /// Whether rounds are held: not before the first write, and never after a failed one.
    fn speaks(&self) -> bool {
        self.failed.is_none() && self.number > 0
    }

    fn replica_id(&self) -> ReplicaId {
        ReplicaId { node: self.head.identity.node, incarnation: self.head.identity.incarnation }
    }

    fn own_record(&self) -> Option<&Arc<NodeRecord>> {
        self.head.nodes.get(&self.head.identity.node)
    }

    fn note(&mut self, fact: Fact) {
        self.out.push(Effect::Note(fact));
    }
}

//! What this replica knows of one peer. All of it is a lower bound on what the peer holds, and may be forgotten at any time.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::PeerStats;
use super::compose::Sent;
use super::unit::{BrokenOff, Outgoing, Staging};
use crate::crdt::{Cursor, Digest, Epoch, Incarnation, NodeId, ReplicaId, VersionVector};
use crate::gossip::ExchangeId;
use crate::state::{NodeRecord, RevokedId, View};
use crate::time::{Tick, Wall};
use crate::wire::message::Nonce;
use crate::zoo::{self, Bug};

/// Vectors remembered by their number: rounds in flight at one time may refer to as many.
pub(super) const REMEMBERED_VECTORS: usize = 4;

/// One peer, as this replica sees it.
pub struct Peer {
    /// Who.
    pub node: NodeId,
    /// Where it is dialled.
    pub address: Arc<str>,
    /// The life that spoke last; what was known of a former one is void.
    pub life: Option<Incarnation>,
    /// Its vectors, exactly, by its numbers; the newest last.
    pub(super) heard: VecDeque<(u64, VersionVector)>,
    /// Our vectors that were sent to it, by our numbers; the newest last.
    pub(super) told: VecDeque<(u64, VersionVector)>,
    /// The greatest of our numbers that it acknowledged; 0 for none.
    pub(super) acknowledged: u64,
    /// What it holds if our last reply reached it. Good enough not to repeat the reply; its next frame says the truth.
    pub(super) presumed: Option<VersionVector>,
    /// A message of its could not be understood without its whole vector.
    pub(super) resync: bool,
    pub(super) outgoing: Option<Outgoing>,
    /// The cut that was made last.
    pub(super) last_cut: LastCut,
    pub(super) staging: Option<Staging>,
    /// The last delta of its that was let go of before it was whole, until somebody takes note.
    pub broken_off: Option<BrokenOff>,
    /// Records that it holds, each by node and version.
    pub(super) records: BTreeSet<(NodeId, u64)>,
    /// Whether that is all that it holds: it told its list with the digest that it said last.
    pub(super) records_listed: bool,
    /// Where the next records begin that it is offered, of more than one frame of them.
    pub(super) records_offered: usize,
    /// Whether it was told our list in its present life.
    pub list_told: bool,
    /// The digests of the records differed when they were last compared.
    pub(super) records_differ: bool,
    /// Its digest of all record versions.
    pub(super) record_digest: Option<Digest>,
    /// The version of our own record that it said it holds.
    pub our_record: u64,
    /// It has followed our expiring set up to here, if our last reply reached it.
    pub(super) arrivals: Cursor,
    /// And up to here for certain.
    pub(super) arrivals_held: Cursor,
    /// The digests of the expiring sets differ: compare them by epoch.
    pub(super) compare_epochs: bool,
    /// Our epochs were said, and the answer is not here yet.
    pub(super) epochs_told: bool,
    /// A pair of digests, its and ours, that differ only in what one side has purged.
    pub(super) reconciled: Option<(Digest, Digest)>,
    /// Its last message was full of members of the expiring sets: there are more.
    pub(super) has_more_arrivals: bool,
    /// Epochs whose items it shall get, each from after the item that it got last.
    pub(super) owed_epochs: VecDeque<(Epoch, Option<(Wall, RevokedId)>)>,
    /// Its root digest differed from ours under equal vectors.
    pub diverged: bool,
    /// The round that we opened and that has not ended.
    pub flight: Option<Flight>,
    /// When an exchange last ended well, either way.
    pub last_exchange: Option<Tick>,
    /// Not before this; set by failures.
    pub not_before: Tick,
    /// Go at once, when nothing is in flight.
    pub urgent: bool,
    /// There was news while a round was in flight; if that fails, go as soon as it may be tried again.
    pub(super) push_again: bool,
    /// Rounds in a row that changed nothing in what is known of it, though something was left to say.
    pub(super) idle_continuations: u32,
    /// It refused us, or we it, because of the clocks.
    pub clock_refused: bool,
    /// It spoke since our clock was last in doubt.
    pub spoke_since_doubt: bool,
    /// Counters.
    pub stats: PeerStats,
}

/// A round under way.
#[derive(Clone, Debug)]
pub struct Flight {
    /// Its name.
    pub exchange: ExchangeId,
    /// When it was sent.
    pub sent: Tick,
    /// When it counts as failed; never, once its reply is here and waits for the disk.
    pub until: Tick,
    /// The nonce that its reply must name.
    pub nonce: Nonce,
    /// What the peer holds once it has come back.
    pub(super) carries: Sent,
    /// What was held here, durably, when it was sent.
    pub(super) held: Arc<View>,
}

/// What the last unit for a peer was cut from. A view that is cut again for another base gives other parts, so each such cut has a
/// number of its own.
#[derive(Clone, Debug, Default)]
pub(super) struct LastCut {
    view: u64,
    base: VersionVector,
    count: u64,
}

impl LastCut {
    /// Cuts of one view that can be told apart.
    const BITS: u32 = 12;

    /// The number under which this view is spoken of now.
    pub(super) fn number(&self, view: u64) -> u64 {
        (view << LastCut::BITS) | if self.view == view { self.count } else { 0 }
    }

    /// The number of a unit that is cut from this view for this base: that of the last one, if that was the same.
    pub(super) fn cut(&mut self, view: u64, base: &VersionVector) -> u64 {
        let most = (1 << LastCut::BITS) - 1;
        let count = match self.view == view {
            false => 0,
            true if self.base == *base || zoo::on(Bug::CutsShareANumber) => self.count,
            true => (self.count + 1).min(most),
        };
        *self = LastCut { view, base: base.clone(), count };
        self.number(view)
    }
}

impl Peer {
    /// A peer of which nothing is known.
    pub fn new(node: NodeId, address: Arc<str>, now: Tick) -> Peer {
        Peer {
            node,
            stats: PeerStats { address: address.clone(), ..PeerStats::default() },
            address,
            life: None,
            heard: VecDeque::new(),
            told: VecDeque::new(),
            acknowledged: 0,
            presumed: None,
            resync: false,
            outgoing: None,
            last_cut: LastCut::default(),
            staging: None,
            broken_off: None,
            records: BTreeSet::new(),
            records_listed: false,
            records_offered: 0,
            list_told: false,
            records_differ: false,
            record_digest: None,
            our_record: 0,
            arrivals: Cursor(0),
            arrivals_held: Cursor(0),
            compare_epochs: false,
            epochs_told: false,
            reconciled: None,
            has_more_arrivals: false,
            owed_epochs: VecDeque::new(),
            diverged: false,
            flight: None,
            last_exchange: None,
            not_before: now,
            urgent: true,
            push_again: false,
            idle_continuations: 0,
            clock_refused: false,
            spoke_since_doubt: false,
        }
    }

    /// The vector that it is known to hold; `None` before it ever spoke.
    pub fn vector(&self) -> Option<&VersionVector> {
        if zoo::on(Bug::PresumedIsSaid) && self.presumed.is_some() {
            return self.presumed.as_ref();
        }
        self.heard.back().map(|(_, vector)| vector)
    }

    /// Whether it answered when it was last asked, or has not been asked yet.
    pub fn is_reachable(&self) -> bool {
        self.stats.failures == 0
    }

    /// Whether a unit of its is staged, and not complete.
    pub fn is_staging(&self) -> bool {
        self.staging.is_some()
    }

    /// Whether it has spoken in this life of ours.
    pub fn has_spoken(&self) -> bool {
        self.life.is_some()
    }

    /// Whether it lacks something that this view holds, as far as is known and presumed.
    pub fn lacks(&self, view: &View) -> bool {
        let ours = view.cells.vector();
        let known = |vector: &VersionVector| vector.covers(ours);
        !(self.vector().is_some_and(known) || self.presumed.as_ref().is_some_and(known))
            || self.arrivals < view.revoked.arrivals_end()
    }

    /// Whether it lacks records that this view holds: any, if it told which ones it has; else ours.
    pub(super) fn lacks_records(&self, view: &View) -> bool {
        if !self.records_listed {
            return view.nodes.get(&view.identity.node).is_some_and(|own| self.our_record < own.version);
        }
        let mut current = view.nodes.values();
        current.any(|record| !self.holds_record(record))
            || view.former.values().any(|record| !self.has_record(record))
    }

    /// Whether it told of a record that is newer than that of this view.
    pub(super) fn shows_records(&self, view: &View) -> bool {
        let held = |node: NodeId| view.nodes.get(&node).map_or(0, |record| record.version);
        self.records.iter().any(|(node, version)| *version > held(*node))
    }

    /// Whether it holds this record, or a later one of that node.
    pub(super) fn holds_record(&self, record: &NodeRecord) -> bool {
        let known = self.records.range((record.node, record.version)..).next();
        known.is_some_and(|(node, _)| *node == record.node)
    }

    /// Whether it holds this very record.
    pub(super) fn has_record(&self, record: &NodeRecord) -> bool {
        self.records.contains(&(record.node, record.version))
    }

    /// Whether it holds something that this view lacks.
    pub fn is_ahead(&self, view: &View) -> bool {
        self.vector().is_some_and(|theirs| !view.cells.vector().covers(theirs))
    }

    /// Whether it has not said yet that it holds all that this replica wrote.
    pub(super) fn lacks_ours(&self, view: &View) -> bool {
        let own = ReplicaId { node: view.identity.node, incarnation: view.identity.incarnation };
        let ours = view.cells.vector();
        self.vector().is_none_or(|theirs| theirs.get(own) < ours.get(own))
    }

    /// Whether nothing is left to say in either direction.
    pub fn is_equal(&self, view: &View, record_digest: Digest) -> bool {
        self.has_spoken()
            && !self.lacks(view)
            && !self.is_ahead(view)
            && !self.resync
            && self.staging.is_none()
            && self.record_digest == Some(record_digest)
            && !self.compare_epochs
            && self.owed_epochs.is_empty()
    }

    /// Whether it holds the same records as one whose records have this digest.
    pub fn agrees_on_records(&self, digest: Digest) -> bool {
        self.record_digest == Some(digest)
    }

    /// Whether the last exchange is longer ago than the heartbeat.
    pub fn is_quiet_for(&self, heartbeat: Duration, now: Tick) -> bool {
        self.last_exchange.is_none_or(|last| now.since(last) >= heartbeat)
    }

    /// Whether it said that it holds all of this vector, and followed the expiring set up to the cursor.
    pub fn acknowledged(&self, vector: &VersionVector, arrivals: Cursor) -> bool {
        self.arrivals_held >= arrivals && self.vector().is_some_and(|theirs| theirs.covers(vector))
    }

    /// Ops that we hold and it has not acknowledged.
    pub fn lag(&self, view: &View) -> u64 {
        let known = self.vector().cloned().unwrap_or_default();
        let ours = view.cells.vector().changes_since(&known);
        ours.into_iter().map(|(replica, seq)| seq.saturating_sub(known.get(replica))).sum()
    }

    /// Lets go of units that do not move any more.
    pub fn give_up_stuck(&mut self, held: &VersionVector, now: Tick) {
        if self.outgoing.as_ref().is_some_and(|outgoing| outgoing.is_stuck(now)) {
            self.outgoing = None;
        }
        if self.staging.as_ref().is_some_and(|staging| staging.is_stuck(now) || staging.is_covered_by(held)) {
            self.unstage();
        }
    }

    /// Lets go of what is staged.
    pub(super) fn unstage(&mut self) {
        let staging = self.staging.take();
        self.broken_off = staging.and_then(|staging| staging.broken_off()).or(self.broken_off);
    }

    /// Another life speaks: what was known of the former is void.
    pub(super) fn begin_life(&mut self, life: Incarnation) {
        self.life = Some(life);
        if zoo::on(Bug::FormerLifeAcknowledges) {
            return;
        }
        self.heard.clear();
        self.told.clear();
        self.acknowledged = 0;
        self.presumed = None;
        self.resync = false;
        self.outgoing = None;
        self.unstage();
        self.records.clear();
        self.records_listed = false;
        self.list_told = false;
        self.records_differ = false;
        self.record_digest = None;
        self.our_record = 0;
        self.arrivals = Cursor(0);
        self.arrivals_held = Cursor(0);
        self.compare_epochs = false;
        self.epochs_told = false;
        self.reconciled = None;
        self.has_more_arrivals = false;
        self.owed_epochs.clear();
    }
}

//! Our half of a round: what is said to a peer. It speaks of one view, and changes nothing but what is known of the peer.

use imbl::OrdMap;

use super::peer::{Peer, REMEMBERED_VECTORS};
use super::unit::Outgoing;
use crate::config::{MAX_ARRIVALS_PER_FRAME, MAX_FORMER_LIVES, MAX_PEERS, MAX_RECORDS_PER_FRAME};
use crate::crdt::{Cursor, Digest, NodeId, ReplicaId, VersionVector};
use crate::state::{NodeRecord, RevokedId, View};
use crate::time::{Tick, Wall};
use crate::wire::mark::Mark;
use crate::wire::message::{Message, RawRecord};
use crate::zoo::{self, Bug};

/// Records in a frame that carries the list of all versions, so that both and a part fit into one frame however large they are.
const MAX_RECORDS_BESIDE_LIST: usize = MAX_RECORDS_PER_FRAME / 2;

/// What this replica holds, durably, as a round speaks of it.
pub struct Local<'a> {
    /// The durable view.
    pub view: &'a View,
    /// Its number.
    pub number: u64,
    /// The digest of all (node, version) of the records, those of other lives too.
    pub record_digest: Digest,
    /// The digest of the expiring sets above the purge mark.
    pub expiring: Digest,
    /// A mark for every entry of the view's vector.
    pub marks: &'a OrdMap<ReplicaId, Mark>,
    /// An alarm stands: no deep path is served.
    pub alarmed: bool,
    /// Now.
    pub now: Tick,
}

/// What the peer holds once a message has arrived, besides cells.
#[derive(Clone, Debug, Default)]
pub struct Sent {
    /// Where its cursor of the expiring set stands.
    pub arrivals: Cursor,
    /// Records, by their versions.
    pub records: Vec<(NodeId, u64)>,
    /// It was told which versions are held here, so it sends the others.
    pub listed: bool,
}

impl Peer {
    /// The next message to this peer, and what it will hold once the message has arrived.
    pub fn compose(&mut self, local: &Local<'_>) -> (Message, Sent) {
        self.refresh_outgoing(local);
        let most_cells = local.view.config.gossip.part_cells;
        let mut part = self.outgoing.as_mut().and_then(|outgoing| outgoing.part(local.marks, most_cells));
        if let Some(part) = part.as_mut().filter(|_| zoo::on(Bug::MovingView)) {
            let now = |key| local.view.cells.get(key).cloned();
            part.cells.iter_mut().for_each(|(key, cell)| *cell = now(key).unwrap_or(cell.clone()));
        }
        let (number, vector, digest) = match &self.outgoing {
            Some(outgoing) if !zoo::on(Bug::VectorReadLate) => {
                (outgoing.number, outgoing.vector().clone(), outgoing.digest)
            }
            Some(_) | None => {
                let number = self.last_cut.number(local.number);
                (number, local.view.cells.vector().clone(), local.view.cells.root())
            }
        };
        let (base, changes) = self.changes(number, &vector);
        self.remember_told(number, vector);
        let (items, arrivals) = self.compose_arrivals(local);
        let (records, record_versions, sent) = self.compose_records(local);
        let listed = !record_versions.is_empty();
        let cells_out = part.as_ref().map_or(0, |part| part.cells.len() as u64);
        self.stats.cells_out += cells_out;
        let message = Message {
            number,
            base,
            your_life: self.life.unwrap_or_default(),
            heard: self.heard.back().map_or(0, |(number, _)| *number),
            resync: self.resync,
            changes,
            digest,
            buckets: if self.diverged { local.view.cells.buckets().to_vec() } else { Vec::new() },
            part,
            want: self.staging.as_ref().map(|staging| (staging.number, staging.next)),
            records,
            record_digest: local.record_digest,
            record_versions,
            your_record: local.view.nodes.get(&self.node).map_or(0, |record| record.version),
            arrivals: items,
            expiring: local.expiring,
            purge_mark: local.view.revoked.mark(),
            epochs: std::mem::take(&mut self.compare_epochs).then(|| local.view.revoked.epoch_digests()),
            answers: None,
        };
        self.epochs_told |= message.epochs.is_some();
        (message, Sent { arrivals, records: sent, listed })
    }

    /// A reply is trusted to arrive: if it does not, the peer's retry or the next heartbeat tells.
    pub fn presume(&mut self, local: &Local<'_>, sent: Sent) {
        let complete = self.outgoing.as_ref().is_none_or(Outgoing::is_sent);
        if complete && self.vector().is_some() {
            let said = self.told.back().map(|(_, vector)| vector.clone());
            self.presumed = said.or_else(|| Some(local.view.cells.vector().clone()));
        }
        self.arrivals = self.arrivals.max(sent.arrivals);
        self.presume_records(sent.records);
    }

    /// These records are known there.
    pub fn presume_records(&mut self, records: impl IntoIterator<Item = (NodeId, u64)>) {
        for (node, version) in records {
            let is_new = self.records.insert((node, version));
            if is_new && self.records.range((node, 0)..=(node, u64::MAX)).count() > 1 + MAX_FORMER_LIVES {
                self.records.retain(|known| known.0 != node || known.1 >= version);
            }
        }
        if self.records.len() > MAX_PEERS * (1 + MAX_FORMER_LIVES) {
            self.records.clear(); // It named more nodes than there can be; what it holds is asked anew.
        }
    }

    /// Drops a unit that the peer does not need any more, and cuts one if it lacks something.
    fn refresh_outgoing(&mut self, local: &Local<'_>) {
        self.decline_what_is_held(local.view.cells.vector());
        let Some(theirs) = self.vector().cloned() else {
            return;
        };
        let needless = |outgoing: &Outgoing| {
            theirs.covers(outgoing.vector())
                || outgoing.is_sent()
                || outgoing.number < self.acknowledged
                || outgoing.is_stuck(local.now)
        };
        if self.outgoing.as_ref().is_some_and(needless) {
            self.outgoing = None;
        }
        let presumed = self.presumed.as_ref().is_some_and(|presumed| presumed.covers(local.view.cells.vector()));
        if self.outgoing.is_none() && !presumed {
            let cut = local.view.cells.cut(&theirs);
            let refused = cut.is_deep() && local.alarmed;
            if !cut.is_empty() && !refused {
                let root = local.view.cells.root();
                let number = self.last_cut.cut(local.number, &theirs);
                self.outgoing = Some(Outgoing::new(number, root, cut, theirs, local.now));
            }
        }
    }

    /// What it sends and is held here by now is of no use, and it must hear so: by the vector of a message, which is that of
    /// the unit that the message carries. A unit that was cut before that was held cannot tell it, so it is cut anew.
    fn decline_what_is_held(&mut self, held: &VersionVector) {
        let needless = self.staging.as_ref().filter(|staging| staging.is_covered_by(held));
        let Some(staging) = needless.filter(|_| !zoo::on(Bug::NeedlessUnitAwaited)) else {
            return;
        };
        if self.outgoing.as_ref().is_some_and(|outgoing| !staging.is_covered_by(outgoing.vector())) {
            self.outgoing = None;
        }
        self.unstage();
    }

    /// The vector, relative to the greatest one that the peer acknowledged.
    fn changes(&self, number: u64, vector: &VersionVector) -> (u64, Vec<(ReplicaId, u64)>) {
        let base = self.told.iter().find(|(told, _)| *told == self.acknowledged && *told <= number);
        match base {
            Some((base, known)) => (*base, vector.changes_since(known)),
            None => (0, vector.iter().collect()),
        }
    }

    fn remember_told(&mut self, number: u64, vector: VersionVector) {
        if self.told.iter().any(|(told, _)| *told == number) {
            return;
        }
        self.told.push_back((number, vector));
        if self.told.len() > 2 * REMEMBERED_VECTORS {
            let acknowledged = self.acknowledged;
            if let Some(oldest) = self.told.iter().position(|(told, _)| *told != acknowledged) {
                self.told.remove(oldest);
            }
        }
    }

    /// Whatever arrived since the peer's cursor, and what it is owed by epoch.
    fn compose_arrivals(&mut self, local: &Local<'_>) -> (Vec<(Wall, RevokedId)>, Cursor) {
        let (mut items, cursor) = local.view.revoked.arrivals_since(self.arrivals);
        if cursor > self.arrivals {
            self.idle_continuations = 0; // This comes to an end; what is owed by epoch may be refused again and again.
        }
        while let Some((epoch, after)) = self.owed_epochs.pop_front() {
            let owed = local.view.revoked.epoch_items(epoch).map(|(expiry, id)| (expiry, *id));
            let mut owed = owed.filter(|item| after.is_none_or(|after| *item > after)).peekable();
            items.extend(owed.by_ref().take(MAX_ARRIVALS_PER_FRAME - items.len()));
            if owed.peek().is_some() {
                // An epoch larger than a frame goes on in the next one; what got lost on the way, the digests tell.
                self.owed_epochs.push_front((epoch, items.last().copied().or(after)));
                break;
            }
        }
        (items, cursor)
    }

    /// The records that it lacks. Those of others only once it has told which ones it holds: most of them it has from their
    /// authors by now. Ours it has from nobody else as soon as from us.
    fn owed_records<'a>(&mut self, local: &Local<'a>, most: usize) -> Vec<&'a NodeRecord> {
        if self.record_digest == Some(local.record_digest) {
            return Vec::new();
        }
        let current = local.view.nodes.values().filter(|record| !self.holds_record(record));
        if !self.records_listed {
            let own = local.view.identity.node;
            return current.filter(|record| record.node == own).map(|record| &**record).collect();
        }
        let former = local.view.former.values().filter(|record| !self.has_record(record));
        // Its own come first, since it may have lost them, or know older ones; a former record counts beside a present one.
        let (own, others): (Vec<&NodeRecord>, Vec<_>) =
            current.chain(former).map(|record| &**record).partition(|record| record.node == self.node);
        let mut owed: Vec<_> = own.into_iter().chain(others).collect();
        if owed.len() > most {
            // What it does not take it will be owed again, and must not stand before the others for ever.
            let turn = self.records_offered % owed.len();
            owed.rotate_left(turn);
            owed.truncate(most);
            self.records_offered = turn + most;
        }
        owed
    }

    /// Records, then the list of all versions: in the first message to a life of this peer, and while the digests differ.
    fn compose_records(&mut self, local: &Local<'_>) -> (Vec<RawRecord>, Versions, Versions) {
        let differ = self.records_differ && self.record_digest != Some(local.record_digest);
        let is_listed = !std::mem::replace(&mut self.list_told, true) || differ;
        let records =
            self.owed_records(local, if is_listed { MAX_RECORDS_BESIDE_LIST } else { MAX_RECORDS_PER_FRAME });
        let sent: Vec<_> = records.iter().map(|record| (record.node, record.version)).collect();
        let raw = records.into_iter().map(|record| (record.raw.clone(), record.signature)).collect();
        let held = || local.view.nodes.values().chain(local.view.former.values());
        let all = || held().map(|record| (record.node, record.version)).collect();
        (raw, if is_listed && !zoo::on(Bug::VersionsUntold) { all() } else { Vec::new() }, sent)
    }
}

/// Which version of whose record.
type Versions = Vec<(NodeId, u64)>;

//! Merging what a peer brought: records, members of the expiring sets, whole deltas. Each is judged first; nothing is taken
//! on a peer's word that its author did not sign.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use imbl::OrdMap;

use super::ledger::Held;
use super::{Fact, Replica};
use crate::admission;
use crate::config::MAX_PEERS;
use crate::crdt::{NodeId, ReplicaId, Unit, VersionVector};
use crate::crypto::{PublicPoint, Signature, VerifyingKey};
use crate::fault::Reject;
use crate::gossip::{Complete, Peer};
use crate::state::{Key, NodeRecord, RevokedId, Value, View};
use crate::time::Wall;
use crate::wire::mark::Mark;
use crate::wire::message::RawRecord;
use crate::wire::record;
use crate::zoo::{self, Bug};

/// A delta that may be merged.
pub(super) struct Judged {
    unit: Unit<Key, Value>,
    believed: Vec<Mark>,
}

/// A revocation that would have to be kept longer than this is not one of ours.
pub const MAX_REVOCATION_AHEAD: Duration = Duration::from_secs(400 * 24 * 3600);

impl Replica {
    /// The records that say something new, all of them valid.
    /// What is held already, to the byte, was judged before.
    pub(super) fn judge_records(&self, records: &[RawRecord]) -> Result<Vec<Arc<NodeRecord>>, Reject> {
        let mut judged = Vec::with_capacity(records.len());
        for (raw, signature) in records {
            let known = record::subject(raw).and_then(|node| self.head.nodes.get(&node));
            if let Some(known) = known.filter(|known| known.raw == *raw) {
                judged.push(known.clone());
                continue;
            }
            let record = record::decode(raw, *signature).map_err(|_| Reject::Malformed)?;
            self.judge_record(&record)?;
            judged.push(Arc::new(record));
        }
        Ok(judged)
    }

    fn judge_record(&self, record: &NodeRecord) -> Result<(), Reject> {
        let key = self.verifier(record.node, &record.gossip_key).ok_or(Reject::Forged)?;
        admission::judge(record, &*key, &self.cluster)
    }

    /// The key of a node, parsed now if it was not before; `None` if it is none.
    fn verifier(&self, node: NodeId, point: &PublicPoint) -> Option<Arc<dyn VerifyingKey>> {
        self.verifiers.known(node, point).or_else(|| self.crypto.ecdsa.verifying_key(point))
    }

    /// Takes records in that were judged.
    pub(super) fn take_records(&mut self, from: NodeId, records: Vec<Arc<NodeRecord>>) {
        let before = self.head.nodes.clone();
        for record in records {
            if let Some(peer) = self.gossip.peers.get_mut(&from) {
                peer.presume_records([(record.node, record.version)]);
            }
            if record.node == self.head.identity.node {
                self.meet_own_record(&record);
            } else {
                self.take_record(record);
            }
        }
        if !self.head.nodes.ptr_eq(&before) {
            self.progress(from);
        }
    }

    fn take_record(&mut self, record: Arc<NodeRecord>) {
        match self.head.nodes.get(&record.node) {
            Some(known) if known.version > record.version && zoo::on(Bug::OlderRecordWins) => {}
            Some(known) if known.version >= record.version => return self.keep_former(record),
            Some(_) => {}
            None if self.head.nodes.len() >= MAX_PEERS => return,
            None => {}
        }
        if self.head.pinned.contains_key(&record.node) && !record.address.is_empty() {
            self.gossip.meet(record.node, &record.address, self.now.tick);
        }
        if let Some(peer) = self.gossip.peers.get_mut(&record.node) {
            peer.stats.name = Some(record.name.clone());
        }
        self.put_record(record);
    }

    /// What a peer shows as the reason why we are superseded: our own hand, or nothing.
    pub(super) fn meet_evidence(&mut self, raw: &Arc<[u8]>, signature: Signature) {
        let record = record::decode(raw, signature).ok();
        let own = record.filter(|record| record.node == self.head.identity.node);
        if let Some(own) = own.filter(|own| self.judge_record(own).is_ok()) {
            self.meet_own_record(&own);
        }
    }

    /// A peer shows a record of ours: of this life, of another one, or of a clone.
    fn meet_own_record(&mut self, record: &NodeRecord) {
        let incarnation = self.head.identity.incarnation;
        if record.incarnation > incarnation {
            return self.superseded(record.incarnation);
        }
        let version = self.own_record().map_or(0, |own| own.version);
        if record.version >= version && self.own_record().is_none_or(|own| own.raw != record.raw) {
            self.rewrite_record(record.version);
        }
        if record.incarnation < incarnation {
            self.keep_former(Arc::new(record.clone()));
            self.adopt_orphans();
            self.follow_other_life(record);
        }
    }

    pub(super) fn take_arrivals(&mut self, from: NodeId, arrivals: Vec<(Wall, RevokedId)>) {
        let latest = self.now.wall.after(MAX_REVOCATION_AHEAD);
        let mut entries = 0;
        for (expiry, id) in arrivals {
            entries += usize::from(expiry <= latest && self.add_revoked(expiry, id, false));
        }
        if entries > 0 {
            self.hold(Held::Note(Fact::Learned { from, entries }));
            self.progress(from);
        }
    }

    /// Judges a whole delta. It is put off while authors in it are unknown: a frame brings so many records and no more, the
    /// next rounds bring the others, and the sender cuts it anew.
    pub(super) fn judge_unit(
        &self,
        from: NodeId,
        complete: Complete,
        brought: &[Arc<NodeRecord>],
    ) -> Result<Option<Judged>, Reject> {
        let Complete { unit, marks } = complete;
        unit.validate().map_err(|_| Reject::Forged)?;
        let news = unit.vector.changes_since(self.head.cells.vector());
        if news.iter().any(|(replica, _)| self.author_key(replica.node, brought).is_none()) {
            return Ok(None);
        }
        let believed = self.judge_marks(&unit.vector, marks, brought)?;
        self.judge_stamps(from, &unit)?;
        Ok(Some(Judged { unit, believed }))
    }

    /// Merges a whole delta, after it was judged.
    pub(super) fn take_unit(&mut self, from: NodeId, judged: Judged) -> Result<(), Reject> {
        let Judged { unit, believed } = judged;
        let before = self.head.cells.vector().clone();
        self.note_restored(from, &unit.vector);
        let latest = unit.cells.iter().map(|(_, cell)| cell.touched()).max();
        let deep = unit.deep;
        let part = zoo::on(Bug::PartsAsTheyCome) && self.gossip.peers.get(&from).is_some_and(Peer::is_staging);
        let merge = || self.head.cells.merge(unit).map_err(|_| Reject::Forged);
        let changes = zoo::beside(Bug::VectorHeldBack, part, merge)?;
        if let Some(latest) = latest {
            self.clock.observe(latest);
        }
        believed.into_iter().for_each(|mark| self.put_mark(mark));
        if !changes.is_empty() {
            self.pulls.forget_negatives(&changes.born);
            self.hold(Held::Note(Fact::Merged { from, cells: changes.put.len(), deep }));
            if let Some(peer) = self.gossip.peers.get_mut(&from) {
                peer.stats.cells_in += changes.put.len() as u64;
            }
            self.forget_due |= changes.put.iter().any(|key| self.head.cells.get(key).is_some_and(|c| !c.is_live()));
            self.touch_merged(changes.put, &before);
        }
        self.progress(from);
        Ok(())
    }

    fn progress(&mut self, from: NodeId) {
        if let Some(peer) = self.gossip.peers.get_mut(&from) {
            peer.progressed();
        }
    }

    /// Ops of ours beyond what we hold tell that we were restored from an older disk; of this very life, that a clone has
    /// taken the same name.
    fn note_restored(&mut self, from: NodeId, vector: &VersionVector) {
        for (replica, seq) in vector.changes_since(&self.head.cells.vector().clone()) {
            if replica.node == self.head.identity.node {
                let ops = seq - self.head.cells.vector().get(replica);
                self.hold(Held::Note(Fact::Restored { from, ops }));
                if replica.incarnation == self.head.identity.incarnation {
                    self.superseded(replica.incarnation);
                }
            }
        }
    }

    /// Every entry beyond what we hold needs its author's mark.
    /// An author may be met in the very frame that brings his first ops.
    fn judge_marks(
        &self,
        vector: &VersionVector,
        marks: Vec<Mark>,
        brought: &[Arc<NodeRecord>],
    ) -> Result<Vec<Mark>, Reject> {
        let mut offered: BTreeMap<ReplicaId, Mark> = BTreeMap::new();
        for mark in marks {
            let better = offered.get(&mark.replica).is_none_or(|known| known.seq < mark.seq);
            if better {
                offered.insert(mark.replica, mark);
            }
        }
        let mut believed = Vec::new();
        for (replica, seq) in vector.changes_since(self.head.cells.vector()) {
            let mark = offered.remove(&replica).filter(|mark| mark.seq >= seq).ok_or(Reject::Forged)?;
            let point = self.author_key(replica.node, brought).ok_or(Reject::Forged)?;
            let key = self.verifier(replica.node, &point).ok_or(Reject::Forged)?;
            if !mark.verify(&*key, &self.cluster) && !zoo::on(Bug::MarksUnverified) {
                return Err(Reject::Forged);
            }
            believed.push(mark);
        }
        Ok(believed)
    }

    /// The sender's own ops must carry stamps that its clock could have given, or that are no later than what is held here; those
    /// of others were judged where they entered.
    fn judge_stamps(&self, from: NodeId, unit: &Unit<Key, Value>) -> Result<(), Reject> {
        let fair = self.now.wall.after(self.durable.config.gossip.max_clock_drift);
        let latest = fair.max(self.clock.last().wall());
        let ops = unit.cells.iter().flat_map(|(_, cell)| cell.ops());
        let mut news = ops.filter(|op| op.dot.replica.node == from && !self.head.cells.vector().knows(op.dot));
        let ahead = news.any(|op| op.hlc.wall() > latest) && !zoo::on(Bug::StampsUnjudged);
        if ahead { Err(Reject::ClockDrift) } else { Ok(()) }
    }

    /// The key of a node, as its record tells: one that is held, or one of those that were just brought and judged.
    fn author_key(&self, node: NodeId, brought: &[Arc<NodeRecord>]) -> Option<PublicPoint> {
        if node == self.head.identity.node {
            return Some(self.keys.gossip_key());
        }
        let recorded = self.head.nodes.get(&node).map(|record| record.gossip_key);
        let pinned = || self.head.pinned.get(&node).map(|peer| peer.gossip_key);
        let met = || brought.iter().find(|record| record.node == node).map(|record| record.gossip_key);
        recorded.or_else(pinned).or_else(met)
    }

    /// Marks for every entry of this view: those that others signed are held; ours are signed when they are first needed.
    pub(super) fn marks_for_sending(&mut self, view: &View) -> OrdMap<ReplicaId, Mark> {
        let own = self.head.identity.node;
        for (replica, seq) in view.cells.vector().iter().filter(|(replica, _)| replica.node == own) {
            if self.marks.get(&replica).is_none_or(|mark| mark.seq < seq) {
                let mark = Mark::sign(self.keys.signer(), &self.cluster, replica, seq);
                self.marks.insert(replica, mark);
            }
        }
        self.marks.clone()
    }
}

//! Merging what a peer brought: records, members of the expiring sets, whole deltas. Each is judged first; nothing is taken
//! on a peer's word that its author did not sign.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use imbl::OrdMap;

use super::ledger::Held;
use super::{Fact, Replica};
use crate::admission;
use crate::config::{MAX_PEERS, MAX_TOKEN_KEYS};
use crate::crdt::{NodeId, ReplicaId, Unit, VersionVector};
use crate::crypto::Signature;
use crate::fault::Reject;
use crate::gossip::Complete;
use crate::state::{Key, KeyStage, NodeRecord, PublishedKey, RevokedId, Value, View};
use crate::time::Wall;
use crate::wire::mark::Mark;
use crate::wire::message::RawRecord;
use crate::wire::record;

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
            if let Some(known) = self.head.nodes.values().find(|known| known.raw == *raw) {
                judged.push(known.clone());
                continue;
            }
            let record = record::decode(raw, *signature).map_err(|_| Reject::Malformed)?;
            admission::judge(&record, &self.crypto, &self.cluster)?;
            judged.push(Arc::new(record));
        }
        Ok(judged)
    }

    /// Takes records in that were judged.
    pub(super) fn take_records(&mut self, from: NodeId, records: Vec<Arc<NodeRecord>>) {
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
    }

    fn take_record(&mut self, record: Arc<NodeRecord>) {
        match self.head.nodes.get(&record.node) {
            Some(known) if known.version >= record.version => return,
            Some(known) => self.keep_former(known.clone(), &record),
            None if self.head.nodes.len() >= MAX_PEERS => return,
            None => {}
        }
        if self.head.pinned.contains_key(&record.node) && !record.address.is_empty() {
            self.gossip.meet(record.node, &record.address, self.now.tick);
        }
        if let Some(peer) = self.gossip.peers.get_mut(&record.node) {
            peer.stats.name = Some(record.name.clone());
        }
        self.put_record(record, false);
    }

    /// A later life that does not name the keys of the former one may have lost them: its own record is given back to it, and
    /// until it has answered for them, they count here.
    fn keep_former(&mut self, known: Arc<NodeRecord>, record: &NodeRecord) {
        let now = self.now.wall;
        let answers = |former: &NodeRecord| live_keys(former, now).all(|key| names(record, key));
        if self.former.get(&record.node).is_some_and(|former| answers(former)) {
            self.former.remove(&record.node);
            self.touch_keys();
        }
        if known.incarnation < record.incarnation && !answers(&known) {
            let until = self.last_token_expiry();
            let mut former = Arc::unwrap_or_clone(known);
            former.token_keys.retain(|key| key.stage != KeyStage::Upcoming);
            former.token_keys.iter_mut().for_each(|key| key.stage = super::keys::retiring(key.stage, until));
            self.former.entry(record.node).or_insert(Arc::new(former));
        }
    }

    /// What a peer shows as the reason why we are superseded: our own hand, or nothing.
    pub(super) fn meet_evidence(&mut self, raw: &[u8], signature: Signature) {
        let record = record::decode(raw, signature).ok();
        let own = record.filter(|record| record.node == self.head.identity.node);
        if let Some(own) = own.filter(|own| admission::judge(own, &self.crypto, &self.cluster).is_ok()) {
            self.meet_own_record(&own);
        }
    }

    /// A peer shows a record of ours: of this life, of a former one, or of a clone.
    fn meet_own_record(&mut self, record: &NodeRecord) {
        let incarnation = self.head.identity.incarnation;
        if record.incarnation > incarnation {
            return self.superseded(record.incarnation);
        }
        let version = self.own_record().map_or(0, |own| own.version);
        let later = record.version > self.remembered;
        if record.incarnation < incarnation && (later || record.incarnation < self.began) {
            self.adopt_orphans(record);
        }
        if record.incarnation < incarnation && later {
            self.follow_later_life(record);
        }
        if record.version >= version && self.own_record().is_none_or(|own| own.raw != record.raw) {
            self.rewrite_record(record.version);
        }
    }

    /// Keys of a former life whose private halves are gone are published on, until their last token has expired.
    fn adopt_orphans(&mut self, record: &NodeRecord) {
        let known: Vec<Arc<str>> =
            self.own_record().map_or(Vec::new(), |own| own.token_keys.iter().map(|key| key.kid.clone()).collect());
        let until = self.last_token_expiry();
        let now = self.now.wall;
        let lost = record.token_keys.iter().filter(|key| !known.contains(&key.kid)).filter_map(|key| {
            let until = match key.stage {
                KeyStage::Upcoming => return None,
                KeyStage::Active => until,
                KeyStage::Retiring(until) => until,
            };
            let counts = until > now && !self.head.key_is_withdrawn(&key.kid);
            counts.then(|| PublishedKey { stage: KeyStage::Retiring(until), ..key.clone() })
        });
        let lost: Vec<_> = lost.collect();
        let adopted = !lost.is_empty() && self.orphans.len() < MAX_TOKEN_KEYS / 2;
        if adopted {
            self.orphans.extend(lost);
            self.orphans.truncate(MAX_TOKEN_KEYS / 2);
            self.rewrite_record(record.version);
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

    /// Judges a whole delta.
    pub(super) fn judge_unit(
        &self,
        from: NodeId,
        complete: Complete,
        brought: &[Arc<NodeRecord>],
    ) -> Result<Judged, Reject> {
        let Complete { unit, marks } = complete;
        unit.validate().map_err(|_| Reject::Forged)?;
        let believed = self.judge_marks(&unit.vector, marks, brought)?;
        self.judge_stamps(from, &unit)?;
        Ok(Judged { unit, believed })
    }

    /// Merges a whole delta, after it was judged.
    pub(super) fn take_unit(&mut self, from: NodeId, judged: Judged) -> Result<(), Reject> {
        let Judged { unit, believed } = judged;
        let before = self.head.cells.vector().clone();
        self.note_restored(from, &unit.vector);
        let latest = unit.cells.iter().map(|(_, cell)| cell.touched()).max();
        let deep = unit.deep;
        let changes = self.head.cells.merge(unit).map_err(|_| Reject::Forged)?;
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
            let key = self.gossip_key(replica.node, brought).ok_or(Reject::Forged)?;
            if !mark.verify(&*key, &self.cluster) {
                return Err(Reject::Forged);
            }
            believed.push(mark);
        }
        Ok(believed)
    }

    /// The sender's own ops must carry stamps that its clock could have given; those of others were judged where they entered.
    fn judge_stamps(&self, from: NodeId, unit: &Unit<Key, Value>) -> Result<(), Reject> {
        let latest = self.now.wall.after(self.durable.config.gossip.max_clock_drift);
        let ops = unit.cells.iter().flat_map(|(_, cell)| cell.ops());
        let mut news = ops.filter(|op| op.dot.replica.node == from && !self.head.cells.vector().knows(op.dot));
        if news.any(|op| op.hlc.wall() > latest) { Err(Reject::ClockDrift) } else { Ok(()) }
    }

    /// The key of a node, as its record tells: one that is held, or one of those that were just brought and judged.
    fn gossip_key(&self, node: NodeId, brought: &[Arc<NodeRecord>]) -> Option<Arc<dyn crate::crypto::VerifyingKey>> {
        if node == self.head.identity.node {
            return self.crypto.ecdsa.verifying_key(&self.keys.gossip_key());
        }
        let recorded = self.head.nodes.get(&node).map(|record| &record.gossip_key);
        let pinned = || self.head.pinned.get(&node).map(|peer| &peer.gossip_key);
        let met = || brought.iter().find(|record| record.node == node).map(|record| &record.gossip_key);
        let point = recorded.or_else(pinned).or_else(met)?;
        self.verifiers.known(node, point).or_else(|| self.crypto.ecdsa.verifying_key(point))
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

/// The keys of a record that sign, or whose tokens are still about.
fn live_keys(record: &NodeRecord, now: Wall) -> impl Iterator<Item = &PublishedKey> {
    record.token_keys.iter().filter(move |key| match key.stage {
        KeyStage::Upcoming => false,
        KeyStage::Active => true,
        KeyStage::Retiring(until) => until > now,
    })
}

fn names(record: &NodeRecord, key: &PublishedKey) -> bool {
    record.token_keys.iter().any(|named| named.kid == key.kid)
}

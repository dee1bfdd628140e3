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
use crate::state::{Key, KeyStage, NodeRecord, RevokedId, Value, View};
use crate::time::Wall;
use crate::wire::mark::Mark;
use crate::wire::record;

/// A revocation that would have to be kept longer than this is not one of ours.
pub const MAX_REVOCATION_AHEAD: Duration = Duration::from_secs(400 * 24 * 3600);

impl Replica {
    /// Takes a record in, if it is valid and newer.
    pub(super) fn take_record(&mut self, raw: &[u8], signature: Signature) -> Result<(), Reject> {
        let record = record::decode(raw, signature).map_err(|_| Reject::Malformed)?;
        let known = self.head.nodes.get(&record.node);
        if known.is_some_and(|known| known.version >= record.version && known.raw == record.raw) {
            return Ok(());
        }
        admission::judge(&record, &self.crypto, &self.cluster)?;
        if record.node == self.head.identity.node {
            self.meet_own_record(&record);
        } else if known.is_none_or(|known| known.version < record.version) && self.head.nodes.len() < MAX_PEERS {
            let record = Arc::new(record);
            if self.head.pinned.contains_key(&record.node) && !record.address.is_empty() {
                self.gossip.meet(record.node, &record.address, self.now.tick);
            }
            if let Some(peer) = self.gossip.peers.get_mut(&record.node) {
                peer.stats.name = Some(record.name.clone());
            }
            self.put_record(record, false);
        }
        Ok(())
    }

    /// A peer shows a record of ours that we did not write in this life: from a former one, or from a clone.
    fn meet_own_record(&mut self, record: &NodeRecord) {
        let incarnation = self.head.identity.incarnation;
        if record.incarnation > incarnation {
            return self.superseded(record.incarnation);
        }
        if self.own_record().is_some_and(|own| own.version > record.version) && record.incarnation < incarnation {
            // Older, but it may name keys whose tokens are still about.
            self.adopt_orphans(record);
            return;
        }
        self.adopt_orphans(record);
        self.rewrite_record(record.version);
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
            (until > now).then(|| crate::state::PublishedKey { stage: KeyStage::Retiring(until), ..key.clone() })
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

    /// Merges a whole delta, after it was judged.
    pub(super) fn take_unit(&mut self, from: NodeId, complete: Complete) -> Result<(), Reject> {
        let Complete { unit, marks } = complete;
        let before = self.head.cells.vector().clone();
        let believed = self.judge_marks(from, &unit.vector, marks)?;
        self.judge_stamps(from, &unit)?;
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

    /// Every entry beyond what we hold needs its author's mark. One of ours, beyond what we hold, tells that we were
    /// restored from an older disk.
    fn judge_marks(&mut self, from: NodeId, vector: &VersionVector, marks: Vec<Mark>) -> Result<Vec<Mark>, Reject> {
        let mut offered: BTreeMap<ReplicaId, Mark> = BTreeMap::new();
        for mark in marks {
            let better = offered.get(&mark.replica).is_none_or(|known| known.seq < mark.seq);
            if better {
                offered.insert(mark.replica, mark);
            }
        }
        let mut believed = Vec::new();
        for (replica, seq) in vector.changes_since(self.head.cells.vector()) {
            let held = self.head.cells.vector().get(replica);
            if seq <= held {
                continue;
            }
            let mark = offered.remove(&replica).filter(|mark| mark.seq >= seq).ok_or(Reject::Forged)?;
            let key = self.gossip_key(replica.node).ok_or(Reject::Forged)?;
            if !mark.verify(&*key, &self.cluster) {
                return Err(Reject::Forged);
            }
            if replica.node == self.head.identity.node {
                self.hold(Held::Note(Fact::Restored { from, ops: seq - held }));
                if replica.incarnation == self.head.identity.incarnation {
                    self.superseded(replica.incarnation);
                    return Err(Reject::Superseded);
                }
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

    pub(super) fn gossip_key(&self, node: NodeId) -> Option<Arc<dyn crate::crypto::VerifyingKey>> {
        if node == self.head.identity.node {
            return self.crypto.ecdsa.verifying_key(&self.keys.gossip_key());
        }
        let recorded = self.head.nodes.get(&node).map(|record| &record.gossip_key);
        let point = recorded.or_else(|| self.head.pinned.get(&node).map(|peer| &peer.gossip_key))?;
        self.crypto.ecdsa.verifying_key(point)
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

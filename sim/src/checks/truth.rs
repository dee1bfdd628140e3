//! What a node holds is what a naive model says: the fold of all ops that its vector claims, no more and no less. And what a
//! node claims of another is durable at the other.

use symbolon_core::crdt::{NodeId, ReplicaId, VersionVector};
use symbolon_core::replica::{Fact, Reply};
use symbolon_core::state::{Key, View};

use super::{Check, Continuity, End, Kinds, Moment, Shows, Sight};
use crate::model::{Model, batch};

pub(super) struct Truth {
    model: Model,
    /// What the batches that went to each disk claim together.
    pending: Vec<VersionVector>,
    /// Keys of the commit that landed last, and whether a view was published since.
    fresh: Vec<(Vec<Key>, bool)>,
    /// Who is where.
    ids: Vec<NodeId>,
    /// What each node published last of its own.
    own: Vec<Option<(ReplicaId, u64)>>,
    /// What callers were promised, and when.
    promised: Vec<(u64, ReplicaId, u64)>,
    /// Nodes whose disks are no longer what they were.
    broken: Vec<bool>,
}

impl Truth {
    pub(super) fn new(nodes: usize) -> Truth {
        Truth {
            model: Model::default(),
            pending: vec![VersionVector::new(); nodes],
            fresh: vec![(Vec::new(), false); nodes],
            ids: vec![NodeId::default(); nodes],
            own: vec![None; nodes],
            promised: Vec::new(),
            broken: vec![false; nodes],
        }
    }

    fn whole(&self, view: &View) -> Result<(), String> {
        let mut keys: Vec<_> = self.model.keys().collect();
        keys.extend(view.cells.iter().map(|(key, _)| key));
        keys.sort_unstable();
        keys.dedup();
        keys.into_iter().try_for_each(|key| self.model.compare(view, key))
    }

    fn published(&mut self, node: usize, before: &View, after: &View) -> Result<(), String> {
        for (replica, seq) in after.cells.vector().changes_since(before.cells.vector()) {
            let durable = self.model.durable(replica);
            if seq > durable {
                let dot = replica.dot(seq);
                return Err(format!("{dot} is known here, and its author has not made it durable"));
            }
        }
        let id = ReplicaId { node: after.identity.node, incarnation: after.identity.incarnation };
        self.own[node] = Some((id, after.cells.vector().get(id)));
        self.fresh[node].1 = true;
        self.fresh[node].0.iter().try_for_each(|key| self.model.compare(after, key))
    }
}

impl Check for Truth {
    fn name(&self) -> &'static str {
        "truth"
    }

    fn watches(&self) -> Kinds {
        Kinds::BOOTED | Kinds::WROTE | Kinds::LANDED | Kinds::PUBLISHED | Kinds::LIED | Kinds::ANSWERED | Kinds::NOTED
    }

    fn see(&mut self, moment: Moment<'_>, sight: &Sight<'_>) -> Result<(), String> {
        let node = moment.node;
        match sight {
            Sight::Booted { view, disk } => {
                self.pending[node] = view.cells.vector().clone();
                self.own[node] = None;
                self.fresh[node].0.clear();
                self.ids[node] = view.identity.node;
                self.broken[node] |= *disk == Continuity::Broken;
                self.whole(view)?;
            }
            Sight::Wrote(batch) => self.model.wrote(&mut self.pending[node], batch),
            Sight::Landed(rows) => {
                self.model.landed(self.ids[node], rows);
                let (keys, published) = &mut self.fresh[node];
                if std::mem::take(published) {
                    keys.clear();
                }
                keys.extend(batch::keys(rows));
            }
            Sight::Published { before, after, .. } => self.published(node, before, after)?,
            Sight::Lied { lie, .. } if lie.shows != Shows::Always => self.model.lied(lie.dot),
            Sight::Answered { reply, view, .. } if changed(reply) => {
                let id = ReplicaId { node: view.identity.node, incarnation: view.identity.incarnation };
                self.promised.push((moment.at_ms, id, view.cells.vector().get(id)));
            }
            // Where answers are not seen: a change is noted as it is acknowledged, after the view that shows it.
            Sight::Noted(Fact::Changed { .. }) => {
                if let Some((id, seq)) = self.own[node] {
                    self.promised.push((moment.at_ms, id, seq));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, end: &End<'_>) -> Result<(), String> {
        end.nodes.iter().try_for_each(|standing| self.whole(standing.view))?;
        for standing in end.nodes.iter().filter(|standing| !self.broken[standing.node]) {
            let node = standing.view.identity.node;
            let in_time =
                |(at_ms, replica, _): &&(u64, ReplicaId, u64)| *at_ms < end.stood_ms && replica.node == node;
            for (_, replica, seq) in self.promised.iter().copied().filter(|promise| in_time(&promise)) {
                if let Some(other) = end.nodes.iter().find(|other| other.view.cells.vector().get(replica) < seq) {
                    let (dot, other) = (replica.dot(seq), end.name(other.node));
                    return Err(format!("{dot} was acknowledged, and {other} lacks it"));
                }
            }
        }
        Ok(())
    }
}

fn changed(reply: &Reply) -> bool {
    match reply {
        Reply::Done(receipt) | Reply::ClientCreated { receipt, .. } => receipt.changed,
        Reply::LoggedIn { .. } | Reply::Pulled | Reply::Stats(_) | Reply::Refused(_) => false,
    }
}

//! What a node holds never goes back, across crash and restart, while its disk is its own.

use std::collections::BTreeMap;

use symbolon_core::crdt::{NodeId, VersionVector};
use symbolon_core::state::RevokedId;
use symbolon_core::time::Wall;

use super::{Check, Continuity, Kinds, Moment, Sight};

pub(super) struct Vector {
    held: Vec<VersionVector>,
    marks: Vec<Wall>,
    revoked: Vec<Vec<(Wall, RevokedId)>>,
    records: Vec<BTreeMap<NodeId, u64>>,
}

impl Vector {
    pub(super) fn new(nodes: usize) -> Vector {
        Vector {
            held: vec![VersionVector::new(); nodes],
            marks: vec![Wall(0); nodes],
            revoked: vec![Vec::new(); nodes],
            records: vec![BTreeMap::new(); nodes],
        }
    }
}

impl Check for Vector {
    fn name(&self) -> &'static str {
        "vector"
    }

    fn watches(&self) -> Kinds {
        Kinds::BOOTED | Kinds::PUBLISHED
    }

    fn see(&mut self, moment: Moment<'_>, sight: &Sight<'_>) -> Result<(), String> {
        let (view, same_records) = match sight {
            Sight::Booted { disk: Continuity::Broken, .. } => {
                self.held[moment.node] = VersionVector::new();
                self.marks[moment.node] = Wall(0);
                self.revoked[moment.node].clear();
                self.records[moment.node].clear();
                return Ok(());
            }
            Sight::Booted { view, disk: Continuity::Kept } => (view, false),
            // Records that are those of the last view, all of them, went neither back nor forth.
            Sight::Published { before, after, .. } => (after, before.nodes.ptr_eq(&after.nodes)),
            _ => return Ok(()),
        };
        let held = &mut self.held[moment.node];
        if !view.cells.vector().covers(held) {
            let lost = held.changes_since(view.cells.vector());
            let lost: Vec<_> = lost.into_iter().map(|(replica, seq)| replica.dot(seq).to_string()).collect();
            return Err(format!("what was published is gone: {}", lost.join(", ")));
        }
        *held = view.cells.vector().clone();
        if view.revoked.mark() < self.marks[moment.node] {
            return Err("the purge mark went back".into());
        }
        self.marks[moment.node] = view.revoked.mark();
        for record in view.nodes.values().filter(|_| !same_records) {
            let known = self.records[moment.node].entry(record.node).or_default();
            if record.version < *known {
                return Err(format!("a record of {} went back", record.name));
            }
            *known = record.version;
        }
        let revoked = &mut self.revoked[moment.node];
        if let Some((_, id)) = revoked
            .iter()
            .find(|(expiry, id)| !view.revoked.contains(id) && !view.revoked.is_expired_for_ever(*expiry))
        {
            return Err(format!("the revocation of {id:?} is gone"));
        }
        if revoked.len() != view.revoked.len() {
            *revoked = view.revoked.iter().map(|(expiry, id)| (expiry, *id)).collect();
        }
        Ok(())
    }
}

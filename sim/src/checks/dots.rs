//! A name is used once: no incarnation begins twice, and no dot names two ops.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use foldhash::fast::FixedState;
use symbolon_core::crdt::{Cell, Dot, Hlc, Op, ReplicaId};

use super::{Check, Kinds, Moment, Sight};
use crate::history::names;
use symbolon_core::state::{Key, Value};

#[derive(Default)]
pub(super) struct Dots {
    ops: HashMap<Dot, (Key, Hlc), FixedState>,
    lives: BTreeSet<ReplicaId>,
    nodes: BTreeMap<usize, symbolon_core::crdt::NodeId>,
}

impl Dots {
    /// An op that is made now is stamped later than all that its author had seen of the key.
    fn own_is_latest(&self, node: usize, cell: &Cell<Value>) -> Result<(), String> {
        let is_new =
            |op: &&Op<Value>| self.nodes.get(&node) == Some(&op.dot.replica.node) && !self.ops.contains_key(&op.dot);
        let Some(own) = cell.ops().iter().find(is_new) else { return Ok(()) };
        let later = cell.ops().iter().find(|op| op.dot != own.dot && op.hlc >= own.hlc);
        later.map_or(Ok(()), |seen| {
            let (own_at, seen_at) = (own.hlc, seen.hlc);
            Err(format!("{} follows {}, and is stamped {own_at}, not later than {seen_at}", own.dot, seen.dot))
        })
    }
}

impl Check for Dots {
    fn name(&self) -> &'static str {
        "dots"
    }

    fn watches(&self) -> Kinds {
        Kinds::BOOTED | Kinds::WROTE
    }

    fn see(&mut self, moment: Moment<'_>, sight: &Sight<'_>) -> Result<(), String> {
        match sight {
            Sight::Booted { view, .. } => {
                let node = view.identity.node;
                self.nodes.insert(moment.node, node);
                let life = ReplicaId { node, incarnation: view.identity.incarnation };
                if !self.lives.insert(life) {
                    return Err(format!("{} began a life under a name that it had before", moment.name()));
                }
            }
            Sight::Wrote(batch) => {
                for (key, cell) in batch.cells() {
                    self.own_is_latest(moment.node, cell)?;
                    for op in cell.ops() {
                        let known = self.ops.entry(op.dot).or_insert_with(|| (key.clone(), op.hlc));
                        if (&known.0, known.1) != (key, op.hlc) {
                            let (one, other) = (names::cell(&known.0), names::cell(key));
                            return Err(format!("{} names two changes: of {one}, and of {other}", op.dot));
                        }
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }
}

//! The reference model: every op that was ever made, with what its author had seen, and a fold that is naive on purpose. It
//! knows no contexts, no deltas, no dropped cells: what a set of ops means is computed from the set alone.

pub mod batch;
mod meaning;

use std::collections::HashMap;

use foldhash::fast::FixedState;
use symbolon_core::crdt::{Dot, NodeId, ReplicaId, VersionVector};
use symbolon_core::replica::Row;
use symbolon_core::state::{Key, View};

use crate::history::names::cell;

pub use batch::Batch;
pub use meaning::{ClientMeaning, Judgement, Meaning, Sense};

/// One op as its author made it.
struct Op {
    dot: Dot,
    /// Everything that its author held then.
    saw: VersionVector,
    is_value: bool,
}

/// All ops.
#[derive(Default)]
pub struct Model {
    ops: HashMap<Key, Vec<Op>, FixedState>,
    durable: HashMap<ReplicaId, u64, FixedState>,
}

impl Model {
    /// A batch goes to a disk whose earlier batches claim `pending` together: its author's new ops enter the model.
    pub fn wrote(&mut self, pending: &mut VersionVector, batch: &Batch<'_>) {
        let before = pending.clone();
        for (replica, seq) in batch::vector(batch.rows()) {
            pending.raise(replica, seq);
        }
        for (key, cell) in batch.cells() {
            for op in cell.ops().iter().filter(|op| !before.knows(op.dot)) {
                let ops = self.ops.entry(key.clone()).or_default();
                if ops.iter().all(|known| known.dot != op.dot) {
                    ops.push(Op { dot: op.dot, saw: pending.clone(), is_value: op.value.is_some() });
                }
            }
        }
    }

    /// A batch is durable at this node: what it claims of the node's own ops is.
    pub fn landed(&mut self, node: NodeId, rows: &[Row]) {
        for (replica, seq) in batch::vector(rows).filter(|(replica, _)| replica.node == node) {
            let durable = self.durable.entry(replica).or_default();
            *durable = seq.max(*durable);
        }
    }

    /// Somebody claims this op in its author's hand, and no disk of the author's holds it.
    pub fn lied(&mut self, dot: Dot) {
        let durable = self.durable.entry(dot.replica).or_default();
        *durable = dot.seq.max(*durable);
    }

    /// How many ops of this author were ever durable at itself.
    pub fn durable(&self, replica: ReplicaId) -> u64 {
        self.durable.get(&replica).copied().unwrap_or(0)
    }

    /// Every key that an op ever touched, in no order.
    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        self.ops.keys()
    }

    /// The dots of the values that stand under a key, of the ops in this vector: those that no other of them had seen.
    fn fold<'a>(&'a self, key: &Key, held: &'a VersionVector) -> impl Iterator<Item = Dot> + 'a {
        let ops = self.ops.get(key).map_or(&[][..], Vec::as_slice);
        let seen = |op: &Op| ops.iter().any(|other| held.knows(other.dot) && other.has_seen(op.dot));
        ops.iter().filter(move |op| op.is_value && held.knows(op.dot) && !seen(op)).map(|op| op.dot)
    }

    /// Whether a view holds under a key what its vector says.
    ///
    /// # Errors
    /// Both sides.
    pub fn compare(&self, view: &View, key: &Key) -> Result<(), String> {
        let found = view.cells.get(key);
        let held = || found.into_iter().flat_map(|cell| cell.siblings().map(|sibling| sibling.dot));
        let expected = || self.fold(key, view.cells.vector());
        let is_held = |dot: Dot| found.is_some_and(|cell| cell.sibling(dot).is_some());
        let common = expected().try_fold(0, |count, dot| is_held(dot).then_some(count + 1));
        if common == Some(held().count()) {
            return Ok(());
        }
        let mut expected: Vec<Dot> = expected().collect();
        expected.sort_unstable();
        let names = |dots: &[Dot]| dots.iter().map(Dot::to_string).collect::<Vec<_>>().join(", ");
        let held: Vec<Dot> = held().collect();
        Err(format!("{} is [{}], and the changes that are held mean [{}]", cell(key), names(&held), names(&expected)))
    }
}

impl Op {
    /// An author had seen its own earlier ops, and whatever its vector held.
    fn has_seen(&self, dot: Dot) -> bool {
        if dot.replica == self.dot.replica { dot.seq < self.dot.seq } else { self.saw.knows(dot) }
    }
}

//! Known mistakes, one rule of the dotted store left out at a time, to prove that the tests would find them. It is compiled
//! under the feature `zoo` only and never part of a build that serves.

use super::delta::{Changes, Unit};
use super::digest::Fingerprint;
use super::store::DottedStore;
use super::vector::VersionVector;

/// A rule that a store leaves out. Mistakes that a caller can make from outside are made by the tests themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// What was seen here and is gone may come back: a merge asks the cell alone what was seen, not the vector.
    SeenMayComeBack,
    /// A merge asks the sender's cell alone what was seen there, not the sender's vector.
    SenderVectorIgnored,
    /// A merge applies cells and leaves the vector behind, as if parts were applied as they come.
    VectorHeldBack,
}

impl<K: Ord + Clone, V: Clone> DottedStore<K, V> {
    /// Makes this store, and its clones, leave out a rule; or follow all of them again.
    pub fn plant(&mut self, bug: Option<Bug>) {
        self.bug = bug;
    }
}

impl<K: Ord + Clone + Fingerprint, V: Clone + Fingerprint> DottedStore<K, V> {
    pub(super) fn merge_wrongly(&mut self, unit: Unit<K, V>, bug: Bug) -> Changes<K> {
        let mut changes = Changes::default();
        let held = self.vector.clone();
        if unit.deep && bug != Bug::VectorHeldBack {
            self.let_go(&unit, &mut changes);
        }
        let there = if bug == Bug::SenderVectorIgnored { VersionVector::new() } else { unit.vector.clone() };
        if bug == Bug::SeenMayComeBack {
            self.vector = VersionVector::new();
        }
        for (key, theirs) in unit.cells {
            self.merge_cell(key, &theirs, &there, &mut changes);
        }
        self.vector = held;
        if bug != Bug::VectorHeldBack {
            changes.advanced = self.raise(&unit.vector, unit.deep.then_some(&unit.floor));
        }
        changes
    }
}

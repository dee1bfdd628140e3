//! The dotted store: keys to cells, and what is needed to send, forget and compare them. It resolves no siblings and
//! knows no peers.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::{Bound, RangeBounds};

use imbl::{OrdMap, OrdSet};

use super::cell::{Cell, Op};
use super::clock::Hlc;
use super::delta::{Changes, Unit};
use super::digest::{BUCKETS, Buckets, Digest, Fingerprint, KeyHash};
use super::dot::{Dot, ReplicaId};
use super::fault::UnitFault;
use super::index::Index;
use super::vector::VersionVector;
use crate::zoo::{self, Bug};

/// A replicated map with removal. Cloning is O(1), and a clone is an immutable view of its moment.
///
/// Always true: no cell's context, and no part of the floor, runs ahead of the vector.
#[derive(Clone)]
pub struct DottedStore<K: Ord + Clone, V: Clone> {
    vector: VersionVector,
    floor: VersionVector,
    cells: OrdMap<K, Cell<V>>,
    index: Index<K>,
    /// The cells without siblings, by the stamp of their latest op: forgetting looks at nothing else.
    empty: OrdSet<(Hlc, K)>,
    digest: Buckets,
}

impl<K: Ord + Clone, V: Clone> DottedStore<K, V> {
    /// A store that holds nothing.
    pub fn new() -> DottedStore<K, V> {
        DottedStore {
            vector: VersionVector::new(),
            floor: VersionVector::new(),
            cells: OrdMap::new(),
            index: Index::default(),
            empty: OrdSet::new(),
            digest: Buckets::default(),
        }
    }

    /// What is held.
    pub fn vector(&self) -> &VersionVector {
        &self.vector
    }

    /// The join of the contexts of all cells that were dropped: a peer below it must be told everything.
    pub fn floor(&self) -> &VersionVector {
        &self.floor
    }

    /// The cell of a key, which may be empty.
    pub fn get<Q>(&self, key: &Q) -> Option<&Cell<V>>
    where
        Q: Ord + ?Sized,
        K: std::borrow::Borrow<Q>,
    {
        self.cells.get(key)
    }

    /// All cells, also empty ones, in the order of their keys.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &Cell<V>)> + '_ {
        self.cells.iter()
    }

    /// The cells of a range of keys.
    pub fn range<'a, Q>(&'a self, range: impl RangeBounds<Q> + 'a) -> impl Iterator<Item = (&'a K, &'a Cell<V>)> + 'a
    where
        Q: Ord + ?Sized + 'a,
        K: std::borrow::Borrow<Q>,
    {
        self.cells.range(range)
    }

    /// How many cells there are, with the empty ones.
    pub fn len(&self) -> usize {
        self.cells.len()
    }

    /// Whether there is no cell at all.
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// How many keys have a sibling.
    pub fn live_len(&self) -> usize {
        self.cells.len() - self.empty.len()
    }

    /// The digest of all live siblings.
    pub fn root(&self) -> Digest {
        self.digest.root()
    }

    /// The digests by a hash of the key; their sum is the root.
    pub fn buckets(&self) -> [Digest; BUCKETS] {
        self.digest.digests()
    }

    pub(super) fn uncovered(&self, peer: &VersionVector) -> Vec<K> {
        self.index.uncovered(&self.vector, peer)
    }

    /// Drops the empty cells that every member acknowledged, and raises the floor by their contexts. Give the
    /// acknowledged vector of *each* other member: one left out may bring back what it never saw removed.
    pub fn drop_empty(&mut self, acknowledged: &[&VersionVector]) -> Vec<K> {
        self.drop_where(Bound::Unbounded, |cell| acknowledged.iter().all(|vector| cell.is_covered_by(vector)))
    }

    /// Drops the empty cells whose latest op was stamped before `horizon`, whoever has acknowledged them: members that
    /// have not are below the floor from now on, and take the deep path.
    pub fn drop_before_horizon(&mut self, horizon: Hlc) -> Vec<K> {
        self.drop_where(Bound::Excluded(horizon), |_| true)
    }

    fn drop_where(&mut self, until: Bound<Hlc>, stable: impl Fn(&Cell<V>) -> bool) -> Vec<K> {
        let due = |touched: &Hlc| (Bound::Unbounded, until).contains(touched);
        let mut dropped = Vec::new();
        for (touched, key) in self.empty.iter().take_while(|(touched, _)| due(touched)) {
            let cell = self.cells.get(key).expect("an empty cell is a cell");
            if cell.is_covered_by(&self.vector) && stable(cell) {
                dropped.push((*touched, key.clone(), cell.clone()));
            }
        }
        for (touched, key, cell) in &dropped {
            self.cells.remove(key);
            self.empty.remove(&(*touched, key.clone()));
            for dot in cell.context() {
                self.index.remove(dot, key);
                let lost = [Bug::FloorLost, Bug::TombstonesDroppedEarly, Bug::ShallowContext];
                if !lost.into_iter().any(zoo::on) {
                    self.floor.raise(dot.replica, dot.seq);
                }
            }
        }
        dropped.into_iter().map(|(_, key, _)| key).collect()
    }
}

impl<K: Ord + Clone + Fingerprint, V: Clone + Fingerprint> DottedStore<K, V> {
    /// A store from recovered rows.
    pub fn load(
        vector: VersionVector,
        floor: VersionVector,
        cells: impl IntoIterator<Item = (K, Cell<V>)>,
    ) -> Result<DottedStore<K, V>, UnitFault> {
        let mut store = DottedStore::new();
        let cells = cells.into_iter().collect();
        store.merge(Unit { cells, vector, floor, deep: true })?;
        Ok(store)
    }

    /// Writes a value in the name of `replica`, in place of every sibling that is here.
    pub fn write(&mut self, replica: ReplicaId, key: K, value: V, hlc: Hlc) -> Dot {
        self.apply(replica, key, Some(value), hlc)
    }

    /// Removes every sibling that is here, in the name of `replica`. Without any it does nothing and takes no dot.
    pub fn remove(&mut self, replica: ReplicaId, key: &K, hlc: Hlc) -> Option<Dot> {
        self.get(key)?.is_live().then(|| self.apply(replica, key.clone(), None, hlc))
    }

    fn apply(&mut self, replica: ReplicaId, key: K, value: Option<V>, hlc: Hlc) -> Dot {
        let mut last = self.vector.get(replica);
        if zoo::on(Bug::CounterFromCells) {
            last = self.cells.values().filter_map(|cell| Some(cell.op_of(replica)?.dot.seq)).max().unwrap_or(0);
        }
        let dot = replica.dot(last + 1);
        let before = self.cells.get(&key).cloned();
        let cell = Cell::after(before.as_ref(), Op { dot, hlc, value });
        self.vector.raise(replica, dot.seq);
        self.put(key, before, cell);
        if zoo::on(Bug::ShallowContext) {
            self.drop_where(Bound::Unbounded, |_| true);
        }
        dot
    }

    /// Merges a whole delta, or refuses it whole. Afterwards the vector covers the unit's. This store must still hold what
    /// the unit was cut for ([`Cut::base`](super::Cut::base)), since the unit leaves that out.
    pub fn merge(&mut self, unit: Unit<K, V>) -> Result<Changes<K>, UnitFault> {
        unit.validate()?;
        let mut changes = Changes::default();
        if unit.deep && !zoo::on(Bug::VectorHeldBack) {
            self.let_go(&unit, &mut changes);
        }
        for (key, theirs) in unit.cells {
            self.merge_cell(key, &theirs, &unit.vector, &mut changes);
        }
        changes.advanced = self.raise(&unit.vector, unit.deep.then_some(&unit.floor));
        for key in &changes.put {
            let covered = self.cells.get(key).is_some_and(|cell| cell.is_covered_by(&self.vector));
            assert!(covered || zoo::on(Bug::VectorHeldBack), "no context runs ahead of the vector");
        }
        Ok(changes)
    }

    /// A deep unit holds all that its sender had: what the sender has seen and does not hold any more is gone. Cells that
    /// the unit carries are merged by the same rule.
    fn let_go(&mut self, unit: &Unit<K, V>, changes: &mut Changes<K>) {
        let carried: BTreeSet<&K> = unit.cells.iter().map(|(key, _)| key).collect();
        let seen = |dot| unit.vector.knows(dot) || zoo::on(Bug::DeepDeletesByAbsence);
        let gone: Vec<_> = self
            .cells
            .iter()
            .filter(|(key, _)| !carried.contains(key))
            .filter_map(|(key, cell)| Some((key.clone(), cell.clone(), cell.without(seen)?)))
            .collect();
        for (key, before, after) in gone {
            changes.note(&key, true, after.is_live());
            self.put(key, Some(before), after);
        }
    }

    fn merge_cell(&mut self, key: K, theirs: &Cell<V>, there: &VersionVector, changes: &mut Changes<K>) {
        let before = self.cells.get(&key).cloned();
        let nothing = VersionVector::new();
        let here = if zoo::on(Bug::SeenMayComeBack) { &nothing } else { &self.vector };
        let there = if zoo::on(Bug::SenderVectorIgnored) { &nothing } else { there };
        let merged = Cell::merge(before.as_ref(), theirs, |dot| here.knows(dot), |dot| there.knows(dot));
        match &before {
            Some(before) if before.same_dots(&merged) => return,
            // The cell was dropped here before, and tells nothing new.
            None if !merged.is_live() && merged.is_covered_by(here) => return,
            Some(_) | None => {}
        }
        changes.note(&key, before.as_ref().is_some_and(Cell::is_live), merged.is_live());
        self.put(key, before, merged);
    }

    fn raise(&mut self, vector: &VersionVector, floor: Option<&VersionVector>) -> bool {
        if zoo::on(Bug::VectorHeldBack) {
            return false;
        }
        let advanced = !self.vector.covers(vector) || floor.is_some_and(|floor| !self.floor.covers(floor));
        self.vector.join(vector);
        if let Some(floor) = floor {
            self.floor.join(floor);
        }
        advanced
    }

    /// The one place where a cell changes, so that index, empty keys and digest follow it.
    fn put(&mut self, key: K, before: Option<Cell<V>>, after: Cell<V>) {
        let hash = KeyHash::of(&key);
        if let Some(before) = &before {
            before
                .siblings()
                .filter(|old| after.sibling(old.dot).is_none() && !zoo::on(Bug::DigestKeepsTheDead))
                .for_each(|old| self.digest.subtract(&hash, hash.sibling(old)));
            if !before.is_live() {
                self.empty.remove(&(before.touched(), key.clone()));
            }
            for dot in before.context() {
                if after.op_of(dot.replica).is_none_or(|op| op.dot != dot) {
                    self.index.remove(dot, &key);
                }
            }
        }
        let had = |dot: Dot| before.as_ref().is_some_and(|before| before.sibling(dot).is_some());
        after.siblings().filter(|new| !had(new.dot)).for_each(|new| self.digest.add(&hash, hash.sibling(new)));
        if !after.is_live() {
            self.empty.insert((after.touched(), key.clone()));
        }
        for dot in after.context() {
            if before.as_ref().and_then(|before| before.op_of(dot.replica)).is_none_or(|op| op.dot != dot) {
                self.index.insert(dot, key.clone());
            }
        }
        self.cells.insert(key, after);
    }

    /// The digests computed anew from the cells, to be compared with [`buckets`](Self::buckets).
    pub fn recompute(&self) -> [Digest; BUCKETS] {
        let mut digest = Buckets::default();
        for (key, cell) in self.iter() {
            let hash = KeyHash::of(key);
            cell.siblings().for_each(|sibling| digest.add(&hash, hash.sibling(sibling)));
        }
        digest.digests()
    }

    /// Checks every promise of this store to itself: for tests, simulations and the scrub. Costs a scan.
    ///
    /// # Panics
    /// If one is broken.
    pub fn assert_sound(&self) {
        assert!(self.vector.covers(&self.floor), "the floor runs ahead of the vector");
        let mut postings: Vec<(Dot, &K)> = Vec::new();
        let mut empty: Vec<(Hlc, &K)> = Vec::new();
        for (key, cell) in self.iter() {
            assert!(cell.is_covered_by(&self.vector), "a context runs ahead of the vector");
            postings.extend(cell.context().map(|dot| (dot, key)));
            if !cell.is_live() {
                empty.push((cell.touched(), key));
            }
        }
        postings.sort_unstable();
        empty.sort_unstable();
        assert!(self.index.iter().eq(postings), "the index differs from the contexts");
        assert!(self.empty.iter().map(|(touched, key)| (*touched, key)).eq(empty), "the empty keys differ");
        assert!(self.buckets() == self.recompute(), "the digest differs from the siblings");
    }
}

/// Sizes alone: values may be secrets, and a store may be large.
impl<K: Ord + Clone, V: Clone> fmt::Debug for DottedStore<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DottedStore")
            .field("vector", &self.vector)
            .field("floor", &self.floor)
            .field("cells", &self.len())
            .field("live", &self.live_len())
            .finish_non_exhaustive()
    }
}

impl<K: Ord + Clone, V: Clone> Default for DottedStore<K, V> {
    fn default() -> Self {
        DottedStore::new()
    }
}

impl<K: Clone> Changes<K> {
    fn note(&mut self, key: &K, was_live: bool, is_live: bool) {
        self.put.push(key.clone());
        match (was_live, is_live) {
            (false, true) => self.born.push(key.clone()),
            (true, false) => self.died.push(key.clone()),
            (true, true) | (false, false) => {}
        }
    }
}

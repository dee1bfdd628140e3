//! Deltas: a cut of one immutable view, sent in parts and merged as one unit. Nothing here knows how parts travel.

use std::ops::Bound;

use super::cell::Cell;
use super::digest::Fingerprint;
use super::dot::MAX_SEQ;
use super::fault::UnitFault;
use super::store::DottedStore;
use super::vector::VersionVector;
use crate::zoo::{self, Bug};

/// What a peer lacks, cut from one view of the store. It keeps that view, so that parts can be produced, and produced
/// again, while the store moves on. Cloning is O(1) but for the list of changed keys.
#[derive(Clone)]
pub struct Cut<K: Ord + Clone, V: Clone> {
    view: DottedStore<K, V>,
    choice: Choice<K>,
    base: VersionVector,
    /// The last key of each part produced so far.
    ends: Vec<Option<K>>,
}

#[derive(Clone)]
enum Choice<K> {
    /// These cells, in order: the peer's vector does not cover their contexts.
    Listed(Vec<K>),
    /// Every cell, the deep path: cells that the peer has not seen the end of may have been dropped.
    Everything,
}

/// Some cells of a cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part<K, V> {
    /// Its place in the cut, from 0.
    pub index: usize,
    /// The cells, in the order of their keys.
    pub cells: Vec<(K, Cell<V>)>,
    /// Whether it ends the cut.
    pub last: bool,
}

/// A whole delta, as it is merged: all parts of one cut, and the vector of the view that they were cut from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit<K, V> {
    /// The cells of all parts, in any order.
    pub cells: Vec<(K, Cell<V>)>,
    /// What the sender held when it cut: its whole vector.
    pub vector: VersionVector,
    /// The join of the contexts that the sender had dropped.
    pub floor: VersionVector,
    /// Whether the cells are all that the sender had.
    pub deep: bool,
}

/// What a merge changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changes<K> {
    /// Keys whose cell is new or differs, each once: the rows to write.
    pub put: Vec<K>,
    /// Of these, the keys that had no sibling and have one now.
    pub born: Vec<K>,
    /// Of these, the keys that had a sibling and have none now.
    pub died: Vec<K>,
    /// Whether the vector or the floor rose.
    pub advanced: bool,
}

impl<K: Ord + Clone, V: Clone> Cut<K, V> {
    pub(super) fn new(view: DottedStore<K, V>, peer: &VersionVector) -> Cut<K, V> {
        let shallow = peer.covers(view.floor()) || zoo::on(Bug::NoDeepPath);
        let choice = if shallow { Choice::Listed(view.uncovered(peer)) } else { Choice::Everything };
        Cut { view, choice, base: peer.clone(), ends: Vec::new() }
    }

    /// The vector that this was cut for. The cut leaves out what it covers, so whoever does not hold all of it any more,
    /// such as a peer whose disk went back meanwhile, must not merge the cut.
    pub fn base(&self) -> &VersionVector {
        &self.base
    }

    /// The vector of the view.
    pub fn vector(&self) -> &VersionVector {
        self.view.vector()
    }

    /// The floor of the view.
    pub fn floor(&self) -> &VersionVector {
        self.view.floor()
    }

    /// Whether the peer lacks something that was dropped since, and therefore gets every cell.
    pub fn is_deep(&self) -> bool {
        matches!(self.choice, Choice::Everything)
    }

    /// Whether the peer already holds all that the view holds.
    pub fn is_empty(&self) -> bool {
        self.base.covers(self.view.vector())
    }

    /// How many cells the parts will carry in all.
    pub fn cell_count(&self) -> usize {
        match &self.choice {
            Choice::Listed(keys) => keys.len(),
            Choice::Everything => self.view.len(),
        }
    }

    /// The next part: at most `max_cells` cells of at most `max_bytes` together, as `size` counts them, but always one
    /// if any are left. Each cut has a last part, which is empty if there is nothing to carry. `None` after the last.
    pub fn next_part(
        &mut self,
        max_cells: usize,
        size: impl Fn(&K, &Cell<V>) -> usize,
        max_bytes: usize,
    ) -> Option<Part<K, V>> {
        if self.is_finished() {
            return None;
        }
        let mut cells: Vec<(K, Cell<V>)> = Vec::new();
        let mut bytes = 0;
        let mut last = true;
        for (key, cell) in self.after(self.ends.last().and_then(Option::as_ref)) {
            bytes += size(key, cell);
            if !cells.is_empty() && (cells.len() >= max_cells || bytes > max_bytes) {
                last = false;
                break;
            }
            cells.push((key.clone(), cell.clone()));
        }
        let index = self.ends.len();
        self.ends.push(if last { None } else { cells.last().map(|(key, _)| key.clone()) });
        Some(Part { index, cells, last })
    }

    /// A part that was produced before, the same again.
    pub fn part(&self, index: usize) -> Option<Part<K, V>> {
        let end = self.ends.get(index)?.as_ref();
        let start = index.checked_sub(1).and_then(|before| self.ends[before].as_ref());
        let cells = self
            .after(start)
            .take_while(|(key, _)| end.is_none_or(|end| *key <= end))
            .map(|(key, cell)| (key.clone(), cell.clone()))
            .collect();
        Some(Part { index, cells, last: end.is_none() })
    }

    /// How many parts were produced so far.
    pub fn produced(&self) -> usize {
        self.ends.len()
    }

    /// Whether the last part was produced.
    pub fn is_finished(&self) -> bool {
        matches!(self.ends.last(), Some(None))
    }

    /// The whole cut at once.
    pub fn unit(&self) -> Unit<K, V> {
        Unit {
            cells: self.after(None).map(|(key, cell)| (key.clone(), cell.clone())).collect(),
            vector: self.vector().clone(),
            floor: self.floor().clone(),
            deep: self.is_deep(),
        }
    }

    fn after<'a>(&'a self, start: Option<&'a K>) -> Box<dyn Iterator<Item = (&'a K, &'a Cell<V>)> + 'a> {
        match &self.choice {
            Choice::Listed(keys) => {
                let from = start.map_or(0, |start| keys.partition_point(|key| key <= start));
                Box::new(keys[from..].iter().filter_map(|key| Some((key, self.view.get(key)?))))
            }
            Choice::Everything => {
                let from = start.map_or(Bound::Unbounded, Bound::Excluded);
                Box::new(self.view.range::<K>((from, Bound::Unbounded)))
            }
        }
    }
}

impl<K: Ord, V> Unit<K, V> {
    /// Whether an honest peer could have cut this. What it says of others' ops is believed only as far as their signed
    /// marks reach; that is judged before, where frames are opened.
    pub fn validate(&self) -> Result<(), UnitFault> {
        if self.vector.iter().any(|(_, seq)| seq > MAX_SEQ) {
            return Err(UnitFault::SequenceOutOfRange);
        }
        if !self.vector.covers(&self.floor) {
            return Err(UnitFault::FloorBeyondVector);
        }
        if self.cells.iter().any(|(_, cell)| !cell.is_covered_by(&self.vector)) {
            return Err(UnitFault::ContextBeyondVector);
        }
        // An honest cut is in the order of its keys, and then each is there once.
        let keys = || self.cells.iter().map(|(key, _)| key);
        if !keys().is_sorted_by(|before, after| before < after) && repeats(keys().collect()) {
            return Err(UnitFault::RepeatedKey);
        }
        if repeats(self.cells.iter().flat_map(|(_, cell)| cell.context()).collect()) {
            return Err(UnitFault::RepeatedDot);
        }
        Ok(())
    }
}

/// Whether something is there twice.
fn repeats<T: Ord>(mut items: Vec<T>) -> bool {
    items.sort_unstable();
    items.windows(2).any(|pair| pair[0] == pair[1])
}

impl<K> Default for Changes<K> {
    fn default() -> Self {
        Changes { put: Vec::new(), born: Vec::new(), died: Vec::new(), advanced: false }
    }
}

impl<K> Changes<K> {
    /// Whether nothing has to be written.
    pub fn is_empty(&self) -> bool {
        self.put.is_empty() && !self.advanced
    }
}

impl<K: Ord + Clone + Fingerprint, V: Clone + Fingerprint> DottedStore<K, V> {
    /// What a peer that holds `peer` lacks. Costs what changed since, not what is held.
    pub fn cut(&self, peer: &VersionVector) -> Cut<K, V> {
        Cut::new(self.clone(), peer)
    }
}

//! Version vectors: what a replica holds, as one high-water mark per author. A vector never claims an op that is not held.

use std::cmp::Ordering;
use std::sync::Arc;

use super::dot::{Dot, ReplicaId};

/// For each replica id the sequence number up to which every op is held. Cloning is O(1); what changes a shared one copies it.
///
/// Vectors are compared far more often than they grow, so the marks lie side by side, in the order of their authors.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VersionVector {
    marks: Arc<Vec<(ReplicaId, u64)>>,
}

impl VersionVector {
    /// The vector of a replica that holds nothing.
    pub fn new() -> VersionVector {
        VersionVector::default()
    }

    /// The mark of one author; 0 if nothing of it is held.
    pub fn get(&self, replica: ReplicaId) -> u64 {
        self.place(replica).map_or(0, |at| self.marks[at].1)
    }

    fn place(&self, replica: ReplicaId) -> Result<usize, usize> {
        self.marks.binary_search_by(|(known, _)| known.cmp(&replica))
    }

    /// Whether this op is held.
    pub fn knows(&self, dot: Dot) -> bool {
        self.get(dot.replica) >= dot.seq
    }

    /// Whether everything that `other` claims is held.
    pub fn covers(&self, other: &VersionVector) -> bool {
        Arc::ptr_eq(&self.marks, &other.marks) || other.beside(self).all(|(_, seq, ours)| ours >= seq)
    }

    /// Takes the greater mark of each author.
    pub fn join(&mut self, other: &VersionVector) {
        if self.covers(other) {
            return;
        }
        if other.covers(self) {
            *self = other.clone();
            return;
        }
        self.marks = Arc::new(joined(&self.marks, &other.marks));
    }

    /// Takes the lesser mark of each author: what both claim.
    pub fn meet(&mut self, other: &VersionVector) {
        if !other.covers(self) {
            *self = self.beside(other).map(|(replica, ours, theirs)| (replica, ours.min(theirs))).collect();
        }
    }

    /// Raises one author's mark to `seq`; never lowers it. An entry of 0 is no entry.
    pub fn raise(&mut self, replica: ReplicaId, seq: u64) {
        match self.place(replica) {
            Ok(at) if seq > self.marks[at].1 => Arc::make_mut(&mut self.marks)[at].1 = seq,
            Err(at) if seq > 0 => Arc::make_mut(&mut self.marks).insert(at, (replica, seq)),
            Ok(_) | Err(_) => {}
        }
    }

    /// The marks in the order of their authors.
    pub fn iter(&self) -> impl Iterator<Item = (ReplicaId, u64)> + '_ {
        self.marks.iter().copied()
    }

    /// How many authors have a mark.
    pub fn len(&self) -> usize {
        self.marks.len()
    }

    /// Whether nothing is held.
    pub fn is_empty(&self) -> bool {
        self.marks.is_empty()
    }

    /// The marks that lie beyond those of `base`: joined onto `base`, they cover this vector.
    pub fn changes_since(&self, base: &VersionVector) -> Vec<(ReplicaId, u64)> {
        if Arc::ptr_eq(&self.marks, &base.marks) {
            return Vec::new();
        }
        self.beside(base).filter(|(_, seq, base)| seq > base).map(|(replica, seq, _)| (replica, seq)).collect()
    }

    /// Each mark of this vector, and that of the other for the same author: both are walked once.
    fn beside<'a>(&'a self, other: &'a VersionVector) -> impl Iterator<Item = (ReplicaId, u64, u64)> + 'a {
        let mut others = &other.marks[..];
        self.marks.iter().map(move |(replica, seq)| {
            while let Some(((known, theirs), rest)) = others.split_first() {
                match known.cmp(replica) {
                    Ordering::Less => others = rest,
                    Ordering::Equal => return (*replica, *seq, *theirs),
                    Ordering::Greater => break,
                }
            }
            (*replica, *seq, 0)
        })
    }
}

/// Both in order, each author once, with its greater mark.
fn joined(one: &[(ReplicaId, u64)], other: &[(ReplicaId, u64)]) -> Vec<(ReplicaId, u64)> {
    let mut marks = Vec::with_capacity(one.len().max(other.len()));
    let (mut one, mut other) = (one.iter().peekable(), other.iter().peekable());
    loop {
        let next = match (one.peek(), other.peek()) {
            (Some(ours), Some(theirs)) => match ours.0.cmp(&theirs.0) {
                Ordering::Less => one.next().copied(),
                Ordering::Greater => other.next().copied(),
                Ordering::Equal => one.next().copied().max(other.next().copied()),
            },
            (Some(_), None) => one.next().copied(),
            (None, _) => other.next().copied(),
        };
        let Some(mark) = next else {
            return marks;
        };
        marks.push(mark);
    }
}

impl FromIterator<(ReplicaId, u64)> for VersionVector {
    /// Repeated authors keep their greatest mark.
    fn from_iter<I: IntoIterator<Item = (ReplicaId, u64)>>(marks: I) -> VersionVector {
        let mut marks: Vec<_> = marks.into_iter().filter(|(_, seq)| *seq > 0).collect();
        if !marks.is_sorted_by(|before, after| before.0 < after.0) {
            marks.sort_unstable_by(|one, other| other.cmp(one));
            marks.dedup_by_key(|(replica, _)| *replica);
            marks.reverse();
        }
        VersionVector { marks: Arc::new(marks) }
    }
}

impl Extend<(ReplicaId, u64)> for VersionVector {
    /// A few marks are put in their places; more of them are joined, since each place that is made moves all behind it.
    fn extend<I: IntoIterator<Item = (ReplicaId, u64)>>(&mut self, marks: I) {
        const FEW: usize = 16;
        let mut marks = marks.into_iter();
        marks.by_ref().take(FEW).for_each(|(replica, seq)| self.raise(replica, seq));
        let rest: VersionVector = marks.collect();
        if !rest.is_empty() {
            self.join(&rest);
        }
    }
}

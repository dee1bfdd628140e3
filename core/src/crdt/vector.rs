//! Version vectors: what a replica holds, as one high-water mark per author. A vector never claims an op that is not held.

use imbl::OrdMap;

use super::dot::{Dot, ReplicaId};

/// For each replica id the sequence number up to which every op is held. Cloning is O(1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VersionVector {
    marks: OrdMap<ReplicaId, u64>,
}

impl VersionVector {
    /// The vector of a replica that holds nothing.
    pub fn new() -> VersionVector {
        VersionVector::default()
    }

    /// The mark of one author; 0 if nothing of it is held.
    pub fn get(&self, replica: ReplicaId) -> u64 {
        self.marks.get(&replica).copied().unwrap_or(0)
    }

    /// Whether this op is held.
    pub fn knows(&self, dot: Dot) -> bool {
        self.get(dot.replica) >= dot.seq
    }

    /// Whether everything that `other` claims is held.
    pub fn covers(&self, other: &VersionVector) -> bool {
        self.marks.ptr_eq(&other.marks) || other.beside(self).all(|(_, seq, ours)| ours >= seq)
    }

    /// Takes the greater mark of each author.
    pub fn join(&mut self, other: &VersionVector) {
        if self.marks.ptr_eq(&other.marks) {
            return;
        }
        for (replica, seq) in other.iter() {
            self.raise(replica, seq);
        }
    }

    /// Raises one author's mark to `seq`; never lowers it. An entry of 0 is no entry.
    pub fn raise(&mut self, replica: ReplicaId, seq: u64) {
        if seq > self.get(replica) {
            self.marks.insert(replica, seq);
        }
    }

    /// The marks in the order of their authors.
    pub fn iter(&self) -> impl Iterator<Item = (ReplicaId, u64)> + '_ {
        self.marks.iter().map(|(replica, seq)| (*replica, *seq))
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
        if self.marks.ptr_eq(&base.marks) {
            return Vec::new();
        }
        self.beside(base).filter(|(_, seq, base)| seq > base).map(|(replica, seq, _)| (replica, seq)).collect()
    }

    /// Each mark of this vector, and that of the other for the same author: both are walked once.
    fn beside<'a>(&'a self, other: &'a VersionVector) -> impl Iterator<Item = (ReplicaId, u64, u64)> + 'a {
        let mut others = other.iter().peekable();
        self.iter().map(move |(replica, seq)| {
            while others.next_if(|(before, _)| *before < replica).is_some() {}
            let theirs = others.next_if(|(same, _)| *same == replica).map_or(0, |(_, seq)| seq);
            (replica, seq, theirs)
        })
    }
}

impl FromIterator<(ReplicaId, u64)> for VersionVector {
    /// Repeated authors keep their greatest mark.
    fn from_iter<I: IntoIterator<Item = (ReplicaId, u64)>>(marks: I) -> VersionVector {
        let mut vector = VersionVector::new();
        vector.extend(marks);
        vector
    }
}

impl Extend<(ReplicaId, u64)> for VersionVector {
    fn extend<I: IntoIterator<Item = (ReplicaId, u64)>>(&mut self, marks: I) {
        for (replica, seq) in marks {
            self.raise(replica, seq);
        }
    }
}

//! The index from dots to keys: finds the cells that a vector does not cover without looking at any other cell.

use std::borrow::Borrow;
use std::collections::BTreeSet;
use std::ops::Bound;

use imbl::{OrdMap, OrdSet};

use super::dot::{Dot, ReplicaId};
use super::vector::VersionVector;

/// For each replica the keys that it touched, at the place of its *latest* op on each. One entry per context entry is
/// enough: a vector leaves a context uncovered exactly if, for some replica, its mark is below that replica's greatest
/// sequence number in the context.
#[derive(Clone)]
pub(super) struct Index<K: Ord> {
    postings: OrdMap<ReplicaId, OrdSet<Posting<K>>>,
}

/// Ordered by place, then key: should a liar put one dot into two cells, both are still found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Posting<K> {
    seq: u64,
    key: K,
}

/// Lets a range start after a place without naming a key: comparing places alone agrees with the order of postings,
/// except that it takes those of one place for equal, and `Excluded` leaves out no later place.
impl<K> Borrow<u64> for Posting<K> {
    fn borrow(&self) -> &u64 {
        &self.seq
    }
}

impl<K: Ord> Default for Index<K> {
    fn default() -> Self {
        Index { postings: OrdMap::new() }
    }
}

impl<K: Ord + Clone> Index<K> {
    pub(super) fn insert(&mut self, dot: Dot, key: K) {
        self.postings.entry(dot.replica).or_default().insert(Posting { seq: dot.seq, key });
    }

    pub(super) fn remove(&mut self, dot: Dot, key: &K) {
        let Some(postings) = self.postings.get_mut(&dot.replica) else { return };
        postings.remove(&Posting { seq: dot.seq, key: key.clone() });
        if postings.is_empty() {
            self.postings.remove(&dot.replica);
        }
    }

    /// The keys whose context `peer` does not cover, in order. `held` is the vector of the store: only where it is ahead
    /// of the peer's can there be any.
    pub(super) fn uncovered(&self, held: &VersionVector, peer: &VersionVector) -> Vec<K> {
        let mut keys = BTreeSet::new();
        for (replica, _) in held.changes_since(peer) {
            let Some(postings) = self.postings.get(&replica) else { continue };
            let beyond = (Bound::Excluded(peer.get(replica)), Bound::Unbounded);
            keys.extend(postings.range::<_, u64>(beyond).map(|posting| posting.key.clone()));
        }
        keys.into_iter().collect()
    }

    /// Every dot and its key, to check the index against the cells.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Dot, &K)> + '_ {
        self.postings
            .iter()
            .flat_map(|(replica, postings)| postings.iter().map(|posting| (replica.dot(posting.seq), &posting.key)))
    }
}

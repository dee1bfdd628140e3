//! What the crdt tests share: small keys and values, dice, and what "the same live state" means. It holds no test.
#![allow(dead_code, missing_docs)]

pub mod campaign;

use std::collections::BTreeMap;

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use symbolon_core::crdt::{Dot, DottedStore, Fingerprint, Hlc, Incarnation, NodeId, ReplicaId, Unit};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key(pub u8);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Value(pub u64);

pub type Store = DottedStore<Key, Value>;
pub type Live = BTreeMap<Key, BTreeMap<Dot, Value>>;

impl Fingerprint for Key {
    fn fingerprint(&self, sink: &mut dyn FnMut(&[u8])) {
        sink(&[self.0]);
    }
}

impl Fingerprint for Value {
    fn fingerprint(&self, sink: &mut dyn FnMut(&[u8])) {
        sink(&self.0.to_be_bytes());
    }
}

pub fn replica(node: u8, incarnation: u64) -> ReplicaId {
    ReplicaId { node: NodeId([node; 16]), incarnation: Incarnation(incarnation) }
}

pub fn live(store: &Store) -> Live {
    let cells = store.iter().filter(|(_, cell)| cell.is_live());
    cells.map(|(key, cell)| (*key, cell.siblings().map(|s| (s.dot, *s.value)).collect())).collect()
}

/// Merges all that `from` has for `to`, in one go.
pub fn sync(from: &Store, to: &mut Store) {
    to.merge(from.cut(to.vector()).unit()).expect("an honest cut");
}

/// Everything that a store holds, as the deep path would send it.
pub fn whole(store: &Store) -> Unit<Key, Value> {
    Unit {
        cells: store.iter().map(|(key, cell)| (*key, cell.clone())).collect(),
        vector: store.vector().clone(),
        floor: store.floor().clone(),
        deep: true,
    }
}

pub fn hlc(at: u64) -> Hlc {
    Hlc(at << 16)
}

/// All chance in a test comes from one seed.
pub struct Dice(ChaCha8Rng);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(ChaCha8Rng::seed_from_u64(seed))
    }

    pub fn below(&mut self, bound: usize) -> usize {
        (self.0.next_u64() % bound as u64) as usize
    }

    pub fn percent(&mut self) -> usize {
        self.below(100)
    }
}

//! Cells: one key's causal context and its live siblings. A cell decides nothing; policies read its siblings elsewhere.

use std::cmp::Ordering;
use std::sync::Arc;

use super::clock::Hlc;
use super::dot::{Dot, MAX_SEQ, ReplicaId};
use super::fault::UnitFault;
use super::vector::VersionVector;
use crate::zoo::{self, Bug};

/// The most live siblings that a cell from elsewhere may hold. An honest cell holds one for each replica that wrote the
/// key without having seen the others.
pub const MAX_SIBLINGS: usize = 1024;

/// The latest op of one replica on one key.
///
/// An author replaces its own earlier value with each write, so a sibling is always the latest op of its author, and a
/// context entry either carries a sibling or has none: context and siblings are one list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Op<V> {
    /// Its name. A context that holds it has seen every earlier op of this author on this key.
    pub dot: Dot,
    /// When it was made.
    pub hlc: Hlc,
    /// What it wrote, while nothing has replaced it. A remove never has a value.
    pub value: Option<V>,
}

/// A live value of a key. `V` is a reference when it is read from a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sibling<V> {
    /// The write that made it.
    pub dot: Dot,
    /// When it was written.
    pub hlc: Hlc,
    /// The value.
    pub value: V,
}

/// What is known of one key: the latest op of every replica that ever touched it. Without a sibling the cell is *empty*: it
/// remembers that the key was removed. Cloning is O(1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell<V> {
    /// At least one, in the order of their replicas, no replica twice.
    ops: Arc<[Op<V>]>,
}

/// The sibling that was written last: the greatest stamp, then the greatest dot.
pub fn latest<'a, V>(siblings: impl IntoIterator<Item = Sibling<&'a V>>) -> Option<Sibling<&'a V>> {
    siblings.into_iter().max_by_key(|sibling| (sibling.hlc, sibling.dot))
}

impl<V: Clone> Cell<V> {
    /// A cell from parts that came from elsewhere, in any order.
    pub fn from_ops(mut ops: Vec<Op<V>>) -> Result<Cell<V>, UnitFault> {
        if ops.is_empty() {
            return Err(UnitFault::EmptyContext);
        }
        if ops.iter().any(|op| op.dot.seq == 0 || op.dot.seq > MAX_SEQ) {
            return Err(UnitFault::SequenceOutOfRange);
        }
        if ops.iter().filter(|op| op.value.is_some()).count() > MAX_SIBLINGS {
            return Err(UnitFault::TooManySiblings);
        }
        ops.sort_by_key(|op| op.dot.replica);
        if ops.windows(2).any(|pair| pair[0].dot.replica == pair[1].dot.replica) {
            return Err(UnitFault::RepeatedReplica);
        }
        Ok(Cell { ops: ops.into() })
    }

    /// This cell, or the absence of one, after its author applied one more op: all siblings are replaced.
    pub(super) fn after(before: Option<&Cell<V>>, op: Op<V>) -> Cell<V> {
        let mut ops: Vec<Op<V>> = before.map_or(&[][..], |cell| &cell.ops).iter().map(Op::replaced).collect();
        match ops.binary_search_by_key(&op.dot.replica, |other| other.dot.replica) {
            Ok(at) => ops[at] = op,
            Err(at) => ops.insert(at, op),
        }
        Cell { ops: ops.into() }
    }

    /// Joins the contexts; keeps a sibling that both hold, or that one holds and the other has not seen. "Seen" is what
    /// the context or the predicate of the other side says: its whole vector, so that what was seen and is gone stays
    /// gone, also where the cell itself was dropped.
    pub fn merge(
        ours: Option<&Cell<V>>,
        theirs: &Cell<V>,
        seen_here: impl Fn(Dot) -> bool,
        seen_there: impl Fn(Dot) -> bool,
    ) -> Cell<V> {
        let mut mine = ours.map_or(&[][..], |cell| &cell.ops).iter().peekable();
        let mut other = theirs.ops.iter().peekable();
        let mut ops = Vec::with_capacity(theirs.ops.len());
        loop {
            let order = match (mine.peek(), other.peek()) {
                (None, None) => break,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(a), Some(b)) => a.dot.replica.cmp(&b.dot.replica),
            };
            let a = mine.next_if(|_| order != Ordering::Greater);
            let b = other.next_if(|_| order != Ordering::Less);
            ops.push(match (a, b) {
                (Some(a), Some(b)) if a.dot.seq == b.dot.seq => {
                    if b.value.is_some() {
                        a.clone()
                    } else {
                        a.replaced()
                    }
                }
                (Some(a), b) if b.is_none_or(|b| b.dot.seq < a.dot.seq) => {
                    a.unless(seen_there(a.dot) || zoo::on(Bug::OrderOfArrival) && theirs.is_live())
                }
                (_, Some(b)) => b.unless(seen_here(b.dot)),
                (_, None) => break,
            });
        }
        let merged = Cell { ops: ops.into() };
        if zoo::on(Bug::LastWriterWins) {
            let last = latest(merged.siblings()).map(|sibling| sibling.dot);
            return merged.without(|dot| Some(dot) != last).unwrap_or(merged);
        }
        merged
    }

    /// This cell without the siblings that `gone` names; `None` if it names none of them.
    pub(super) fn without(&self, gone: impl Fn(Dot) -> bool) -> Option<Cell<V>> {
        self.siblings()
            .any(|sibling| gone(sibling.dot))
            .then(|| Cell { ops: self.ops.iter().map(|op| op.unless(gone(op.dot))).collect() })
    }
}

impl<V> Cell<V> {
    /// The latest op of every replica that touched this key, in the order of the replicas.
    pub fn ops(&self) -> &[Op<V>] {
        &self.ops
    }

    /// The causal context: the greatest dot of every replica that touched this key.
    pub fn context(&self) -> impl Iterator<Item = Dot> + '_ {
        self.ops.iter().map(|op| op.dot)
    }

    /// The live siblings, in the order of their dots.
    pub fn siblings(&self) -> impl Iterator<Item = Sibling<&V>> + '_ {
        self.ops.iter().filter_map(|op| Some(Sibling { dot: op.dot, hlc: op.hlc, value: op.value.as_ref()? }))
    }

    /// The sibling of this dot, if it is live.
    pub fn sibling(&self, dot: Dot) -> Option<&Op<V>> {
        self.op_of(dot.replica).filter(|op| op.dot == dot && op.value.is_some())
    }

    /// The latest op of one replica.
    pub fn op_of(&self, replica: ReplicaId) -> Option<&Op<V>> {
        let at = self.ops.binary_search_by_key(&replica, |op| op.dot.replica).ok()?;
        Some(&self.ops[at])
    }

    /// Whether a sibling is live.
    pub fn is_live(&self) -> bool {
        self.ops.iter().any(|op| op.value.is_some())
    }

    /// The greatest stamp of any op on this key.
    pub fn touched(&self) -> Hlc {
        self.ops.iter().map(|op| op.hlc).max().unwrap_or_default()
    }

    /// Whether `vector` holds every op of the context.
    pub fn is_covered_by(&self, vector: &VersionVector) -> bool {
        self.context().all(|dot| vector.knows(dot))
    }

    /// Whether both hold the same context and the same siblings. A dot names one value for ever, so no value is compared.
    pub(super) fn same_dots(&self, other: &Cell<V>) -> bool {
        let shape = |op: &Op<V>| (op.dot, op.value.is_some());
        Arc::ptr_eq(&self.ops, &other.ops) || self.ops.iter().map(shape).eq(other.ops.iter().map(shape))
    }
}

impl<V: Clone> Op<V> {
    fn replaced(&self) -> Op<V> {
        Op { dot: self.dot, hlc: self.hlc, value: None }
    }

    fn unless(&self, gone: bool) -> Op<V> {
        if gone { self.replaced() } else { self.clone() }
    }
}

//! Cells. In a frame, replica ids are named once, in a table, and referred to by their place in it.

use minicbor::Decoder;

use super::cbor::{Enc, Step, WireFault, fixed, list, text, tuple};
use super::value;
use crate::config::{MAX_ID_BYTES, MAX_VALUE_BYTES};
use crate::crdt::{Cell, Dot, Hlc, Incarnation, MAX_SEQ, NodeId, Op, ReplicaId};
use crate::state::{Collection, Key, Value};

/// Ops in one cell, and replica ids in one table: a replica that never folds an incarnation stays far below.
const MAX_OPS: usize = 65_536;

/// The table of replica ids, as it grows while cells are written.
#[derive(Default)]
pub(super) struct Names {
    /// In the order of the ids, which is nearly that in which they come.
    places: Vec<(ReplicaId, u32)>,
    order: Vec<ReplicaId>,
}

impl Names {
    /// With room for so many.
    pub(super) fn of(count: usize) -> Names {
        Names { places: Vec::with_capacity(count), order: Vec::with_capacity(count) }
    }

    pub(super) fn place(&mut self, replica: ReplicaId) -> u32 {
        match self.places.binary_search_by(|(known, _)| known.cmp(&replica)) {
            Ok(at) => self.places[at].1,
            Err(at) => {
                let next = self.order.len() as u32;
                self.places.insert(at, (replica, next));
                self.order.push(replica);
                next
            }
        }
    }

    /// The authors of a cell, in the order in which it names them.
    pub(super) fn take(&mut self, cell: &Cell<Value>) {
        cell.context().for_each(|dot| {
            self.place(dot.replica);
        });
    }

    pub(super) fn len(&self) -> usize {
        self.order.len()
    }

    pub(super) fn write(&self, e: &mut Enc<'_>) -> Step {
        e.array(self.order.len() as u64)?;
        self.order.iter().try_for_each(|replica| write_replica(e, *replica))
    }

    pub(super) fn read(d: &mut Decoder<'_>) -> Result<Vec<ReplicaId>, WireFault> {
        list(d, MAX_OPS, read_replica)
    }
}

pub(super) fn write_replica(e: &mut Enc<'_>, replica: ReplicaId) -> Step {
    e.array(2)?.bytes(&replica.node.0)?.u64(replica.incarnation.0)?;
    Ok(())
}

pub(super) fn read_replica(d: &mut Decoder<'_>) -> Result<ReplicaId, WireFault> {
    tuple(d, 2)?;
    Ok(ReplicaId { node: NodeId(fixed(d)?), incarnation: Incarnation(d.u64()?) })
}

/// A replica id by its place in the table.
pub(super) fn read_place(d: &mut Decoder<'_>, table: &[ReplicaId]) -> Result<ReplicaId, WireFault> {
    let place = usize::try_from(d.u32()?).map_err(|_| WireFault("a place beyond the table"))?;
    table.get(place).copied().ok_or(WireFault("a place beyond the table"))
}

pub(super) fn read_seq(d: &mut Decoder<'_>) -> Result<u64, WireFault> {
    match d.u64()? {
        seq @ 1..=MAX_SEQ => Ok(seq),
        _ => Err(WireFault("a sequence number out of range")),
    }
}

pub(super) fn write_key(e: &mut Enc<'_>, key: &Key) -> Step {
    e.u8(key.collection.0)?.str(&key.id)?;
    Ok(())
}

pub(super) fn read_key(d: &mut Decoder<'_>) -> Result<Key, WireFault> {
    Ok(Key::new(Collection(d.u8()?), text(d, MAX_ID_BYTES)?))
}

/// One cell: its ops, each `[place, seq, hlc]` or, with a value, `[place, seq, hlc, value]`.
pub(super) fn write_cell(e: &mut Enc<'_>, cell: &Cell<Value>, names: &mut Names) -> Step {
    e.array(cell.ops().len() as u64)?;
    for op in cell.ops() {
        e.array(if op.value.is_some() { 4 } else { 3 })?;
        e.u32(names.place(op.dot.replica))?.u64(op.dot.seq)?.u64(op.hlc.0)?;
        if let Some(value) = &op.value {
            e.bytes(value.raw())?;
        }
    }
    Ok(())
}

pub(super) fn read_cell(
    d: &mut Decoder<'_>,
    collection: Collection,
    table: &[ReplicaId],
) -> Result<Cell<Value>, WireFault> {
    let ops = list(d, MAX_OPS, |d| {
        let len = super::cbor::array(d, 4)?;
        if len < 3 {
            return Err(WireFault("an op has three or four parts"));
        }
        let dot = Dot { replica: read_place(d, table)?, seq: read_seq(d)? };
        let hlc = Hlc(d.u64()?);
        let value = if len == 4 { Some(read_value(d, collection)?) } else { None };
        Ok(Op { dot, hlc, value })
    })?;
    Cell::from_ops(ops).map_err(|_| WireFault("a cell that no replica could have made"))
}

fn read_value(d: &mut Decoder<'_>, collection: Collection) -> Result<Value, WireFault> {
    let raw = d.bytes()?;
    if raw.len() > MAX_VALUE_BYTES {
        return Err(WireFault("a value is too long"));
    }
    Ok(value::decode(collection, raw))
}

/// About how many bytes a cell takes in a part; parts are cut by it.
pub fn cell_size(key: &Key, cell: &Cell<Value>) -> usize {
    let values: usize = cell.ops().iter().map(|op| op.value.as_ref().map_or(0, |value| value.raw().len() + 3)).sum();
    key.id.len() + 8 + cell.ops().len() * 20 + values
}

//! What a batch on its way to a disk says, read back by the rows' own encodings. It judges nothing.

use std::cell::OnceCell;

use symbolon_core::crdt::{Cell, ReplicaId};
use symbolon_core::replica::{Row, Table};
use symbolon_core::state::{Collection, Key, Value};
use symbolon_core::wire::row;

/// A batch whose cells are read once, for whoever wants them.
pub struct Batch<'a> {
    rows: &'a [Row],
    cells: OnceCell<Vec<(Key, Cell<Value>)>>,
}

impl<'a> Batch<'a> {
    /// The batch of these rows.
    pub fn new(rows: &'a [Row]) -> Batch<'a> {
        Batch { rows, cells: OnceCell::new() }
    }

    /// Its rows.
    pub fn rows(&self) -> &'a [Row] {
        self.rows
    }

    /// The cells that it puts, whatever their values mean.
    pub fn cells(&self) -> &[(Key, Cell<Value>)] {
        self.cells.get_or_init(|| read(self.rows, |_| UNREAD).collect())
    }
}

/// The keys whose cells it puts or deletes.
pub fn keys(rows: &[Row]) -> impl Iterator<Item = Key> + '_ {
    rows.iter().filter(|row| row.table == Table::Cells).filter_map(|row| row::read_cell_key(&row.key).ok())
}

/// A collection that nobody knows, so that values of its cells are taken as they are.
const UNREAD: Collection = Collection(u8::MAX);

/// The cells that it puts, with what they mean.
pub fn cells(rows: &[Row]) -> impl Iterator<Item = (Key, Cell<Value>)> + '_ {
    read(rows, |key| key.collection)
}

/// The cells that it puts, their values read as those of a collection.
fn read(rows: &[Row], of: impl Fn(&Key) -> Collection) -> impl Iterator<Item = (Key, Cell<Value>)> {
    rows.iter().filter(|row| row.table == Table::Cells).filter_map(move |row| {
        let key = row::read_cell_key(&row.key).ok()?;
        let cell = row::read_cell_row(of(&key), row.value.as_deref()?).ok()?;
        Some((key, cell))
    })
}

/// The vector entries that it raises.
pub fn vector(rows: &[Row]) -> impl Iterator<Item = (ReplicaId, u64)> + '_ {
    rows.iter().filter(|row| row.table == Table::Marks).filter_map(|row| {
        let replica = row::read_mark_key(&row.key).ok()?;
        let (seq, _) = row::read_mark(row.value.as_deref()?).ok()?;
        Some((replica, seq))
    })
}

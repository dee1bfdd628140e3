//! The thread that writes: it drains its queue into one transaction, so that a group of writes costs one sync. After a failure
//! it writes nothing more.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use rusqlite::Connection;
use symbolon_core::replica::{Row, Table, WriteId, audit};
use tokio::sync::{mpsc, oneshot};

use super::StoreError;
use super::pins;
use super::sqlite::{classify, connect, load};
use crate::ports::{Pending, Report, Store};

/// Rows in one transaction; a batch more may overshoot it.
const MAX_GROUP_ROWS: usize = 4096;
/// Stack of the writing threads, in bytes.
const STACK_BYTES: usize = 512 << 10;

/// The queue of the writing thread. The driver bounds it: it takes no input while too many writes are open.
pub(super) struct Writer {
    orders: Sender<Order>,
    path: PathBuf,
    reports: mpsc::UnboundedSender<Report>,
}

enum Order {
    Commit(WriteId, Vec<Row>),
    Close(oneshot::Sender<()>),
}

impl Writer {
    pub(super) fn start(
        connection: Connection,
        (path, peers): (PathBuf, PathBuf),
        lock: File,
        reports: mpsc::UnboundedSender<Report>,
    ) -> std::io::Result<Writer> {
        let (orders, queue) = channel();
        let to = reports.clone();
        thread::Builder::new().name("store".into()).stack_size(STACK_BYTES).spawn(move || {
            let closing = write(&connection, &peers, &queue, &to);
            drop(connection);
            drop(lock);
            if let Some(closed) = closing {
                closed.send(()).ok();
            }
        })?;
        Ok(Writer { orders, path, reports })
    }
}

impl Store for Writer {
    fn commit(&self, id: WriteId, batch: Vec<Row>) {
        // The thread lives until it is told to close; were it gone, its failure has been reported.
        self.orders.send(Order::Commit(id, batch)).ok();
    }

    fn scrub(&self) {
        let (path, reports) = (self.path.clone(), self.reports.clone());
        let check = move || match check(&path) {
            Ok(sound) => reports.send(Report::Scrubbed { sound }).unwrap_or_default(),
            Err(problem) => tracing::warn!(%problem, "the database could not be checked"),
        };
        if let Err(problem) = thread::Builder::new().name("scrub".into()).stack_size(STACK_BYTES).spawn(check) {
            tracing::warn!(%problem, "the database could not be checked");
        }
    }

    fn close(self: Box<Self>) -> Pending<()> {
        let (closed, wait) = oneshot::channel();
        self.orders.send(Order::Close(closed)).ok();
        Box::pin(async move { wait.await.unwrap_or_default() })
    }
}

/// Whether the file is a sound database, and its data matches the digest that was stored with it.
fn check(path: &Path) -> Result<bool, StoreError> {
    match read_through(path) {
        Err(StoreError::Damaged { .. }) => Ok(false),
        outcome => outcome,
    }
}

fn read_through(path: &Path) -> Result<bool, StoreError> {
    let sqlite = |source| classify(path, source);
    let connection = connect(path)?;
    let verdict: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(sqlite)?;
    // One transaction, so that all rows are of one moment.
    let moment = connection.unchecked_transaction().map_err(sqlite)?;
    let rows = load(&moment).map_err(sqlite)?;
    Ok(verdict == "ok" && audit(rows).is_ok())
}

/// Writes groups until it is told to close, or nobody is left to tell it.
fn write(
    connection: &Connection,
    peers: &Path,
    queue: &Receiver<Order>,
    reports: &mpsc::UnboundedSender<Report>,
) -> Option<oneshot::Sender<()>> {
    let mut failed = false;
    while let Ok(first) = queue.recv() {
        let mut group = Vec::new();
        let mut rows = 0;
        let mut next = Some(first);
        let mut closing = None;
        while let Some(order) = next.take() {
            match order {
                Order::Commit(id, batch) => {
                    rows += batch.len();
                    group.push((id, batch));
                }
                Order::Close(closed) => {
                    closing = Some(closed);
                    break;
                }
            }
            next = if rows < MAX_GROUP_ROWS { queue.try_recv().ok() } else { None };
        }
        if let Some(&(last, _)) = group.last()
            && !failed
        {
            let report = match commit(connection, peers, &group) {
                Ok(()) => Report::Written(last),
                Err(problem) => {
                    failed = true;
                    Report::Failed(problem.to_string())
                }
            };
            reports.send(report).ok();
        }
        if closing.is_some() {
            return closing;
        }
    }
    None
}

fn commit(connection: &Connection, peers: &Path, group: &[(WriteId, Vec<Row>)]) -> rusqlite::Result<()> {
    let transaction = connection.unchecked_transaction()?;
    for Row { table, key, value } in group.iter().flat_map(|(_, batch)| batch) {
        match value {
            Some(value) => transaction.prepare_cached(put(*table))?.execute((key, value))?,
            None => transaction.prepare_cached(delete(*table))?.execute([key])?,
        };
    }
    transaction.commit()?;
    let pinned = group.iter().flat_map(|(_, batch)| batch).any(|row| row.table == Table::Pinned);
    if pinned && let Err(problem) = pins::keep(peers, connection) {
        tracing::warn!(%problem, path = %peers.display(), "the pinned peers lie in the database alone");
    }
    Ok(())
}

fn put(table: Table) -> &'static str {
    match table {
        Table::Cells => "INSERT OR REPLACE INTO cells (key, value) VALUES (?1, ?2)",
        Table::Marks => "INSERT OR REPLACE INTO marks (key, value) VALUES (?1, ?2)",
        Table::Records => "INSERT OR REPLACE INTO records (key, value) VALUES (?1, ?2)",
        Table::Expiring => "INSERT OR REPLACE INTO expiring (key, value) VALUES (?1, ?2)",
        Table::Pinned => "INSERT OR REPLACE INTO pinned (key, value) VALUES (?1, ?2)",
        Table::Secrets => "INSERT OR REPLACE INTO secrets (key, value) VALUES (?1, ?2)",
        Table::Meta => "INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)",
    }
}

fn delete(table: Table) -> &'static str {
    match table {
        Table::Cells => "DELETE FROM cells WHERE key = ?1",
        Table::Marks => "DELETE FROM marks WHERE key = ?1",
        Table::Records => "DELETE FROM records WHERE key = ?1",
        Table::Expiring => "DELETE FROM expiring WHERE key = ?1",
        Table::Pinned => "DELETE FROM pinned WHERE key = ?1",
        Table::Secrets => "DELETE FROM secrets WHERE key = ?1",
        Table::Meta => "DELETE FROM meta WHERE key = ?1",
    }
}

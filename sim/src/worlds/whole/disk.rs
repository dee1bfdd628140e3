//! A disk in memory behind the storage port: commits take their time and go in groups, a crash leaves a prefix of what was
//! under way, and faults come when the world says so. It spawns tasks of its host, and no threads.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use symbolon_core::replica::{Recovered, Row, Table, WriteId};
use symbolon_node::ports::{Pending, Report, Storage, Store};
use symbolon_node::store::StoreError;
use tokio::sync::{Notify, mpsc};

use super::clock::true_ms;
use super::place::Place;
use super::record::Seen;
use crate::plan::Chance;
use crate::worlds::quick::Planted;
use crate::worlds::simulated::Rows;

const DISK: u64 = 200;
const CRASH: u64 = 201;
/// A disk that loses writes loses each of so many.
const LOST_WRITES: u64 = 10;
const TEAR: u64 = 203;

/// A disk, and the batches that are on their way to it.
#[derive(Default)]
pub(super) struct Disk {
    rows: Rows,
    under_way: Vec<(WriteId, Vec<Row>)>,
    /// Of them, as many are in the commit that is going on.
    committing: usize,
    commits: u64,
    /// Counts openings; what belongs to a former one is void.
    opened: u64,
    idle: Arc<Notify>,
    copies: BTreeMap<String, Rows>,
    /// Writes that might have been lost.
    lost: u64,
    /// How long a commit takes, at least and at most.
    pub commit_ms: (u64, u64),
    /// And at most so much more.
    pub slow_ms: u64,
    /// The next commit fails.
    pub fails: bool,
    /// Nothing becomes durable for now.
    pub stands_still: bool,
    /// A mistake that it makes.
    pub planted: Option<Planted>,
}

impl Disk {
    /// Whether nothing is on its way to it.
    pub(super) fn is_idle(&self) -> bool {
        self.under_way.is_empty()
    }

    /// Keeps a copy under a name.
    pub(super) fn copy(&mut self, name: &str) {
        self.copies.insert(name.to_owned(), self.rows.clone());
    }

    /// Whether there is a copy of this name.
    pub(super) fn has_copy(&self, name: &str) -> bool {
        self.copies.contains_key(name)
    }

    /// Everything is as in this copy, or gone but for the pinned peers, which lie beside the identity too. False if there is no such copy.
    pub(super) fn exchange(&mut self, copy: Option<&str>) -> bool {
        let rows = match copy {
            Some(name) => self.copies.get(name).cloned(),
            None => {
                let pinned = self.rows.iter().filter(|((table, _), _)| *table == Table::Pinned);
                Some(pinned.map(|(key, value)| (key.clone(), value.clone())).collect())
            }
        };
        let found = rows.is_some();
        self.rows = rows.unwrap_or_else(|| std::mem::take(&mut self.rows));
        found
    }

    /// What is durable, if anything.
    pub(super) fn rows(&self) -> Option<Rows> {
        (!self.rows.is_empty()).then(|| self.rows.clone())
    }

    /// Everything is as on another disk.
    pub(super) fn replace(&mut self, rows: Rows) {
        self.rows = rows;
    }

    /// Of one row only the first half is left.
    pub(super) fn tear(&mut self, chance: Chance) {
        let torn = |(table, _): &(Table, Vec<u8>)| matches!(table, Table::Cells | Table::Marks);
        let count = self.rows.keys().filter(|key| torn(key)).count() as u64;
        let at = chance.at(TEAR).below(count) as usize;
        if let Some((_, value)) = self.rows.iter_mut().filter(|(key, _)| torn(key)).nth(at) {
            value.truncate(value.len() / 2);
        }
    }

    fn apply(&mut self, batch: &[Row]) {
        if self.planted == Some(Planted::LoseWrites) {
            self.lost += 1;
            if self.lost.is_multiple_of(LOST_WRITES) {
                return;
            }
        }
        for Row { table, key, value } in batch {
            match value {
                Some(value) => self.rows.insert((*table, key.clone()), value.clone()),
                None => self.rows.remove(&(*table, key.clone())),
            };
        }
    }
}

/// The process ends, and of what was under way a prefix gets there.
pub(super) fn crash(place: &Place, at_ms: u64) {
    let life = place.life().number;
    let mut disk = place.disk();
    disk.opened += 1;
    disk.fails = false;
    disk.committing = 0;
    let under_way = std::mem::take(&mut disk.under_way);
    let kept = place.chance.at_ms(at_ms).at(CRASH).at(life).below(under_way.len() as u64 + 1) as usize;
    for (_, batch) in under_way.into_iter().take(kept) {
        disk.apply(&batch);
        place.record.add(at_ms, place.index, Seen::Landed(batch));
    }
}

/// Opens the disk of a node.
pub(super) struct MemoryStorage(pub Arc<Place>);

impl Storage for MemoryStorage {
    fn open(&self, reports: mpsc::UnboundedSender<Report>) -> Result<(Box<dyn Store>, Recovered), StoreError> {
        let mut disk = self.0.disk();
        disk.opened += 1;
        disk.under_way.clear();
        disk.committing = 0;
        let rows = disk.rows.iter().map(|((table, key), value)| Row {
            table: *table,
            key: key.clone(),
            value: Some(value.clone()),
        });
        let recovered = Recovered { rows: rows.collect() };
        let store = MemoryStore { place: self.0.clone(), opened: disk.opened, reports };
        Ok((Box::new(store), recovered))
    }

    fn set_aside(&self) -> Result<String, StoreError> {
        self.0.disk().rows.clear();
        let mut life = self.0.life();
        (life.disk_is_another, life.was_robbed) = (true, true);
        Ok("nowhere".into())
    }
}

/// An open disk.
#[derive(Clone)]
struct MemoryStore {
    place: Arc<Place>,
    opened: u64,
    reports: mpsc::UnboundedSender<Report>,
}

impl Store for MemoryStore {
    fn commit(&self, id: WriteId, batch: Vec<Row>) {
        let (place, at_ms) = (&self.place, true_ms());
        place.record.add(at_ms, place.index, Seen::Secrets(place.source.take_given()));
        place.record.add(at_ms, place.index, Seen::Wrote(batch.clone()));
        let mut disk = place.disk();
        if disk.opened != self.opened {
            return;
        }
        if disk.planted == Some(Planted::SendBeforeDurable) {
            self.reports.send(Report::Written(id)).ok();
        }
        disk.under_way.push((id, batch));
        if disk.under_way.len() == 1 {
            tokio::spawn(self.clone().keep_committing());
        }
    }

    fn scrub(&self) {
        self.reports.send(Report::Scrubbed { sound: true }).ok();
    }

    fn close(self: Box<Self>) -> Pending<()> {
        Box::pin(async move {
            let idle = self.place.disk().idle.clone();
            while self.is_busy() {
                idle.notified().await;
            }
        })
    }
}

impl MemoryStore {
    fn is_busy(&self) -> bool {
        let disk = self.place.disk();
        disk.opened == self.opened && !disk.is_idle()
    }

    /// Commits groups until nothing waits.
    async fn keep_committing(self) {
        while let Some(span_ms) = self.begin() {
            tokio::time::sleep(Duration::from_millis(span_ms)).await;
            while self.place.disk().stands_still {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            if !self.finish() {
                break;
            }
        }
        self.place.disk().idle.notify_one();
    }

    /// Takes all that waits; tells how long its commit lasts.
    fn begin(&self) -> Option<u64> {
        let mut disk = self.place.disk();
        if disk.opened != self.opened || disk.under_way.is_empty() {
            return None;
        }
        disk.committing = disk.under_way.len();
        disk.commits += 1;
        let chance = self.place.chance.at_ms(true_ms()).at(DISK).at(disk.commits);
        let slow_ms = chance.at(1).below(disk.slow_ms + 1);
        Some(chance.between(disk.commit_ms.0, disk.commit_ms.1) + slow_ms)
    }

    /// The group is durable, or the disk failed: then nothing more of this opening becomes so.
    fn finish(&self) -> bool {
        let mut disk = self.place.disk();
        if disk.opened != self.opened {
            return false;
        }
        if std::mem::take(&mut disk.fails) {
            disk.under_way.clear();
            disk.opened += 1;
            self.reports.send(Report::Failed("planned".into())).ok();
            return false;
        }
        let committing = std::mem::take(&mut disk.committing);
        let group: Vec<_> = disk.under_way.drain(..committing).collect();
        let last = group.last().map(|(id, _)| *id);
        for (_, batch) in group {
            disk.apply(&batch);
            self.place.record.add(true_ms(), self.place.index, Seen::Landed(batch));
        }
        if disk.planted != Some(Planted::SendBeforeDurable)
            && let Some(id) = last
        {
            self.reports.send(Report::Written(id)).ok();
        }
        true
    }
}

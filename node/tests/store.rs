//! The store: what was reported as written is there after reopening, one process has it, and a strange file is refused.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use symbolon_core::replica::{Row, Table, WriteId};
use symbolon_node::clock::SystemClock;
use symbolon_node::ports::{Report, Storage, Store};
use symbolon_node::store::{SqliteStorage, StoreError};
use tokio::sync::mpsc;

const PATIENCE: Duration = Duration::from_secs(20);

struct Opened {
    store: Box<dyn Store>,
    rows: Vec<Row>,
    reports: mpsc::UnboundedReceiver<Report>,
}

fn storage(path: &Path) -> SqliteStorage {
    SqliteStorage::new(path.to_owned(), path.with_extension("peers"), Arc::new(SystemClock::default()))
}

fn open(path: &Path) -> Result<Opened, StoreError> {
    let (sender, reports) = mpsc::unbounded_channel();
    let (store, mut recovered) = storage(path).open(sender)?;
    recovered.rows.sort_by(|a, b| (a.table, &a.key).cmp(&(b.table, &b.key)));
    Ok(Opened { store, rows: recovered.rows, reports })
}

fn put(table: Table, key: &[u8], value: &[u8]) -> Row {
    Row { table, key: key.to_vec(), value: Some(value.to_vec()) }
}

async fn report(opened: &mut Opened) -> Report {
    tokio::time::timeout(PATIENCE, opened.reports.recv()).await.expect("in time").expect("the store lives")
}

async fn written(opened: &mut Opened, id: u64) {
    loop {
        match report(opened).await {
            Report::Written(WriteId(written)) if written >= id => return,
            Report::Written(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn what_was_written_is_there_after_reopening() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("symbolon.db");
    let mut store = open(&path).expect("a fresh store");
    assert_eq!(store.rows, []);
    store.store.commit(WriteId(1), Table::ALL.map(|table| put(table, b"k", table.name().as_bytes())).to_vec());
    store.store.commit(
        WriteId(2),
        vec![put(Table::Meta, b"k", b"new"), Row { value: None, ..put(Table::Cells, b"k", b"") }],
    );
    written(&mut store, 2).await;
    store.store.close().await;

    let store = open(&path).expect("it was closed");
    let expected: Vec<Row> = Table::ALL
        .into_iter()
        .filter(|table| *table != Table::Cells)
        .map(|table| put(table, b"k", if table == Table::Meta { b"new" } else { table.name().as_bytes() }))
        .collect();
    assert_eq!(store.rows, expected);
}

#[tokio::test]
async fn many_writes_share_few_syncs_and_are_reported_in_order() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut store = open(&dir.path().join("symbolon.db")).expect("a fresh store");
    const WRITES: u64 = 2000;
    for id in 1..=WRITES {
        store.store.commit(WriteId(id), vec![put(Table::Cells, &id.to_be_bytes(), b"value")]);
    }
    let (mut last, mut groups) = (0, 0);
    while last < WRITES {
        let Report::Written(WriteId(id)) = report(&mut store).await else { panic!("the disk is fine") };
        assert!(id > last);
        (last, groups) = (id, groups + 1);
    }
    assert!(groups < WRITES / 4, "{groups} transactions for {WRITES} writes");
}

/// The files as they lie while the store is open are what a killed process leaves.
#[tokio::test]
async fn a_killed_process_loses_nothing_that_was_reported() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("symbolon.db");
    let mut store = open(&path).expect("a fresh store");
    for id in 1..=50u64 {
        store.store.commit(WriteId(id), vec![put(Table::Cells, &id.to_be_bytes(), b"value")]);
    }
    written(&mut store, 50).await;
    let crashed = dir.path().join("crashed.db");
    std::fs::copy(&path, &crashed).expect("a copy");
    std::fs::copy(dir.path().join("symbolon.db-wal"), dir.path().join("crashed.db-wal"))
        .expect("the log was not folded in");
    assert_eq!(open(&crashed).expect("it recovers").rows.len(), 50);
}

#[tokio::test]
async fn a_second_process_is_told_so() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("symbolon.db");
    let first = open(&path).expect("the first has it");
    let error = open(&path).err().expect("the second has not").to_string();
    assert!(error.ends_with("is in use by another process: give each node a node.data_dir of its own"), "{error}");
    first.store.close().await;
    open(&path).expect("now it is free");
}

#[tokio::test]
async fn a_newer_schema_is_refused_untouched() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("symbolon.db");
    open(&path).expect("a fresh store").store.close().await;
    let connection = rusqlite::Connection::open(&path).expect("a database");
    connection.pragma_update(None, "user_version", 7).expect("a newer version");
    drop(connection);
    let error = open(&path).err().expect("too new").to_string();
    assert!(error.contains("has schema version 7, this build knows up to 1"), "{error}");
}

#[tokio::test]
async fn a_readable_file_and_a_file_that_is_no_database_are_refused() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("symbolon.db");
    open(&path).expect("a fresh store").store.close().await;
    let mode = std::fs::metadata(&path).expect("a file").permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).expect("our file");
    let error = open(&path).err().expect("others can read it").to_string();
    assert!(error.ends_with("has mode 644: it holds secrets, run chmod 600 on it"), "{error}");

    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("our file");
    std::fs::write(&path, vec![b'x'; 4096]).expect("our file");
    assert!(matches!(open(&path).err(), Some(StoreError::Damaged { .. })));
}

#[tokio::test]
async fn a_refusing_disk_is_reported_once_and_nothing_is_written_after() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("symbolon.db");
    open(&path).expect("a fresh store").store.close().await;
    let connection = rusqlite::Connection::open(&path).expect("a database");
    connection.execute_batch("DROP TABLE marks").expect("a table less");
    connection.execute_batch("CREATE VIEW marks AS SELECT key, value FROM cells").expect("a view in its place");
    drop(connection);
    let mut store = open(&path).expect("it reads");
    store.store.commit(WriteId(1), vec![put(Table::Marks, b"k", b"v")]);
    assert!(matches!(report(&mut store).await, Report::Failed(_)));
    store.store.commit(WriteId(2), vec![put(Table::Meta, b"k", b"v")]);
    store.store.close().await;
    assert!(store.reports.try_recv().is_err(), "it is said once");
    assert_eq!(open(&path).expect("it reads").rows, []);
}

#[tokio::test]
async fn a_scrub_tells_a_sound_file_and_unsound_data_is_moved_aside() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("symbolon.db");
    let mut store = open(&path).expect("a fresh store");
    store.store.commit(WriteId(1), vec![put(Table::Secrets, b"k", b"v")]);
    written(&mut store, 1).await;
    store.store.scrub();
    assert_eq!(report(&mut store).await, Report::Scrubbed { sound: true });
    store.store.close().await;
    let lies = storage(&path).set_aside().expect("nobody has it open");
    assert!(lies.contains("symbolon.db.unsound-"), "{lies}");
    assert_eq!(open(&path).expect("a fresh store").rows, []);
    assert_eq!(open(Path::new(&lies)).expect("the former one").rows.len(), 1);
}

#[tokio::test]
async fn the_scrub_tells_a_file_that_was_overwritten() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("symbolon.db");
    let mut store = open(&path).expect("a fresh store");
    let rows = (0..500_u16).map(|i| put(Table::Secrets, &i.to_be_bytes(), &[7; 200])).collect();
    store.store.commit(WriteId(1), rows);
    written(&mut store, 1).await;
    store.store.close().await;
    let mut store = open(&path).expect("it was closed");
    let file = std::fs::OpenOptions::new().write(true).open(&path).expect("our file");
    let end = file.metadata().expect("our file").len();
    for page in (4096..end).step_by(4096) {
        std::os::unix::fs::FileExt::write_all_at(&file, &[0xa5; 4096], page).expect("our file");
    }
    store.store.scrub();
    assert_eq!(report(&mut store).await, Report::Scrubbed { sound: false });
    store.store.close().await;
}

#[tokio::test]
async fn pinned_peers_outlive_the_database() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("symbolon.db");
    let mut store = open(&path).expect("a fresh store");
    let peers = vec![put(Table::Pinned, b"one", b"first"), put(Table::Pinned, b"two", b"second")];
    store.store.commit(WriteId(1), [peers.clone(), vec![put(Table::Cells, b"k", b"v")]].concat());
    written(&mut store, 1).await;
    store.store.close().await;
    for file in ["symbolon.db", "symbolon.db-wal", "symbolon.db-shm"] {
        std::fs::remove_file(dir.path().join(file)).ok();
    }

    let mut store = open(&path).expect("a fresh store");
    assert_eq!(store.rows, peers, "the peers, and nothing else");
    store.store.commit(WriteId(1), vec![put(Table::Pinned, b"one", b"moved")]);
    written(&mut store, 1).await;
    store.store.close().await;
    let store = open(&path).expect("it was closed");
    assert_eq!(store.rows, [put(Table::Pinned, b"one", b"moved"), put(Table::Pinned, b"two", b"second")]);
    store.store.close().await;

    std::fs::write(dir.path().join("symbolon.peers"), "garbage").expect("our file");
    assert!(matches!(open(&path), Err(StoreError::Io { .. })), "a damaged file is said, not ignored");
}

#[tokio::test]
async fn the_scrub_reads_what_the_rows_say() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("symbolon.db");
    let mut store = open(&path).expect("a fresh store");
    store.store.scrub();
    assert_eq!(report(&mut store).await, Report::Scrubbed { sound: true });
    store.store.commit(WriteId(1), vec![put(Table::Cells, b"k", b"no cell")]);
    written(&mut store, 1).await;
    store.store.scrub();
    assert_eq!(report(&mut store).await, Report::Scrubbed { sound: false });
    store.store.close().await;
}

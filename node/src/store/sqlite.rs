//! Opening the database: one process, one file of mode 0600, one schema version. It judges the file, and never its content.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::{Connection, ErrorCode, OpenFlags};
use symbolon_core::replica::{Recovered, Row, Table};
use tokio::sync::mpsc;

use super::writer::Writer;
use super::{StoreError, pins};
use crate::ports::{Clock, Report, Storage, Store};

/// Of the tables, in `user_version`.
const SCHEMA_VERSION: u32 = 1;
/// Page cache of each connection, in KiB.
const CACHE_KIB: i32 = 1024;

/// An SQLite file.
pub struct SqliteStorage {
    path: PathBuf,
    peers: PathBuf,
    clock: Arc<dyn Clock>,
}

impl SqliteStorage {
    /// The database at this path, which need not exist yet, and the file that keeps the pinned peers if it is lost.
    pub fn new(path: PathBuf, peers: PathBuf, clock: Arc<dyn Clock>) -> SqliteStorage {
        SqliteStorage { path, peers, clock }
    }
}

impl Storage for SqliteStorage {
    fn open(&self, reports: mpsc::UnboundedSender<Report>) -> Result<(Box<dyn Store>, Recovered), StoreError> {
        let lock = lock(&self.path)?;
        create_private(&self.path)?;
        let connection = connect(&self.path)?;
        prepare(&self.path, &connection)?;
        pins::restore(&self.peers, &connection)
            .map_err(|source| StoreError::Io { path: self.peers.clone(), source })?;
        let recovered = load(&connection).map_err(|source| classify(&self.path, source))?;
        let writer = Writer::start(connection, (self.path.clone(), self.peers.clone()), lock, reports)
            .map_err(|source| StoreError::Io { path: self.path.clone(), source })?;
        Ok((Box::new(writer), recovered))
    }

    fn set_aside(&self) -> Result<String, StoreError> {
        let _lock = lock(&self.path)?;
        let seconds = self.clock.now().wall.seconds();
        let aside = |suffix: &str| -> PathBuf {
            let mut name = self.path.clone().into_os_string();
            name.push(format!(".unsound-{seconds}{suffix}"));
            name.into()
        };
        for suffix in ["-wal", "-shm", ""] {
            let mut from = self.path.clone().into_os_string();
            from.push(suffix);
            let from = PathBuf::from(from);
            match fs::rename(&from, aside(suffix)) {
                Ok(()) => {}
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
                Err(source) => return Err(StoreError::Io { path: from, source }),
            }
        }
        Ok(aside("").display().to_string())
    }
}

/// The lock is on a file beside the database, so that no reader of the database can take it by accident.
fn lock(path: &Path) -> Result<File, StoreError> {
    let beside = path.with_extension("lock");
    let io = |source| StoreError::Io { path: beside.clone(), source };
    let file = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&beside).map_err(io)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::Locked(path.to_owned())),
        Err(TryLockError::Error(source)) => Err(io(source)),
    }
}

fn create_private(path: &Path) -> Result<(), StoreError> {
    let io = |source| StoreError::Io { path: path.to_owned(), source };
    let file = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path).map_err(io)?;
    let mode = file.metadata().map_err(io)?.permissions().mode() & 0o777;
    match mode & 0o077 {
        0 => Ok(()),
        _ => Err(StoreError::Mode { path: path.to_owned(), mode }),
    }
}

/// Opens a connection of its own to an existing database.
pub(super) fn connect(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(|source| classify(path, source))?;
    let configure = || -> rusqlite::Result<()> {
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
        connection.pragma_update(None, "temp_store", "MEMORY")
    };
    configure().map_err(|source| classify(path, source))?;
    Ok(connection)
}

fn prepare(path: &Path, connection: &Connection) -> Result<(), StoreError> {
    let sqlite = |source| classify(path, source);
    let found: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(sqlite)?;
    if found > SCHEMA_VERSION {
        return Err(StoreError::Newer { path: path.to_owned(), found, known: SCHEMA_VERSION });
    }
    if found < SCHEMA_VERSION {
        let mut script = String::from("BEGIN;");
        for table in Table::ALL {
            let name = table.name();
            script +=
                &format!("CREATE TABLE {name} (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID, STRICT;");
        }
        script += &format!("PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;");
        connection.execute_batch(&script).map_err(sqlite)?;
    }
    Ok(())
}

pub(super) fn load(connection: &Connection) -> rusqlite::Result<Recovered> {
    let mut rows = Vec::new();
    for table in Table::ALL {
        let mut statement = connection.prepare(&format!("SELECT key, value FROM {}", table.name()))?;
        let found = statement.query_map([], |row| Ok(Row { table, key: row.get(0)?, value: Some(row.get(1)?) }))?;
        for row in found {
            rows.push(row?);
        }
    }
    Ok(Recovered { rows })
}

pub(super) fn classify(path: &Path, source: rusqlite::Error) -> StoreError {
    match source.sqlite_error_code() {
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
            StoreError::Damaged { path: path.to_owned(), source }
        }
        _ => StoreError::Sqlite { path: path.to_owned(), source },
    }
}

//! What befalls a database file: copied, put back, lost, torn, slow, full. A running node's file is touched only as SQLite lets
//! another process touch it.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rusqlite::{Connection, OpenFlags};
use tokio::task::JoinHandle;

use crate::plan::Chance;

/// SQLite waits so long for whoever has the database; a commit that waited longer has failed.
pub(super) const MOST_SLOW: Duration = Duration::from_secs(4);
/// Between two slow spells: a commit that waits looks more often than this, so that it gets in.
const BREATH: Duration = Duration::from_millis(150);
/// What SQLite lays beside a database.
const BESIDE: [&str; 3] = ["", "-wal", "-shm"];

/// A disk that is slow while this exists.
pub(super) struct Slow {
    stop: Arc<AtomicBool>,
    spells: JoinHandle<()>,
}

/// Copies the database, of one moment, whether its node runs or not.
pub(super) fn back_up(database: &Path, copy: &Path) -> Result<()> {
    match fs::remove_file(copy) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
        Ok(()) | Err(_) => {}
    }
    let to = copy.to_str().context("temporary directories have plain names")?;
    open(database)?.execute("VACUUM INTO ?1", [to])?;
    // It holds secrets, and a node takes no file that others may read.
    Ok(fs::set_permissions(copy, fs::Permissions::from_mode(0o600))?)
}

/// Puts a copy in the place of the database.
pub(super) fn put_back(database: &Path, copy: &Path) -> Result<()> {
    if !copy.exists() {
        bail!("there is no such backup of this node");
    }
    remove(database)?;
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(database)?;
    std::io::copy(&mut fs::File::open(copy)?, &mut file)?;
    Ok(file.sync_all()?)
}

/// Deletes the database.
pub(super) fn wipe(database: &Path) -> Result<()> {
    if remove(database)? == 0 { bail!("there is no database at {}", database.display()) } else { Ok(()) }
}

/// Keeps of one drawn row only its first half, as of a page of which not all reached the disk.
pub(super) fn tear(database: &Path, chance: Chance) -> Result<()> {
    let connection = open(database)?;
    let rows: u32 = connection.query_row("SELECT count(*) FROM cells", [], |row| row.get(0))?;
    if rows == 0 {
        bail!("nothing is written there that could be torn");
    }
    let half = "UPDATE cells SET value = substr(value, 1, length(value) / 2) \
                WHERE key = (SELECT key FROM cells ORDER BY key LIMIT 1 OFFSET ?1)";
    connection.execute(half, [chance.below(rows.into()) as u32])?;
    Ok(())
}

/// Lets every commit fail, as on a full disk, until [`drain`].
pub(super) fn fill(database: &Path) -> Result<()> {
    on_each_table(database, |table| {
        format!(
            "CREATE TRIGGER IF NOT EXISTS full_{table} BEFORE INSERT ON {table} \
             BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END;"
        )
    })
}

/// There is room again.
pub(super) fn drain(database: &Path) -> Result<()> {
    on_each_table(database, |table| format!("DROP TRIGGER IF EXISTS full_{table};"))
}

/// Holds the database for up to so long again and again, so that commits wait for it.
pub(super) fn slow(database: PathBuf, by: Duration, chance: Chance) -> Slow {
    let stop = Arc::<AtomicBool>::default();
    let stopped = stop.clone();
    let spells = tokio::task::spawn_blocking(move || {
        let most_ms = u64::try_from(by.min(MOST_SLOW).as_millis()).unwrap_or_default();
        let mut turn = 0;
        while !stopped.load(Ordering::SeqCst) {
            turn += 1;
            // There may be no database at this moment: then nothing is slow.
            if let Ok(connection) = open(&database)
                && connection.execute_batch("BEGIN IMMEDIATE").is_ok()
            {
                std::thread::sleep(Duration::from_millis(chance.at(turn).below(most_ms + 1)));
                let _ = connection.execute_batch("ROLLBACK");
            }
            std::thread::sleep(BREATH);
        }
    });
    Slow { stop, spells }
}

impl Slow {
    /// Ends it, and waits until it has let go of the file.
    pub(super) async fn end(mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // A panic in there lets go as well.
        let _ = (&mut self.spells).await;
    }
}

impl Drop for Slow {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
    }
}

fn on_each_table(database: &Path, statement: impl Fn(&str) -> String) -> Result<()> {
    let connection = open(database)?;
    let mut names = connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'")?;
    let tables: Vec<String> = names.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let script: String = tables.iter().map(|table| statement(table)).collect();
    drop(names);
    Ok(connection.execute_batch(&format!("BEGIN IMMEDIATE; {script} COMMIT;"))?)
}

fn open(database: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(database, flags).with_context(|| format!("{} does not open", database.display()))
}

/// Removes a database with all that lies beside it, and tells how many files there were.
fn remove(database: &Path) -> Result<usize> {
    let mut removed = 0;
    for suffix in BESIDE {
        let mut path = database.as_os_str().to_owned();
        path.push(suffix);
        match fs::remove_file(&path) {
            Ok(()) => removed += 1,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(removed)
}

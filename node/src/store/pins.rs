//! The pinned peers once more, in a file beside the identity: whom a node trusts belongs to who it is, and outlives its database.
//! It knows them as rows of bytes.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use rusqlite::Connection;
use symbolon_core::config::MAX_PEERS;

const HEADER: &str = "symbolon-peers-v1";
/// A file is read this far: each line holds a node id, two public keys and an address.
const MAX_FILE_BYTES: u64 = MAX_PEERS as u64 * 4096;

/// Puts into the database what the file names and the database does not: after it was lost, all of it.
pub(super) fn restore(path: &Path, connection: &Connection) -> io::Result<()> {
    let text = match fs::metadata(path) {
        Ok(metadata) if metadata.len() > MAX_FILE_BYTES => return Err(damaged()),
        Ok(_) => fs::read_to_string(path)?,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(e),
    };
    let mut lines = text.lines();
    if lines.next() != Some(HEADER) {
        return Err(damaged());
    }
    for line in lines {
        let (key, value) = line.split_once(' ').ok_or_else(damaged)?;
        let decode = |text: &str| STANDARD_NO_PAD.decode(text).map_err(|_| damaged());
        connection
            .execute("INSERT OR IGNORE INTO pinned (key, value) VALUES (?1, ?2)", (decode(key)?, decode(value)?))
            .map_err(io::Error::other)?;
    }
    Ok(())
}

/// Writes the file anew from the database, whole or not at all.
pub(super) fn keep(path: &Path, connection: &Connection) -> io::Result<()> {
    let mut text = format!("{HEADER}\n");
    let mut statement = connection.prepare_cached("SELECT key, value FROM pinned").map_err(io::Error::other)?;
    let mut rows = statement.query([]).map_err(io::Error::other)?;
    while let Some(row) = rows.next().map_err(io::Error::other)? {
        let (key, value): (Vec<u8>, Vec<u8>) = row.try_into().map_err(io::Error::other)?;
        text += &format!("{} {}\n", STANDARD_NO_PAD.encode(key), STANDARD_NO_PAD.encode(value));
    }
    let beside = path.with_extension("peers-new");
    let mut file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&beside)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(directory)?.sync_all()
}

fn damaged() -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        "damaged: restore it from a backup, or remove it and pin the peers anew",
    )
}

//! The disk: an embedded SQLite database behind the storage port. It knows tables of bytes, and never what they mean.

mod pins;
mod sqlite;
mod writer;

pub use sqlite::SqliteStorage;

use std::path::PathBuf;

use rusqlite::ErrorCode;

/// Why a store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process has it.
    #[error("{0} is in use by another process: give each node a node.data_dir of its own")]
    Locked(PathBuf),
    /// It was written by a newer build.
    #[error(
        "{path} has schema version {found}, this build knows up to {known}: run the newer build again, or restore a backup"
    )]
    Newer {
        /// The database.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// Ours.
        known: u32,
    },
    /// Others may read it.
    #[error("{path} has mode {mode:03o}: it holds secrets, run chmod 600 on it")]
    Mode {
        /// The database.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file is no database, or is damaged.
    #[error("{path} is damaged: {source}")]
    Damaged {
        /// The database.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// SQLite refused.
    #[error("{path}: {source}")]
    Sqlite {
        /// The database.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// The file system refused.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
}

impl StoreError {
    /// Whether this is a database, and a broken one. What is no database at all may be somebody else's file.
    pub fn is_corrupt(&self) -> bool {
        match self {
            StoreError::Damaged { source, .. } => source.sqlite_error_code() == Some(ErrorCode::DatabaseCorrupt),
            StoreError::Locked(_) | StoreError::Newer { .. } | StoreError::Mode { .. } => false,
            StoreError::Sqlite { .. } | StoreError::Io { .. } => false,
        }
    }
}

//! The identity file: who a node is. Made once by `init`, only loaded ever after; a damaged one is an error, never replaced.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use sha2::{Digest, Sha256};
use symbolon_core::crypto::Crypto;
use symbolon_core::replica::IdentityKeys;
use zeroize::Zeroizing;

const HEADER: &str = "symbolon-identity-v1";
const CHECKSUM_BYTES: usize = 8;
/// Bytes of the file; a sound one is much shorter.
const MAX_FILE_BYTES: u64 = 4096;

/// Why there is no identity.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The file system refused.
    #[error("node.identity_file: {path}: {source}", path = path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Others may read it.
    #[error("node.identity_file: {path} has mode {mode:03o}: it is a private key, run chmod 600 on it", path = path.display())]
    Mode {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file is not what `init` wrote.
    #[error(
        "node.identity_file: {path} is damaged: restore it from a backup; a node that lost it is a new node, made by \
         `symbolon init`",
        path = path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
    },
}

/// Reads the identity.
pub fn load(path: &Path, crypto: &Crypto) -> Result<IdentityKeys, IdentityError> {
    let io = |source| IdentityError::Io { path: path.to_owned(), source };
    let damaged = || IdentityError::Damaged { path: path.to_owned() };
    let metadata = fs::metadata(path).map_err(io)?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(IdentityError::Mode { path: path.to_owned(), mode });
    }
    if metadata.len() > MAX_FILE_BYTES {
        return Err(damaged());
    }
    let text = Zeroizing::new(fs::read(path).map_err(io)?);
    let text = std::str::from_utf8(&text).map_err(|_| damaged())?;
    let (header, body) = text.split_once('\n').ok_or_else(damaged)?;
    let body = Zeroizing::new(STANDARD_NO_PAD.decode(body.trim_end()).map_err(|_| damaged())?);
    let (keys, checksum) = body.split_last_chunk::<CHECKSUM_BYTES>().ok_or_else(damaged)?;
    if header != HEADER || checksum != &self::checksum(keys) {
        return Err(damaged());
    }
    IdentityKeys::from_bytes(crypto, keys).ok_or_else(damaged)
}

/// Writes a fresh identity, durably, to a path where nothing is yet.
pub fn create(path: &Path, keys: &IdentityKeys) -> Result<(), IdentityError> {
    let bytes = keys.to_bytes();
    let mut body = Zeroizing::new(Vec::with_capacity(bytes.len() + CHECKSUM_BYTES));
    body.extend_from_slice(bytes.as_slice());
    body.extend_from_slice(&checksum(bytes.as_slice()));
    let text = Zeroizing::new(format!("{HEADER}\n{}\n", &*Zeroizing::new(STANDARD_NO_PAD.encode(&*body))));
    write_new(path, text.as_bytes(), 0o600).map_err(|source| IdentityError::Io { path: path.to_owned(), source })
}

/// Writes a file whole or not at all, synced with its directory; refuses where there is one.
pub(crate) fn write_new(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let beside = path.with_extension("new");
    let mut file = OpenOptions::new().create_new(true).write(true).mode(mode).open(&beside)?;
    let written = (|| {
        file.write_all(bytes)?;
        file.sync_all()?;
        // A link, unlike a rename, never replaces what is there.
        fs::hard_link(&beside, path)
    })();
    fs::remove_file(&beside)?;
    written?;
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::File::open(directory)?.sync_all()
}

fn checksum(keys: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let digest = Sha256::digest(keys);
    std::array::from_fn(|i| digest[i])
}

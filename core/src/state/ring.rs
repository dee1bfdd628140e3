//! The ring of wrapping keys that this node holds, each with its subkeys. Keys are never shown, and only ids are gossiped.

use std::cmp::Ordering;
use std::fmt;
use std::sync::{Arc, OnceLock};

use crate::crdt::write_hex;
use crate::crypto::{Secret32, hkdf32};
use crate::time::Wall;

/// The public name of a wrapping key: the first 16 bytes of SHA-256 over a domain tag and the key.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct RingKeyId(pub [u8; 16]);

/// One wrapping key that this node holds.
#[derive(Clone)]
pub struct RingKey {
    /// Its public name.
    pub id: RingKeyId,
    /// Its age, from the replicated metadata.
    pub created: Wall,
    /// The key itself.
    pub secret: Secret32,
    session: OnceLock<Secret32>,
}

/// The wrapping keys that this node holds, newest first by (created, id).
#[derive(Clone, Debug, Default)]
pub struct Ring {
    /// Newest first. Views share them, so that few copies of a secret lie in memory.
    pub keys: Arc<Vec<RingKey>>,
    /// Position in `keys` of the one to seal with: the newest that the reachable peers hold too.
    pub sealing: Option<usize>,
}

impl RingKey {
    /// The key of this name and age.
    pub fn new(id: RingKeyId, created: Wall, secret: Secret32) -> RingKey {
        RingKey { id, created, secret, session: OnceLock::new() }
    }

    /// The HKDF subkey that seals session cookies, derived when it is first needed.
    pub fn session(&self) -> &Secret32 {
        self.session.get_or_init(|| hkdf32(&self.secret[..], b"", b"symbolon session cookie v1"))
    }
}

impl RingKeyId {
    /// Reads 32 hexadecimal digits.
    pub fn parse(text: &str) -> Option<RingKeyId> {
        let digit = |digit: u8| char::from(digit).to_digit(16);
        let digits: &[u8; 32] = text.as_bytes().try_into().ok()?;
        let mut id = [0; 16];
        for (byte, pair) in id.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = (digit(pair[0])? << 4 | digit(pair[1])?) as u8;
        }
        Some(RingKeyId(id))
    }
}

/// The order of the bytes, as a number: so it is compared without a call.
impl Ord for RingKeyId {
    fn cmp(&self, other: &RingKeyId) -> Ordering {
        u128::from_be_bytes(self.0).cmp(&u128::from_be_bytes(other.0))
    }
}

impl PartialOrd for RingKeyId {
    fn partial_cmp(&self, other: &RingKeyId) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ring {
    /// The key to seal with.
    pub fn sealing(&self) -> Option<&RingKey> {
        self.keys.get(self.sealing?)
    }

    /// The key of this id, if it is held.
    pub fn get(&self, id: RingKeyId) -> Option<&RingKey> {
        self.keys.iter().find(|key| key.id == id)
    }
}

impl fmt::Debug for RingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RingKey").field("id", &self.id).field("created", &self.created).finish_non_exhaustive()
    }
}

impl fmt::Debug for RingKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Display for RingKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(&self.0, f)
    }
}

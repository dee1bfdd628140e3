//! Names of cells: a collection and an id. Nothing here says what a cell holds.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use crate::crdt::Fingerprint;

/// A collection by its number on the wire. Numbers that this build does not know are kept and passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Collection(pub u8);

impl Collection {
    /// What a client is and may do; read by *latest*.
    pub const CLIENT: Collection = Collection(1);
    /// The hashes of a client's secrets; read by *latest*.
    pub const CLIENT_SECRET: Collection = Collection(2);
    /// Whether a client stands or is denied; *deny wins*.
    pub const CLIENT_STANDING: Collection = Collection(3);
    /// A scope definition; read by *latest*.
    pub const SCOPE: Collection = Collection(4);
    /// A wrapping key's name and age (never the key); read by *latest*.
    pub const RING_KEY: Collection = Collection(5);
    /// The instant before which a user's sessions are void; read by *join* (the latest instant wins).
    pub const SESSION_CUTOFF: Collection = Collection(6);
    /// Whether a token signing key stands or is withdrawn; *deny wins*.
    pub const KEY_STANDING: Collection = Collection(7);

    /// The name that statistics and timelines use.
    pub fn name(self) -> &'static str {
        match self {
            Collection::CLIENT => "clients",
            Collection::CLIENT_SECRET => "client_secrets",
            Collection::CLIENT_STANDING => "client_standings",
            Collection::SCOPE => "scopes",
            Collection::RING_KEY => "ring_keys",
            Collection::SESSION_CUTOFF => "session_cutoffs",
            Collection::KEY_STANDING => "key_standings",
            Collection(_) => "unknown",
        }
    }
}

/// The name of one cell.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// Which collection.
    pub collection: Collection,
    /// Which member of it.
    pub id: Arc<str>,
}

impl Key {
    /// The key of `id` in `collection`.
    pub fn new(collection: Collection, id: impl Into<Arc<str>>) -> Key {
        Key { collection, id: id.into() }
    }
}

/// The name of a cell, owned or not: maps by [`Key`] are searched by it, so that a look-up allocates nothing. Its order is that
/// of [`Key`].
pub(super) trait KeyName {
    fn parts(&self) -> (Collection, &str);
}

impl KeyName for Key {
    fn parts(&self) -> (Collection, &str) {
        (self.collection, &self.id)
    }
}

impl KeyName for (Collection, &str) {
    fn parts(&self) -> (Collection, &str) {
        *self
    }
}

impl<'a> Borrow<dyn KeyName + 'a> for Key {
    fn borrow(&self) -> &(dyn KeyName + 'a) {
        self
    }
}

impl PartialEq for dyn KeyName + '_ {
    fn eq(&self, other: &Self) -> bool {
        self.parts() == other.parts()
    }
}

impl Eq for dyn KeyName + '_ {}

impl PartialOrd for dyn KeyName + '_ {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for dyn KeyName + '_ {
    fn cmp(&self, other: &Self) -> Ordering {
        self.parts().cmp(&other.parts())
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.collection.name(), self.id)
    }
}

impl Fingerprint for Key {
    fn fingerprint(&self, sink: &mut dyn FnMut(&[u8])) {
        sink(&[self.collection.0]);
        sink(&(self.id.len() as u64).to_le_bytes());
        sink(self.id.as_bytes());
    }
}

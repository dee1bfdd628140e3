//! Names of what a reader misses here and a peer may have. Nothing here asks anybody.

use crate::state::RingKeyId;

/// Something that a caller misses here and a peer may have.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wanted {
    /// A client by id.
    Client(String),
    /// A token signing key by kid.
    TokenKey(String),
    /// A wrapping key: the value opens under it, so it is no bare identifier.
    RingKey(RingKeyId),
}

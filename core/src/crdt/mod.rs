//! Replicated data types: dots, version vectors, hybrid logical clocks, the dotted store, expiring sets.
//!
//! This room knows no tokens and no encodings, does no IO, and imports nothing of this crate but [`crate::time`] and the hooks of [`crate::zoo`].
//! Everything in it is persistent: cloning a store, a vector or a cut costs the same however much they hold.

mod cell;
mod clock;
mod delta;
mod digest;
mod dot;
mod expiring;
mod fault;
mod index;
mod store;
mod vector;

pub use cell::{Cell, MAX_SIBLINGS, Op, Sibling, latest};
pub use clock::{Hlc, HybridClock};
pub use delta::{Changes, Cut, Part, Unit};
pub use digest::{BUCKETS, Digest, Fingerprint};
pub(crate) use dot::write_hex;
pub use dot::{Dot, Incarnation, MAX_SEQ, NodeId, NodeIdError, ReplicaId};
pub use expiring::{Cursor, EPOCH_MS, Epoch, ExpiringSet, MAX_ARRIVALS, MAX_ARRIVALS_AT_ONCE};
pub use fault::UnitFault;
pub use store::DottedStore;
pub use vector::VersionVector;

//! The only serializers: every byte that leaves a replica, for a peer or for the disk, is written and read here.
//!
//! Encodings are CBOR (RFC 8949) with definite lengths, versioned, bounded and total: any bytes give a value or a
//! [`WireFault`], never a panic, and take no memory beyond what their length earns. Maps with integer keys leave room:
//! a reader skips keys that it does not know. Wire types are not state types; this room decides nothing.

mod cbor;
mod cell;
pub mod letter;
pub mod mark;
pub mod message;
pub mod record;
pub mod row;
pub mod value;

pub use cbor::WireFault;
pub use cell::cell_size;

//! The Symbolon node: sockets, disk and clock around the pure replica of `symbolon-core`. It holds no rule of the protocol.

pub mod crypto;

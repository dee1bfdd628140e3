//! The pure state machine of Symbolon.
//!
//! A [`replica::Replica`] turns events into effects: it issues, introspects and revokes tokens, and keeps one replicated
//! state with its peers by gossip. This crate never opens a socket or a file, never reads a clock, the environment or the
//! operating system's randomness, never spawns a thread, and never awaits: whoever embeds it hands in time, entropy and
//! bytes, and carries out the effects.

pub mod admission;
pub mod config;
pub mod crdt;
pub mod crypto;
pub mod envelope;
pub mod fault;
pub mod gossip;
pub mod replica;
pub mod state;
pub mod time;
pub mod token;
pub mod wire;
pub mod zoo;

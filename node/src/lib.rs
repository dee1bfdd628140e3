//! The Symbolon node: sockets, disk and clock around the pure replica of `symbolon-core`. It holds no rule of the protocol.

pub mod cli;
pub mod client;
pub mod clock;
pub mod config;
pub mod crypto;
pub mod dial;
pub mod driver;
pub mod handle;
pub mod http;
pub mod identity;
pub mod net;
pub mod node;
pub mod password;
pub mod ports;
pub mod server;
pub mod stall;
pub mod store;
pub mod telemetry;
pub mod tls;
pub mod workshop;

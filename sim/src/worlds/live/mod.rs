//! The live world: real processes on loopback with TLS, disks and signals. Nothing is faked; it builds nothing itself, and
//! ends only what it started.
//!
//! Plans that trouble the network put a [`proxy`] in front of each node. Clocks are those of the machine, so plans that move
//! them are [refused](cannot()).

mod certificates;
pub mod cluster;
mod config;
pub mod dial;
mod disk;
mod expect;
mod faults;
pub mod network;
mod node;
mod ports;
pub mod proc;
pub mod process;
pub mod proxy;
mod refusal;
mod stage;
mod traffic;
mod verbs;
mod world;

pub use super::client::{api, http};
pub use cluster::{Cluster, Layout};
pub use ports::Ports;
pub use refusal::cannot;
pub use traffic::{NodeTraffic, Progress, TrafficReport};
pub use world::{Live, Outcome};

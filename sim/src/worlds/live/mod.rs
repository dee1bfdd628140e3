//! The live world: real processes on loopback with TLS, disks and signals. Nothing is faked; it builds nothing itself, and
//! ends only what it started.

mod certificates;
pub mod cluster;
mod config;
pub mod dial;
mod expect;
mod ports;
pub mod proc;
pub mod process;
pub mod proxy;
mod traffic;
mod verbs;
mod world;

pub use super::client::{api, http};
pub use cluster::{Cluster, Layout};
pub use ports::Ports;
pub use traffic::{NodeTraffic, Progress, TrafficReport};
pub use world::{Live, Outcome};

//! The live world: real processes on loopback with TLS, disks and signals. Nothing is faked; it builds nothing itself, and
//! ends only what it started.

pub mod api;
mod certificates;
pub mod cluster;
mod config;
mod expect;
pub mod http;
mod ports;
pub mod proc;
pub mod process;
pub mod proxy;
mod traffic;
mod verbs;
mod world;

pub use cluster::{Cluster, Layout};
pub use ports::Ports;
pub use traffic::{NodeTraffic, Progress, TrafficReport};
pub use world::{Live, Outcome};

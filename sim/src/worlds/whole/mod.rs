//! The whole world: the production node (driver, router, gossip client, envelopes) on hosts of a simulated network. Its disk,
//! clock, entropy and password checks are this world's; TLS, threads and files stay in the live one.

mod clock;
mod crypto;
mod desk;
mod disk;
mod host;
mod network;
mod place;
mod record;
mod weather;
mod world;

pub use world::{Climate, PASSWORD, USER, World};

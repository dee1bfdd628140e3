//! Gossip: what this replica knows of each peer, when it speaks to whom, and what a round carries. It sends nothing itself.

mod stats;

pub use stats::{PeerStats, Stats};

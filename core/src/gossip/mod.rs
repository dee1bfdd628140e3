//! Gossip: what this replica knows of each peer, when it speaks to whom, and what a round carries. It sends nothing itself,
//! seals nothing, and changes no state: the replica carries out what is decided here.
//!
//! A round is one round trip. Each half speaks of one view of its sender: its vector (as changes since the last one that
//! the receiver acknowledged), its digests, and what it believes the receiver lacks. What is believed of a peer is a lower
//! bound, so a lost or repeated half does no harm; the half that opened a round is the one that retries it.

mod compose;
mod peer;
mod receive;
mod schedule;
mod stats;
mod unit;

pub use compose::{Local, Sent};
pub use peer::{Flight, Peer};
pub use receive::{Comparison, Heard, Incoming};
pub use schedule::{Gossip, PUSH_PEERS, UNHURRIED, Why};
pub use stats::{PeerStats, Stats};
pub use unit::{BrokenOff, Complete, Staging, Taken};

/// Names one exchange that this replica opened with a peer; chosen by the replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExchangeId(pub u64);

//! What gossip counted: one snapshot, for `stats`, metrics and people.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crate::crdt::NodeId;
use crate::fault::Reject;
use crate::time::Wall;

/// Counters since boot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// When this life began.
    pub started_at: Wall,
    /// Rounds that came back.
    pub rounds_completed: u64,
    /// When the last one did.
    pub last_round_at: Option<Wall>,
    /// Rounds that did not.
    pub rounds_failed: u64,
    /// Rounds not held because the peer was known to be equal.
    pub skips: u64,
    /// Frames sent because of a local or merged change, at once.
    pub pushes: u64,
    /// Writes that the disk refused.
    pub persist_errors: u64,
    /// Requests for a wrapping key that brought none.
    pub wrapping_key_pull_errors: u64,
    /// Equal vectors with different digests.
    pub divergences: u64,
    /// Peers with which an alarm stands.
    pub alarms: BTreeSet<NodeId>,
    /// The greatest sequence number that this incarnation wrote.
    pub generation: u64,
    /// The root digest of the live cells, hexadecimal.
    pub digest: String,
    /// Refused frames by reason, those of unknown senders included.
    pub rejects: BTreeMap<Reject, u64>,
    /// By peer.
    pub peers: BTreeMap<NodeId, PeerStats>,
}

/// Counters for one peer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PeerStats {
    /// Its name, once its record is known.
    pub name: Option<Arc<str>>,
    /// Where it is dialled.
    pub address: Arc<str>,
    /// When the last exchange with it ended well.
    pub last_exchange: Option<Wall>,
    /// Cells received that changed something here.
    pub cells_in: u64,
    /// Cells sent.
    pub cells_out: u64,
    /// Frame bytes received.
    pub bytes_in: u64,
    /// Frame bytes sent.
    pub bytes_out: u64,
    /// Frames received.
    pub frames_in: u64,
    /// Frames sent.
    pub frames_out: u64,
    /// Rounds skipped because it was known to be equal.
    pub skips: u64,
    /// Rounds that failed in a row, now.
    pub failures: u32,
    /// Refused frames by reason.
    pub rejects: BTreeMap<Reject, u64>,
    /// Its clock minus ours at the last frame, in milliseconds.
    pub clock_offset_ms: Option<i64>,
    /// Half of the last round trip bounds the error of the offset.
    pub round_trip: Option<Duration>,
    /// Ops that we hold and it has not acknowledged.
    pub lag_ops: u64,
    /// While an alarm stands: buckets of live cells, of 256, that differ under equal vectors, once the peer has said its own.
    pub diverging_buckets: Option<usize>,
}

//! What a replica is told at boot, and every limit of the protocol, each named once. Nothing here reads a file.

use std::collections::BTreeSet;
use std::time::Duration;

/// The largest frame that is read or sent, in bytes.
pub const MAX_FRAME_BYTES: usize = 1 << 20;
/// Frames are refused when their time lies further than this from the receiver's wall clock.
pub const FRAME_WINDOW: Duration = Duration::from_secs(120);
/// Nonces remembered per sender; beyond it the oldest time bound moves up instead of a nonce being forgotten.
pub const MAX_NONCES_PER_SENDER: usize = 65_536;
/// Cells in one part of a delta.
pub const MAX_PART_CELLS: usize = 4096;
/// Encoded bytes of cells in one part of a delta; one cell more may overshoot it.
pub const MAX_PART_BYTES: usize = 256 << 10;
/// Encoded bytes of one value.
pub const MAX_VALUE_BYTES: usize = 64 << 10;
/// Bytes of one cell id.
pub const MAX_ID_BYTES: usize = 256;
/// Bytes of a node's address.
pub const MAX_ADDRESS_BYTES: usize = 1024;
/// Cells of one delta in all parts together, as a receiver stages them.
pub const MAX_STAGED_CELLS: usize = 4 << 20;
/// Entries of the expiring sets in one frame.
pub const MAX_ARRIVALS_PER_FRAME: usize = 2048;
/// Peers that a node speaks to.
pub const MAX_PEERS: usize = 1024;
/// Signed records in one frame.
pub const MAX_RECORDS_PER_FRAME: usize = 64;
/// Token keys in one record.
pub const MAX_TOKEN_KEYS: usize = 16;
/// Former lives of one node whose last records are kept; the oldest goes first.
pub const MAX_FORMER_LIVES: usize = 8;
/// A record vouches for so long that its keys may have signed; a former life's count until then and no longer.
pub const RECORD_LEASE: Duration = Duration::from_secs(6 * 3600);
/// A node signs its record anew when it is as old as this.
pub const RECORD_RENEWAL: Duration = Duration::from_secs(3600);
/// Wrapping keys in a ring.
pub const MAX_RING_KEYS: usize = 16;
/// Callers that wait in the ledger for the disk; beyond it a caller hears "busy".
pub const MAX_WAITING: usize = 16_384;
/// Look-ups on a miss that wait for peers at one time.
pub const MAX_PULLS: usize = 256;
/// Peers asked at once on a miss.
pub const PULL_PEERS: usize = 3;
/// How long a caller waits for peers on a miss.
pub const PULL_TIMEOUT: Duration = Duration::from_millis(400);
/// How long "no peer has it" is believed.
pub const PULL_NEGATIVE_TTL: Duration = Duration::from_secs(2);
/// Bare identifiers that one address may have looked up at peers: this many at once, and one more each second.
pub const PULL_BURST: u32 = 20;

/// What a replica is told at boot and on `Reconfigure`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The cluster's name; frames of another cluster are refused.
    pub cluster: String,
    /// A name for people, in the node's record.
    pub name: String,
    /// Where peers reach this node: an origin such as `https://10.0.0.1:8443`.
    pub address: String,
    /// The issuer identifier (RFC 8414): the same on every node of the cluster.
    pub issuer: String,
    /// Node ids or names that may speak; empty admits every pinned peer.
    pub allowed_nodes: BTreeSet<String>,
    /// Settings of gossip.
    pub gossip: GossipConfig,
    /// Settings of tokens and sessions.
    pub tokens: TokenConfig,
    /// Users of the static file, by name.
    pub users: Vec<StaticUser>,
    /// Members of this group are administrators.
    pub admin_group: String,
}

/// Settings of gossip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GossipConfig {
    /// Between two rounds of the idle schedule.
    pub interval: Duration,
    /// A peer that is known to be equal is still asked this often.
    pub heartbeat: Duration,
    /// Peers spoken to in one round of the schedule.
    pub fanout: usize,
    /// A local change waits this long for company before it is pushed.
    pub debounce: Duration,
    /// How long a round may take before it counts as failed.
    pub round_timeout: Duration,
    /// Clocks that differ by more are refused.
    pub max_clock_drift: Duration,
    /// An empty cell that not every peer acknowledged is dropped after this.
    pub remove_horizon: Duration,
    /// Cells in one part of a delta that is sent; from 1 to [`MAX_PART_CELLS`].
    pub part_cells: usize,
}

/// Settings of tokens and sessions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenConfig {
    /// Lifetime of access tokens, unless the client says otherwise.
    pub access_ttl: Duration,
    /// Lifetime of sessions.
    pub session_ttl: Duration,
    /// Age at which a signing key is succeeded by the next.
    pub key_lifetime: Duration,
    /// `Cache-Control: max-age` of the JWKS; a rotated key waits this long before it signs.
    pub jwks_max_age: Duration,
}

/// A user of the static file.
#[derive(Clone, PartialEq, Eq)]
pub struct StaticUser {
    /// The login name.
    pub name: String,
    /// Argon2id in PHC string form.
    pub password_hash: String,
    /// Groups.
    pub groups: BTreeSet<String>,
}

impl Default for GossipConfig {
    fn default() -> GossipConfig {
        GossipConfig {
            interval: Duration::from_secs(2),
            heartbeat: Duration::from_secs(30),
            fanout: 3,
            debounce: Duration::from_millis(5),
            round_timeout: Duration::from_secs(5),
            max_clock_drift: Duration::from_secs(10),
            remove_horizon: Duration::from_secs(30 * 24 * 3600),
            part_cells: MAX_PART_CELLS,
        }
    }
}

impl Default for TokenConfig {
    fn default() -> TokenConfig {
        TokenConfig {
            access_ttl: Duration::from_secs(600),
            session_ttl: Duration::from_secs(8 * 3600),
            key_lifetime: Duration::from_secs(30 * 24 * 3600),
            jwks_max_age: Duration::from_secs(60),
        }
    }
}

impl std::fmt::Debug for StaticUser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StaticUser").field("name", &self.name).field("groups", &self.groups).finish_non_exhaustive()
    }
}

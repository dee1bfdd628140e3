//! Plans drawn from a seed: workload, faults and clocks as plain data, for worlds that run many. Nothing here runs one.

mod chance;
mod draw;

use serde::{Deserialize, Serialize};

pub use chance::Chance;
pub use draw::draw;

/// The version of this form.
pub const VERSION: u32 = 1;

/// A whole plan. The seed names every draw that the plan itself does not hold, such as latencies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Drawn {
    /// [`VERSION`].
    pub version: u32,
    /// The seed.
    pub seed: u64,
    /// How many nodes.
    pub nodes: usize,
    /// Until then faults begin and clients call.
    pub storm_ms: u64,
    /// The nodes that heal; the others stay cut off for ever. Empty: all heal.
    pub core: Vec<usize>,
    /// All frames are searched for secrets.
    pub scan: bool,
    /// The tempo of gossip.
    pub pace: Pace,
    /// The network.
    pub network: Network,
    /// The disks.
    pub disk: Disk,
    /// The clocks, by node.
    pub clocks: Vec<Clock>,
    /// What happens, in the order of time.
    pub items: Vec<Item>,
}

/// Settings of gossip on every node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Pace {
    /// Between rounds.
    pub interval_ms: u64,
    /// A silent peer is asked this often.
    pub heartbeat_ms: u64,
    /// Peers in each interval.
    pub fanout: usize,
    /// A round counts as failed.
    pub round_timeout_ms: u64,
    /// Clock budget.
    pub drift_ms: u64,
    /// Lifetime of tokens.
    pub token_ttl_s: u64,
    /// Caches of public keys.
    pub jwks_max_age_ms: u64,
    /// Lifetime of signing keys.
    pub key_lifetime_s: u64,
    /// Empty cells leave after this.
    pub remove_horizon_ms: u64,
}

/// What the network does to what travels, in thousandths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Network {
    /// The least latency of one way.
    pub latency_min_ms: u64,
    /// The greatest, of ordinary ones.
    pub latency_max_ms: u64,
    /// How many are slow.
    pub slow: u64,
    /// How slow at most.
    pub slow_ms: u64,
    /// Requests that vanish.
    pub lost_requests: u64,
    /// Replies that vanish.
    pub lost_replies: u64,
    /// Of what vanishes, how much is never reported.
    pub silent: u64,
    /// Requests that arrive twice.
    pub twice: u64,
    /// What arrives with a flipped byte.
    pub corrupt: u64,
}

/// How long a commit takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Disk {
    /// At least.
    pub min_ms: u64,
    /// At most.
    pub max_ms: u64,
}

/// A clock's error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Clock {
    /// At the beginning.
    pub offset_ms: i64,
    /// Gained in a million.
    pub ppm: i64,
}

/// One thing that happens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Item {
    /// When.
    pub at_ms: u64,
    /// Where.
    pub on: usize,
    /// What.
    #[serde(rename = "do")]
    pub deed: Deed,
}

/// A call of a client or an operator, or a fault. Clients and tokens go by numbers of the plan; what does not exist when its
/// turn comes is passed over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "the names of the fields are those of the verbs")]
pub enum Deed {
    CreateClient { client: u64 },
    EditClient { client: u64, version: u64 },
    DeleteClient { client: u64 },
    RotateSecret { client: u64 },
    DefineScope { scope: u64, version: u64 },
    RemoveScope { scope: u64 },
    Login { session: u64 },
    RevokeSession { session: u64 },
    RevokeUser,
    Issue { client: u64, token: u64 },
    Introspect { token: u64 },
    RevokeToken { token: u64 },
    SetClusterKey { number: u64 },
    RotateKey,
    WithdrawKey { of: usize },
    Crash { down_ms: u64 },
    LoseDisk { down_ms: u64 },
    RestoreDisk { down_ms: u64, age_ms: u64 },
    FailDisk { down_ms: u64 },
    SlowDisk { for_ms: u64, by_ms: u64 },
    Pause { for_ms: u64 },
    Split { others: Vec<usize>, for_ms: u64 },
    Cut { to: usize, for_ms: u64 },
    StepClock { by_ms: i64, for_ms: u64 },
    Replay { back: u64, to: usize },
}

impl Deed {
    /// Whether it is a fault.
    pub fn is_fault(&self) -> bool {
        match self {
            Deed::CreateClient { .. }
            | Deed::EditClient { .. }
            | Deed::DeleteClient { .. }
            | Deed::RotateSecret { .. }
            | Deed::DefineScope { .. }
            | Deed::RemoveScope { .. }
            | Deed::Login { .. }
            | Deed::RevokeSession { .. }
            | Deed::RevokeUser
            | Deed::Issue { .. }
            | Deed::Introspect { .. }
            | Deed::RevokeToken { .. }
            | Deed::SetClusterKey { .. }
            | Deed::RotateKey
            | Deed::WithdrawKey { .. } => false,
            Deed::Crash { .. }
            | Deed::LoseDisk { .. }
            | Deed::RestoreDisk { .. }
            | Deed::FailDisk { .. }
            | Deed::SlowDisk { .. }
            | Deed::Pause { .. }
            | Deed::Split { .. }
            | Deed::Cut { .. }
            | Deed::StepClock { .. }
            | Deed::Replay { .. } => true,
        }
    }
}

impl Drawn {
    /// Whether a plan that was read makes sense.
    ///
    /// # Errors
    /// What is wrong, and what would be right.
    pub fn check(&self) -> Result<(), String> {
        if self.version != VERSION {
            return Err(format!("version {} is not known here; this build knows {VERSION}", self.version));
        }
        if self.nodes == 0 || self.nodes > super::MAX_NODES {
            return Err(format!("nodes: 1 to {}, not {}", super::MAX_NODES, self.nodes));
        }
        let strange =
            |item: &&Item| item.on >= self.nodes || (self.nodes..super::MAX_NODES).any(|n| item.deed.names(n));
        if let Some(item) = self.items.iter().find(strange) {
            return Err(format!("at {} ms: a node is named beyond the last, n{}", item.at_ms, self.nodes));
        }
        Ok(())
    }

    /// Whether a node heals in the end.
    pub fn heals(&self, node: usize) -> bool {
        self.core.is_empty() || self.core.contains(&node)
    }

    /// How long the healed nodes may take to agree: lost rounds time out, back off to at most the heartbeat, and a few more
    /// pass until everything went round.
    pub fn settle_ms(&self) -> u64 {
        let Pace { interval_ms, heartbeat_ms, round_timeout_ms, .. } = self.pace;
        let slow = self.network.latency_max_ms.max(self.network.slow_ms) + self.disk.max_ms;
        3_000 + 3 * round_timeout_ms + 4 * heartbeat_ms + 10 * interval_ms + 20 * slow
    }
}

impl Deed {
    /// Whether it is about this node besides the one that it happens on.
    pub fn names(&self, node: usize) -> bool {
        match self {
            Deed::WithdrawKey { of } => *of == node,
            Deed::Split { others, .. } => others.contains(&node),
            Deed::Cut { to, .. } | Deed::Replay { to, .. } => *to == node,
            _ => false,
        }
    }
}

//! Making nodes a cluster: a common wrapping key, and pinned peers.

use serde::{Deserialize, Serialize};

use super::Yes;

/// Puts a 32-byte wrapping key on each node of the step. The world makes it at its first use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetClusterKey {
    /// The key's name in the plan.
    #[serde(rename = "set-cluster-key")]
    pub key: String,
}

/// Asks every node for its public keys, and pins them on each node of the step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeedAll {
    /// Always `true`.
    #[serde(rename = "seed-all")]
    pub yes: Yes,
}

impl SetClusterKey {
    pub(super) fn title(&self) -> String {
        "set one 32-byte wrapping key".into()
    }
}

impl SeedAll {
    pub(super) fn title(&self) -> String {
        "exchange kem-info, pin every peer".into()
    }
}

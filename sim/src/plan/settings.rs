//! Settings that a plan gives to every node; what is left out is the node's default.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use symbolon_core::config::{GossipConfig, TokenConfig};

use super::Span;

/// Settings of gossip.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Gossip {
    /// Between two rounds of the idle schedule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<Span>,
    /// A peer that is known to be equal is still asked this often.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub heartbeat: Option<Span>,
    /// Peers that are asked in each interval.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fanout: Option<usize>,
    /// A round without a reply counts as failed after this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub round_timeout: Option<Span>,
    /// How far clocks may differ.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_clock_drift: Option<Span>,
    /// Empty cells leave after this, even if a peer has not acknowledged them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remove_horizon: Option<Span>,
    /// Cells in one part of a delta.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub part_cells: Option<usize>,
}

/// Settings of tokens and keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Tokens {
    /// Lifetime of access tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_ttl: Option<Span>,
    /// A signing key signs for this long.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_lifetime: Option<Span>,
    /// Resource servers may cache public keys for this long.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks_max_age: Option<Span>,
}

impl Gossip {
    /// As a replica is configured.
    pub fn config(&self) -> GossipConfig {
        let default = GossipConfig::default();
        let or = |span: Option<Span>, default: Duration| span.map_or(default, |span| span.0);
        GossipConfig {
            interval: or(self.interval, default.interval),
            heartbeat: or(self.heartbeat, default.heartbeat),
            fanout: self.fanout.unwrap_or(default.fanout),
            round_timeout: or(self.round_timeout, default.round_timeout),
            max_clock_drift: or(self.max_clock_drift, default.max_clock_drift),
            remove_horizon: or(self.remove_horizon, default.remove_horizon),
            part_cells: self.part_cells.unwrap_or(default.part_cells),
            ..default
        }
    }

    /// The heartbeat, in milliseconds.
    pub fn heartbeat_ms(&self) -> u64 {
        self.heartbeat.map_or(GossipConfig::default().heartbeat.as_millis() as u64, Span::ms)
    }
}

impl Tokens {
    /// As a replica is configured.
    pub fn config(&self) -> TokenConfig {
        let default = TokenConfig::default();
        let or = |span: Option<Span>, default: Duration| span.map_or(default, |span| span.0);
        TokenConfig {
            access_ttl: or(self.access_ttl, default.access_ttl),
            key_lifetime: or(self.key_lifetime, default.key_lifetime),
            jwks_max_age: or(self.jwks_max_age, default.jwks_max_age),
            ..default
        }
    }
}

//! One fact, one line, one counter.

use metrics::Counter;
use symbolon_core::replica::{Actor, Fact};
use tracing::{debug, error, info, warn};

use super::Meters;

/// Turns facts into lines and counts.
pub struct Facts {
    changes: Counter,
    merged_cells: Counter,
    learned: Counter,
    divergences: Counter,
}

impl Facts {
    /// Counts into these meters.
    pub fn new(meters: &Meters) -> Facts {
        Facts {
            changes: meters.counter("symbolon_changes_total"),
            merged_cells: meters.counter("symbolon_merged_cells_total"),
            learned: meters.counter("symbolon_learned_entries_total"),
            divergences: meters.counter("symbolon_divergences_total"),
        }
    }

    /// Tells one.
    pub fn note(&self, fact: &Fact) {
        match fact {
            Fact::Booted { incarnation, cells } => info!(incarnation = incarnation.0, cells, "booted"),
            Fact::Changed { actor, request, subject } => {
                self.changes.increment(1);
                info!(actor = %name(actor), request, subject, "changed");
            }
            Fact::Merged { from, cells, deep } => {
                self.merged_cells.increment(*cells as u64);
                debug!(%from, cells, deep, "merged");
            }
            Fact::PutOff { from } => debug!(%from, "a delta waits for the records of its authors"),
            Fact::BrokenOff { from, parts, after_ms } => debug!(%from, parts, after_ms, "a delta broke off"),
            Fact::Learned { from, entries } => {
                self.learned.increment(*entries as u64);
                debug!(%from, entries, "learned of revocations");
            }
            // Anybody can send bytes; what is no member's is counted, and told only to who asks.
            Fact::Rejected { from: None, reason } => debug!(%reason, "frame refused"),
            Fact::Rejected { from: Some(from), reason } => warn!(%from, %reason, "frame refused"),
            Fact::RoundFailed { with, reason } => {
                debug!(%with, reason = reason.map_or("unreachable", |reason| reason.name()), "exchange failed");
            }
            Fact::KeyStage { kid, stage } => info!(%kid, stage, "signing key"),
            Fact::RingKey { id, how } => info!(id, how, "wrapping key"),
            Fact::Dropped { cells } => debug!(cells, "empty cells dropped"),
            Fact::Diverged { with } => {
                self.divergences.increment(1);
                error!(%with, "equal vectors, different digests: state has diverged from this peer");
            }
            Fact::Restored { from, ops } => {
                warn!(%from, ops, "this disk was rolled back; what was lost comes back from peers");
            }
            Fact::Superseded { by, stops: false } => {
                warn!(by = by.0, "a newer incarnation is known; taking a fresh one")
            }
            Fact::Superseded { by, stops: true } => {
                error!(by = by.0, "a clone of this node runs under the same identity; this one stops");
            }
            Fact::Readiness { reasons } if reasons.is_empty() => info!("ready"),
            Fact::Readiness { reasons } => warn!(reasons = reasons.join(", "), "not ready"),
            Fact::StoreFailed { reason } => error!(reason, "the store failed; nothing is promised until it is back"),
            Fact::Unsound => error!("the data on disk fails its own digest; this node comes back empty"),
        }
    }
}

fn name(actor: &Actor) -> String {
    match actor {
        Actor::Anonymous(address) => format!("anonymous at {address}"),
        Actor::User(user) => format!("user {user}"),
        Actor::Client(client) => format!("client {client}"),
        Actor::Operator => "operator".to_owned(),
    }
}

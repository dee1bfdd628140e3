//! After the heal, the nodes that healed agree within the bound, and are ready to serve.

use symbolon_core::state::View;

use super::{Check, End, Kinds};
use crate::history::names;

pub(super) struct Convergence;

impl Check for Convergence {
    fn name(&self) -> &'static str {
        "convergence"
    }

    fn watches(&self) -> Kinds {
        Kinds::NONE
    }

    fn end(&mut self, end: &End<'_>) -> Result<(), String> {
        if end.converged_ms.is_some() {
            return Ok(());
        }
        let mut told = Vec::new();
        let first = end.nodes.first();
        for standing in end.nodes {
            let name = end.name(standing.node);
            let reasons: Vec<_> = standing.view.readiness.reasons.iter().map(|(name, _)| *name).collect();
            if !reasons.is_empty() {
                told.push(format!("{name} is not ready ({})", reasons.join(", ").replace('_', " ")));
            }
            if let Some(first) = first {
                let differing = differing(standing.view, first.view);
                let of = end.name(first.node);
                told.extend((!differing.is_empty()).then(|| format!("{name} and {of} differ in {differing}")));
            }
        }
        told.extend(strangers(end));
        if told.is_empty() {
            told.push("a node is down, or its disk never rests".into());
        }
        Err(format!("no agreement within {} ms of the heal: {}", end.plan.settle_ms(), told.join("; ")))
    }
}

/// In what two views differ, with both sides where they can be counted.
fn differing(one: &View, other: &View) -> String {
    let changes = |view: &View| view.cells.vector().iter().map(|(_, seq)| seq).sum::<u64>();
    let records = |view: &View| view.nodes.values().map(|record| (record.node, record.version)).collect::<Vec<_>>();
    let ring = |view: &View| view.ring.keys.iter().map(|key| key.id).collect::<Vec<_>>();
    let mut parts = Vec::new();
    if one.cells.vector() != other.cells.vector() {
        parts.push(format!("changes ({} and {})", changes(one), changes(other)));
    } else if one.cells.root() != other.cells.root() {
        parts.push("what the same changes mean".into());
    }
    if !one.revoked.iter().eq(other.revoked.iter()) {
        parts.push(format!("revocations ({} and {})", one.revoked.len(), other.revoked.len()));
    }
    if records(one) != records(other) {
        parts.push(format!("records ({} and {})", one.nodes.len(), other.nodes.len()));
    }
    if ring(one) != ring(other) {
        parts.push(format!("wrapping keys ({} and {})", one.ring.keys.len(), other.ring.keys.len()));
    }
    parts.join(", ")
}

/// Keys that one knows and another does not.
fn strangers(end: &End<'_>) -> Vec<String> {
    let mut told = Vec::new();
    for one in end.nodes {
        for (kid, key) in &one.view.token_keys {
            let other = end.nodes.iter().find(|other| !other.view.token_keys.contains_key(kid));
            let stage = names::stage(key.published.stage);
            told.extend(other.map(|other| {
                let (here, there) = (end.name(one.node), end.name(other.node));
                format!("{here} knows {kid} ({stage}), {there} does not")
            }));
        }
    }
    told
}

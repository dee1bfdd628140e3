//! State is bounded: what was removed leaves once the horizon has passed, whether or not every peer knows of it.

use std::time::Duration;

use super::{Check, End, Kinds};
use crate::history::names;

/// Nodes look for it every two seconds; then it is written.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) struct Removals;

impl Check for Removals {
    fn name(&self) -> &'static str {
        "removals"
    }

    fn watches(&self) -> Kinds {
        Kinds::NONE
    }

    fn end(&mut self, end: &End<'_>) -> Result<(), String> {
        let horizon = end.plan.gossip.config().remove_horizon + PATIENCE;
        // Nodes stand as they did when all agreed; the quiet time has passed since.
        let since = Duration::from_millis(end.quiet.map_or(0, |calm| calm.span_ms));
        for standing in end.nodes.iter().filter(|_| end.converged_ms.is_some()) {
            let left = standing.latest.cells.iter().find(|(_, cell)| {
                !cell.is_live() && cell.touched().wall().after(horizon) < standing.wall.after(since)
            });
            if let Some((key, cell)) = left {
                let (place, key) = (end.name(standing.node), names::cell(key));
                let for_ms = standing.wall.after(since).distance(cell.touched().wall()).as_millis();
                return Err(format!("{place} still knows that {key} was removed, {for_ms} ms ago"));
            }
        }
        Ok(())
    }
}

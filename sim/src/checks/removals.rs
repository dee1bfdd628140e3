//! State is bounded: what was removed leaves once the horizon has passed, whether or not every peer knows of it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use symbolon_core::state::View;

use super::{Check, End, Kinds, Moment, Sight};
use crate::history::names;

/// Nodes look for it each second; then it is written.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Default)]
pub(super) struct Removals {
    latest: BTreeMap<usize, Arc<View>>,
}

impl Check for Removals {
    fn name(&self) -> &'static str {
        "removals"
    }

    fn watches(&self) -> Kinds {
        Kinds::PUBLISHED
    }

    fn see(&mut self, moment: Moment<'_>, sight: &Sight<'_>) -> Result<(), String> {
        if let Sight::Published { after, .. } = sight {
            self.latest.insert(moment.node, Arc::clone(after));
        }
        Ok(())
    }

    fn end(&mut self, end: &End<'_>) -> Result<(), String> {
        let horizon = end.plan.gossip.config().remove_horizon + PATIENCE;
        // Nodes stand as they did when all agreed; the quiet time has passed since.
        let since = Duration::from_millis(end.quiet.map_or(0, |calm| calm.span_ms));
        for standing in end.nodes.iter().filter(|_| end.converged_ms.is_some()) {
            let Some(view) = self.latest.get(&standing.node) else { continue };
            let left = view.cells.iter().find(|(_, cell)| {
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

//! A node's record names every wrapping key that the node holds: peers ask it for them, and seal with one that all hold.

use std::collections::BTreeMap;
use std::time::Duration;

use symbolon_core::replica::Fact;

use super::{Check, End, Kinds, Moment, Sight};

/// So long after a key came it may be unnamed: several that come together are named together, and then it is written.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Default)]
pub(super) struct Ring {
    /// When each node last got a key.
    came: BTreeMap<usize, u64>,
}

impl Check for Ring {
    fn name(&self) -> &'static str {
        "ring"
    }

    fn watches(&self) -> Kinds {
        Kinds::NOTED
    }

    fn see(&mut self, moment: Moment<'_>, sight: &Sight<'_>) -> Result<(), String> {
        if let Sight::Noted(Fact::RingKey { .. }) = sight {
            self.came.insert(moment.node, moment.at_ms);
        }
        Ok(())
    }

    fn end(&mut self, end: &End<'_>) -> Result<(), String> {
        let settled = |came: &u64| Duration::from_millis(end.at_ms.saturating_sub(*came)) >= PATIENCE;
        for standing in end.nodes.iter().filter(|_| end.converged_ms.is_some()) {
            if !self.came.get(&standing.node).is_none_or(settled) {
                continue;
            }
            let view = standing.latest;
            let named = view.nodes.get(&view.identity.node).map(|own| &own.ring);
            let unnamed = view.ring.keys.iter().find(|key| named.is_none_or(|named| !named.contains(&key.id)));
            if let Some(key) = unnamed {
                let made = key.created.distance(standing.wall).as_millis();
                return Err(format!(
                    "{} holds a wrapping key that was made {made} ms before, and its record does not name it",
                    end.name(standing.node)
                ));
            }
        }
        Ok(())
    }
}

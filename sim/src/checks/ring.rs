//! A node's record names every wrapping key that the node holds: peers ask it for them, and seal with one that all hold.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use symbolon_core::replica::Fact;
use symbolon_core::state::View;

use super::{Check, End, Moment, Sight};

/// So long after a key came it may be unnamed: several that come together are named together, and then it is written.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Default)]
pub(super) struct Ring {
    latest: BTreeMap<usize, Arc<View>>,
    /// When each node last got a key.
    came: BTreeMap<usize, u64>,
    seen_ms: u64,
}

impl Check for Ring {
    fn name(&self) -> &'static str {
        "ring"
    }

    fn see(&mut self, moment: Moment<'_>, sight: &Sight<'_>) -> Result<(), String> {
        self.seen_ms = moment.at_ms;
        match sight {
            Sight::Published { after, .. } => {
                self.latest.insert(moment.node, Arc::clone(after));
            }
            Sight::Noted(Fact::RingKey { .. }) => {
                self.came.insert(moment.node, moment.at_ms);
            }
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, end: &End<'_>) -> Result<(), String> {
        let settled = |came: &u64| Duration::from_millis(self.seen_ms.saturating_sub(*came)) >= PATIENCE;
        for standing in end.nodes.iter().filter(|_| end.converged_ms.is_some()) {
            let Some(view) =
                self.latest.get(&standing.node).filter(|_| self.came.get(&standing.node).is_none_or(settled))
            else {
                continue;
            };
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

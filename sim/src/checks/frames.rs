//! A request is taken as one of its peers sent it, once in a life, and in time: what is altered, repeated, or from before the
//! boot changes nothing.

use std::collections::{HashMap, HashSet};

use foldhash::fast::FixedState;
use symbolon_core::time::Wall;

use super::{Check, Kinds, Moment, Sight};

#[derive(Default)]
pub(super) struct Frames {
    /// When each was sent, by its sender's clock.
    sent: HashMap<u64, Wall, FixedState>,
    /// What each node has taken in this life.
    taken: HashMap<usize, HashSet<u64, FixedState>, FixedState>,
}

impl Frames {
    fn took(&mut self, moment: Moment<'_>, name: u64, wall: Wall, began: Wall) -> Result<(), String> {
        let Some(sent) = self.sent.get(&name).copied() else {
            return Err("a frame was taken that no node had sent".into());
        };
        if !self.taken.entry(moment.node).or_default().insert(name) {
            return Err("a frame was taken twice".into());
        }
        if sent <= began {
            let early_ms = began.distance(sent).as_millis();
            return Err(format!("a frame was taken that was sent {early_ms} ms before this life began"));
        }
        let budget = moment.plan.gossip.config().max_clock_drift;
        if sent.distance(wall) > budget {
            let side = if sent > wall { "ahead" } else { "ago" };
            return Err(format!("a frame was taken that was sent {} ms {side}", sent.distance(wall).as_millis()));
        }
        Ok(())
    }
}

impl Check for Frames {
    fn name(&self) -> &'static str {
        "frames"
    }

    fn watches(&self) -> Kinds {
        Kinds::ENDED | Kinds::REQUESTED | Kinds::TOOK
    }

    fn see(&mut self, moment: Moment<'_>, sight: &Sight<'_>) -> Result<(), String> {
        match sight {
            Sight::Requested { name, wall } => {
                self.sent.insert(*name, *wall);
            }
            Sight::Took { name, wall, began } => return self.took(moment, *name, *wall, *began),
            Sight::Ended => {
                self.taken.remove(&moment.node);
            }
            _ => {}
        }
        Ok(())
    }
}

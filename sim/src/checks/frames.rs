//! A request is taken as one of its peers sent it, once in a life, and in time: what is altered, repeated, or from before the
//! boot changes nothing.

use std::collections::{BTreeMap, BTreeSet};

use symbolon_core::time::Wall;

use super::{Check, Moment, Sight};

#[derive(Default)]
pub(super) struct Frames {
    /// When each was sent, by its sender's clock.
    sent: BTreeMap<u128, Wall>,
    /// What each node has taken in this life.
    taken: BTreeMap<usize, BTreeSet<u128>>,
}

impl Frames {
    fn took(&mut self, moment: Moment<'_>, frame: &[u8], wall: Wall, began: Wall) -> Result<(), String> {
        let name = name(frame);
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

    fn see(&mut self, moment: Moment<'_>, sight: &Sight<'_>) -> Result<(), String> {
        match sight {
            Sight::Requested { frame, wall } => {
                self.sent.insert(name(frame), *wall);
            }
            Sight::Took { frame, wall, began } => return self.took(moment, frame, *wall, *began),
            Sight::Ended => {
                self.taken.remove(&moment.node);
            }
            _ => {}
        }
        Ok(())
    }
}

/// All bytes count, and it is quick: nobody here looks for two frames of one name.
fn name(frame: &[u8]) -> u128 {
    const ODD: u128 = 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835;
    let mut name = frame.len() as u128;
    for piece in frame.chunks(16) {
        let mut word = [0; 16];
        word[..piece.len()].copy_from_slice(piece);
        name = (name ^ u128::from_le_bytes(word)).wrapping_mul(ODD);
        name ^= name >> 61;
    }
    name
}

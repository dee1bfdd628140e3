//! Chance that may become another at some time: what was drawn before stays. It knows nothing of what is drawn.

use crate::plan::Chance;
use crate::worlds::quick::Reseed;

/// The draws of one thing over time.
#[derive(Clone, Copy)]
pub(super) struct Drawn {
    chance: Chance,
    reseed: Option<Reseed>,
}

impl Drawn {
    pub(super) fn new(chance: Chance, reseed: Option<Reseed>) -> Drawn {
        Drawn { chance, reseed }
    }

    /// What is drawn from in this millisecond.
    pub(super) fn at_ms(self, at_ms: u64) -> Chance {
        match self.reseed {
            Some(reseed) if reseed.at_ms <= at_ms => self.chance.at(reseed.salt),
            _ => self.chance,
        }
    }
}

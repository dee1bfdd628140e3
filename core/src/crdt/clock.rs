//! The hybrid logical clock: an op made after seeing another is stamped later, whatever the wall clocks say. It reads no clock.
//!
//! Kulkarni et al., "Logical Physical Clocks and Consistent Snapshots in Globally Distributed Databases", 2014.

use std::fmt;

use crate::time::Wall;
use crate::zoo::{self, Bug};

const COUNTER_BITS: u32 = 16;
const WALL_MAX_MS: u64 = u64::MAX >> COUNTER_BITS;

/// A stamp: 48 bits of wall clock in milliseconds, then 16 bits that count within one millisecond.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hlc(pub u64);

impl Hlc {
    /// The first stamp of a millisecond; saturates beyond 48 bits.
    pub fn at(wall: Wall) -> Hlc {
        Hlc(wall.0.min(WALL_MAX_MS) << COUNTER_BITS)
    }

    /// The millisecond of this stamp, which may run ahead of every wall clock.
    pub fn wall(self) -> Wall {
        Wall(self.0 >> COUNTER_BITS)
    }

    /// The place within its millisecond.
    pub fn counter(self) -> u16 {
        (self.0 & u64::from(u16::MAX)) as u16
    }
}

impl fmt::Display for Hlc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+{}", self.wall(), self.counter())
    }
}

/// The clock of one replica. It remembers the greatest stamp that it gave or saw.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HybridClock {
    last: Hlc,
}

impl HybridClock {
    /// A clock that saw nothing later than `last`, such as the greatest stamp on a recovered disk.
    pub fn new(last: Hlc) -> HybridClock {
        HybridClock { last }
    }

    /// The greatest stamp given or seen.
    pub fn last(&self) -> Hlc {
        self.last
    }

    /// A stamp greater than every one given or seen. A full counter carries into the millisecond. Only at the end of its
    /// range, in the year 10889, does the clock stand still; ops are told apart by their dots then.
    pub fn stamp(&mut self, now: Wall) -> Hlc {
        self.last = Hlc::at(now).max(Hlc(self.last.0.saturating_add(1)));
        self.last
    }

    /// Takes note of a stamp that came from elsewhere. Drift is judged before, where the frame enters.
    pub fn observe(&mut self, seen: Hlc) {
        if !zoo::on(Bug::ClockNotHybrid) {
            self.last = self.last.max(seen);
        }
    }
}

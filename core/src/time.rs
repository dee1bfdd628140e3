//! Time as plain integers, handed in by whoever embeds the replica. Nothing here reads a clock.

use std::fmt;
use std::time::Duration;

/// A monotonic instant, in milliseconds since an arbitrary origin. Timeouts use it; it never goes back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tick(pub u64);

/// A wall clock reading, in milliseconds since the Unix epoch. Expiry and the hybrid clock use it; it may jump.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Wall(pub u64);

/// One reading of both clocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// The monotonic clock.
    pub tick: Tick,
    /// The wall clock.
    pub wall: Wall,
}

impl Tick {
    /// The instant `duration` later; saturates at the end of time.
    pub fn after(self, duration: Duration) -> Tick {
        Tick(self.0.saturating_add(millis(duration)))
    }

    /// How long ago `earlier` was; zero if it lies ahead.
    pub fn since(self, earlier: Tick) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

impl Wall {
    /// The reading `duration` later; saturates at the end of time.
    pub fn after(self, duration: Duration) -> Wall {
        Wall(self.0.saturating_add(millis(duration)))
    }

    /// The reading `duration` earlier; saturates at the epoch.
    pub fn before(self, duration: Duration) -> Wall {
        Wall(self.0.saturating_sub(millis(duration)))
    }

    /// The absolute distance between two readings.
    pub fn distance(self, other: Wall) -> Duration {
        Duration::from_millis(self.0.abs_diff(other.0))
    }

    /// Whole seconds since the Unix epoch, rounded down: a NumericDate (RFC 7519, section 2).
    pub fn seconds(self) -> u64 {
        self.0 / 1000
    }

    /// The reading at a NumericDate; saturates.
    pub fn from_seconds(seconds: u64) -> Wall {
        Wall(seconds.saturating_mul(1000))
    }
}

impl fmt::Display for Wall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03}", self.0 / 1000, self.0 % 1000)
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

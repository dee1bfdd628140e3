//! The clocks and the entropy of the machine. Production alone uses them.
#![allow(clippy::disallowed_methods, reason = "this is the production port that the ban points to")]

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use symbolon_core::crypto::Crypto;
use symbolon_core::time::{Now, Tick, Wall};

use crate::ports::{Clock, Entropy};

/// The clocks of the machine.
pub struct SystemClock {
    origin: Instant,
}

impl Default for SystemClock {
    fn default() -> SystemClock {
        SystemClock { origin: Instant::now() }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Now {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Now {
            tick: Tick(u64::try_from(self.origin.elapsed().as_millis()).unwrap_or(u64::MAX)),
            wall: Wall(u64::try_from(wall.as_millis()).unwrap_or(u64::MAX)),
        }
    }

    fn micros(&self) -> u64 {
        u64::try_from(self.origin.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}

/// Seeds from the secret randomness of the provider.
pub struct CryptoEntropy(pub Crypto);

impl Entropy for CryptoEntropy {
    fn seed(&self) -> [u8; 32] {
        *self.0.bytes()
    }
}

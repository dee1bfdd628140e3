//! Time in the whole world: true time is the simulation's, and a node's clocks err from it as the world says.

use std::sync::Arc;

use symbolon_core::time::Now;
use symbolon_node::ports::Clock;

use super::place::Place;

/// True time since the begin of the run, asked on a host.
pub(super) fn true_ms() -> u64 {
    let elapsed = turmoil::sim_elapsed().expect("only code on hosts asks for the time");
    elapsed.as_millis() as u64
}

/// The clocks of a node.
pub(super) struct SkewedClock(pub Arc<Place>);

impl Clock for SkewedClock {
    fn now(&self) -> Now {
        self.0.now(true_ms())
    }

    fn micros(&self) -> u64 {
        1000 * true_ms()
    }
}

//! Mistakes that are put into a run on purpose, to prove that a check finds them: in the world, or in the core.

use symbolon_core::zoo::Bug;

/// A mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Planted {
    /// A write counts as durable when it is asked for.
    SendBeforeDurable,
    /// Some writes are acknowledged and lost.
    LoseWrites,
    /// A disk that is exchanged takes the node's entropy back with it.
    RewindEntropy,
    /// Members pin a node that nobody invited.
    PinStrangers,
    /// The core leaves out a rule. It follows all of them where the feature `zoo` is off.
    Core(Bug),
}

/// The core on this thread leaves out a rule from now on; with `None`, or for a mistake of the world, it follows all.
#[cfg(feature = "zoo")]
pub(in crate::worlds) fn plant(planted: Option<Planted>) {
    symbolon_core::zoo::plant(match planted {
        Some(Planted::Core(bug)) => Some(bug),
        _ => None,
    });
}

#[cfg(not(feature = "zoo"))]
pub(in crate::worlds) fn plant(_: Option<Planted>) {}

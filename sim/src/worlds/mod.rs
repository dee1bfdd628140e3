//! Worlds: whatever runs a plan.

pub mod live;
pub mod quick;

/// One step of a run's trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What happened, with its time and place.
    pub what: String,
    /// The hash of the trace so far.
    pub hash: [u8; 32],
}

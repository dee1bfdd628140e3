//! Worlds: whatever runs a plan.

pub mod client;
pub mod live;
pub mod look;
pub mod quick;
pub mod whole;

/// One step of a run's trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What happened, with its time and place.
    pub what: String,
    /// The hash of the trace so far.
    pub hash: [u8; 32],
}

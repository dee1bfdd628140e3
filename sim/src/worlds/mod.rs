//! Worlds: whatever runs a plan.

pub mod client;
mod lies;
pub mod live;
pub mod look;
pub mod quick;
mod simulated;
pub mod whole;

use crate::plan::{Plan, Verb, What};

/// What came of one act of a plan, by the simulated clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// Its place among the acts of the plan.
    pub act: usize,
    /// When it began, in true time.
    pub began_ms: u64,
    /// When it ended.
    pub ended_ms: u64,
    /// What was seen, or what went wrong.
    pub saw: Result<String, String>,
}

/// Why a world cannot run a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cannot {
    /// The line of the plan.
    pub line: usize,
    /// What is wanted there, and which world does it.
    pub problem: String,
}

/// The first step of a plan whose verb a world does not do.
fn undone(plan: &Plan, world: &str, does: impl Fn(&Verb) -> bool) -> Option<Cannot> {
    plan.acts.iter().find_map(|act| match &act.what {
        What::Step(step) if !does(&step.verb) => Some(Cannot {
            line: act.line,
            problem: format!("`{}` is not done in the {world} world", step.verb.key()),
        }),
        What::Step(_) | What::Expect(_) => None,
    })
}

/// One step of a run's trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What happened, with its time and place.
    pub what: String,
    /// The hash of the trace so far.
    pub hash: [u8; 32],
}

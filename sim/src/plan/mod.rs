//! The plan: nodes, steps and expectations as plain data, one language for all worlds. It runs nothing.
//!
//! A plan is a TOML file. Steps and expectations happen in the order in which they are written, so that the file reads as
//! the story that it tells. What a verb makes gets a name of the plan (`create-client = "shop"`); the world remembers what
//! the name stands for.

mod check;
pub mod drawn;
mod expect;
mod names;
mod read;
mod span;
mod step;
pub mod verb;

use serde::Serialize;

pub use expect::{Activity, ClientIs, Expect, Presence, Pulse, ScopeIs, SessionIs, TokenIs};
pub use names::{On, Vantage};
pub use read::PlanError;
pub use span::Span;
pub use step::Step;
pub use verb::Verb;

/// The most nodes that a plan may ask for.
pub const MAX_NODES: usize = 100;

/// A whole plan.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Plan {
    /// What happens, and what is promised, in a few sentences.
    pub story: String,
    /// The nodes by name.
    pub nodes: Vec<String>,
    /// Settings of gossip on every node.
    pub gossip: Gossip,
    /// What is done and what must then hold, in the order of the file.
    pub acts: Vec<Act>,
}

/// Settings of gossip; what is left out is the node's default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gossip {
    /// Between two rounds of the idle schedule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<Span>,
    /// A peer that is known to be equal is still asked this often.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub heartbeat: Option<Span>,
}

/// One thing of a plan, with the line where it stands.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Act {
    /// The line of the file, from 1.
    pub line: usize,
    /// A heading that begins here.
    pub scene: Option<String>,
    /// What it is.
    pub what: What,
}

/// A step or an expectation.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum What {
    /// Something is done.
    Step(Step),
    /// Something must come to hold.
    Expect(Expect),
}

impl Plan {
    /// Reads and checks a plan. `file` stands in errors only.
    ///
    /// # Errors
    /// The file, the line, what is wrong there and what would be right.
    pub fn parse(file: &str, text: &str) -> Result<Plan, PlanError> {
        let plan = read::read(file, text)?;
        check::check(file, &plan)?;
        Ok(plan)
    }
}

//! The plan: nodes, weather, clocks, steps and expectations as plain data, one language for all worlds. It runs nothing.
//!
//! A plan is a TOML file that somebody wrote, or the draw of a seed, or what is left of one of them after shrinking. Steps and
//! expectations happen in the order in which they are written, so that the file reads as the story that it tells: a step with
//! `at` happens then, whatever the former ones are doing; one without happens when the former one ended. What a verb makes
//! gets a name of the plan (`create-client = "shop"`); the world remembers what the name stands for.

mod busy;
mod chance;
mod check;
mod draw;
mod expect;
mod names;
mod orderly;
mod read;
mod settings;
mod span;
mod step;
pub mod verb;
mod weather;
mod write;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use busy::{draw_busy, draw_busy_for};
pub use chance::Chance;
pub use draw::{draw, draw_for};
pub use expect::{Activity, ClientIs, Expect, Presence, Pulse, ScopeIs, SessionIs, TokenIs};
pub use names::{On, Vantage};
pub use orderly::draw_orderly;
pub use read::PlanError;
pub use settings::{Gossip, Tokens};
pub use span::{Shift, Span};
pub use step::Step;
pub use verb::Verb;
pub use weather::{ClockError, Range, Slow, Weather};

/// The most nodes that a plan may ask for.
pub const MAX_NODES: usize = 100;

/// The most steps and expectations of a plan.
pub const MAX_ACTS: usize = 10_000;

/// The version of the language. A plan that names a later one is refused.
pub const VERSION: u32 = 1;

/// A whole plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Plan {
    /// The version of the language, [`VERSION`].
    #[serde(default = "version")]
    pub version: u32,
    /// What happens, and what is promised, in a few sentences.
    pub story: String,
    /// Names every draw that the plan itself does not hold, such as the latency of one message.
    #[serde(default)]
    pub seed: u64,
    /// What cannot be done when its turn comes is passed over. So it is in plans that are drawn or shrunk.
    #[serde(default, skip_serializing_if = "is_default")]
    pub forgiving: bool,
    /// The nodes by name.
    #[serde(with = "names::nodes")]
    pub nodes: Vec<String>,
    /// What the nodes are to each other at the beginning.
    #[serde(default, skip_serializing_if = "is_default")]
    pub start: Start,
    /// Nodes that are not there until a step starts them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub absent: Vec<String>,
    /// Nodes that no other pins, though they pin the others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub uninvited: Vec<String>,
    /// Faults may last until then; the heal comes when this is over and all acts are done.
    #[serde(default, skip_serializing_if = "is_default")]
    pub until: Span,
    /// The nodes that heal in the end; the others stay cut off for ever. Empty: all heal.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub heals: Vec<String>,
    /// Settings of gossip on every node.
    #[serde(default, skip_serializing_if = "is_default")]
    pub gossip: Gossip,
    /// Settings of tokens and keys on every node.
    #[serde(default, skip_serializing_if = "is_default")]
    pub tokens: Tokens,
    /// What network and disks do.
    #[serde(default, skip_serializing_if = "is_default")]
    pub weather: Weather,
    /// Clocks that err, by node.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub clocks: BTreeMap<String, ClockError>,
    /// What is done and what must then hold, in the order of the file.
    #[serde(skip)]
    pub acts: Vec<Act>,
}

/// What the nodes are to each other at the beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Start {
    /// Every node that starts pins every other.
    #[default]
    Cluster,
    /// Every node has the pins of all others on its disk before it starts for the first time.
    Acquainted,
    /// Nobody knows anybody; steps make them a cluster.
    Strangers,
}

/// One thing of a plan, with the line where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Act {
    /// The line of the file, from 1; 0 in a plan that was drawn.
    pub line: usize,
    /// A heading that begins here.
    pub scene: Option<String>,
    /// What it is.
    pub what: What,
}

/// A step or an expectation.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// Something is done.
    Step(Step),
    /// Something must come to hold.
    Expect(Expect),
}

impl Plan {
    /// A plan of so many calm nodes, in which nothing happens.
    pub fn of(nodes: usize) -> Plan {
        Plan {
            version: VERSION,
            story: String::new(),
            seed: 0,
            forgiving: false,
            nodes: names::numbered(nodes),
            start: Start::default(),
            absent: Vec::new(),
            uninvited: Vec::new(),
            until: Span::default(),
            heals: Vec::new(),
            gossip: Gossip::default(),
            tokens: Tokens::default(),
            weather: Weather::default(),
            clocks: BTreeMap::new(),
            acts: Vec::new(),
        }
    }

    /// Reads and checks a plan. `file` stands in errors only.
    ///
    /// # Errors
    /// The file, the line, what is wrong there and what would be right.
    pub fn parse(file: &str, text: &str) -> Result<Plan, PlanError> {
        let plan = read::read(file, text)?;
        check::check(file, &plan)?;
        Ok(plan)
    }

    /// The plan as [`Plan::parse`] reads it.
    pub fn to_toml(&self) -> String {
        write::write(self)
    }

    /// The steps, in order.
    pub fn steps(&self) -> impl Iterator<Item = &Step> {
        self.acts.iter().filter_map(|act| match &act.what {
            What::Step(step) => Some(step),
            What::Expect(_) => None,
        })
    }

    /// The place of a node.
    pub fn place(&self, name: &str) -> Option<usize> {
        self.nodes.iter().position(|node| node == name)
    }

    /// Whether a node heals in the end.
    pub fn heals(&self, place: usize) -> bool {
        self.heals.is_empty() || self.heals.contains(&self.nodes[place])
    }

    /// Whether a node is a member: the others pin it.
    pub fn invites(&self, place: usize) -> bool {
        !self.uninvited.contains(&self.nodes[place])
    }

    /// How long the healed nodes may take to agree, in milliseconds: lost rounds time out, back off to at most the heartbeat,
    /// and a few more pass until everything went round.
    pub fn settle_ms(&self) -> u64 {
        let gossip = self.gossip.config();
        let ms = |span: std::time::Duration| span.as_millis() as u64;
        let slow = self.weather.latency.max.ms().max(self.weather.slow.up_to.ms()) + self.weather.commit.max.ms();
        3_000 + 3 * ms(gossip.round_timeout) + 4 * ms(gossip.heartbeat) + 10 * ms(gossip.interval) + 20 * slow
    }
}

fn version() -> u32 {
    VERSION
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

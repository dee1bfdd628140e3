//! Where a plan comes from: a seed, or a file. It runs nothing.

use std::path::PathBuf;

use crate::checks::Failure;
use crate::fleet::{Head, Seeds, Shard, World};
use crate::plan::Plan;
use crate::worlds::quick::Planted;

/// Where a plan comes from.
#[derive(Clone, Debug)]
pub(super) enum Source {
    Seed(u64),
    File(PathBuf),
}

impl std::str::FromStr for Source {
    type Err = String;

    fn from_str(text: &str) -> Result<Source, String> {
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            return text.parse().map(Source::Seed).map_err(|_| format!("{text} is no seed: a seed has 64 bits"));
        }
        if text.ends_with(".toml") {
            return Ok(Source::File(text.into()));
        }
        Err(format!("{text:?} is neither a seed, as in 42, nor a plan, as in plan.toml"))
    }
}

impl Source {
    /// The plan, as this world draws it where it is a seed.
    pub(super) fn read(&self, world: World) -> Result<Plan, String> {
        match self {
            Source::Seed(seed) => Ok(world.draw(*seed)),
            Source::File(file) => {
                let name = file.display().to_string();
                let text = std::fs::read_to_string(file).map_err(|error| format!("{name}: {error}"))?;
                Plan::parse(&name, &text).map_err(|error| error.to_string())
            }
        }
    }
}

impl Source {
    /// The line that runs it again.
    pub(super) fn line(&self, world: World, planted: Option<Planted>) -> String {
        match self {
            Source::Seed(seed) => {
                let seeds = Seeds { first: *seed, end: seed.saturating_add(1) };
                Head::new(world, planted, seeds, Shard::WHOLE).replay(*seed)
            }
            Source::File(file) => {
                let planted = planted.map_or(String::new(), |planted| format!(" --bug {}", planted.name()));
                let world = if world == World::Quick { String::new() } else { format!(" --world {}", world.name()) };
                format!("symbolon-sim replay {}{world}{planted}", file.display())
            }
        }
    }
}

/// A failure of a plan, for people.
pub(super) fn sentence(plan: &Plan, failure: &Failure) -> String {
    let place = failure.node.map_or(String::new(), |node| format!(" at {}", plan.nodes[node]));
    format!("{} at {}.{:03} s{place}: {}", failure.check, failure.at_ms / 1000, failure.at_ms % 1000, failure.what)
}

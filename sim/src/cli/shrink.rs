//! `symbolon-sim shrink`: the least plan that fails as a seed does.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use super::Ended;
use super::source::{Source, sentence};
use crate::fleet::{World, least_plan};
use crate::plan::Span;
use crate::shrink::Bound;
use crate::worlds::quick::Planted;

/// What to shrink.
#[derive(Args)]
pub struct Shrink {
    /// A seed, or a file that `shrink` wrote.
    plan: Source,
    /// The world.
    #[arg(long, value_enum, default_value = "quick")]
    world: World,
    /// A bug of the zoo that is planted.
    #[arg(long = "bug", value_name = "NAME")]
    planted: Option<Planted>,
    /// Where to write the least plan; standard output otherwise.
    #[arg(long)]
    out: Option<PathBuf>,
    #[command(flatten)]
    shrinking: Shrinking,
}

/// How far it may go.
#[derive(Args)]
pub(super) struct Shrinking {
    /// Runs of one shrinking; 800 in the quick world and 200 in the whole one otherwise.
    #[arg(long, value_name = "N")]
    shrink_runs: Option<usize>,
    /// Time for one shrinking, as in 30s or 10m; 60s in the quick world and 120s in the whole one otherwise.
    #[arg(long, value_name = "TIME", value_parser = budget)]
    shrink_budget: Option<Span>,
}

impl Shrinking {
    /// Its bound in this world.
    pub(super) fn bound(&self, world: World) -> Bound {
        let Bound { runs, time } = world.shrink_bound();
        let time = self.shrink_budget.map_or(time, |Span(time)| time);
        Bound { runs: self.shrink_runs.unwrap_or(runs), time }
    }
}

/// A time that something may take.
pub(super) fn budget(text: &str) -> Result<Span, String> {
    Span::parse(text).ok_or_else(|| "a time is a number and ms, s, m or h, as in 60s, and at most a day".into())
}

pub(super) fn shrink(arguments: &Shrink) -> Result<Ended> {
    let plan = match arguments.plan.read(arguments.world) {
        Ok(plan) => plan,
        Err(problem) => return Ok(Ended::Misasked(problem)),
    };
    let bound = arguments.shrinking.bound(arguments.world);
    std::panic::set_hook(Box::new(|_| {}));
    let shrunk = least_plan(arguments.world, arguments.planted, &plan, bound);
    let _ = std::panic::take_hook();
    let Some(shrunk) = shrunk else {
        println!("it does not fail");
        return Ok(Ended::Well);
    };
    let (from, to) = (plan.acts.len(), shrunk.plan.acts.len());
    let limit = shrunk.limit.map_or(String::new(), |limit| format!(" ({limit})"));
    let failure = World::Quick.named(&shrunk.plan, arguments.planted, shrunk.failure);
    eprintln!("{from} acts became {to} in {} runs{limit}: {}", shrunk.runs, sentence(&shrunk.plan, &failure));
    let text = shrunk.plan.to_toml();
    match &arguments.out {
        Some(file) => std::fs::write(file, text)?,
        None => print!("{text}"),
    }
    Ok(Ended::Badly)
}

//! `symbolon-sim shrink`: the least plan that fails as a seed does.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use super::Ended;
use super::source::{Source, sentence};
use crate::fleet::World;
use crate::worlds::quick::Planted;

/// What to shrink.
#[derive(Args)]
pub struct Shrink {
    /// A seed, or a file that `shrink` wrote.
    plan: Source,
    /// Where it runs.
    #[arg(long, value_enum, default_value = "quick")]
    world: World,
    /// A bug of the zoo that is planted.
    #[arg(long = "bug", value_name = "NAME")]
    planted: Option<Planted>,
    /// Where to write the least plan; standard output otherwise.
    #[arg(long)]
    out: Option<PathBuf>,
}

pub(super) fn shrink(arguments: &Shrink) -> Result<Ended> {
    let plan = match arguments.plan.read(arguments.world) {
        Ok(plan) => plan,
        Err(problem) => return Ok(Ended::Misasked(problem)),
    };
    std::panic::set_hook(Box::new(|_| {}));
    let shrunk = crate::shrink::shrink_with(&plan, |plan| arguments.world.run(plan, arguments.planted).failure);
    let _ = std::panic::take_hook();
    let Some(shrunk) = shrunk else {
        println!("it does not fail");
        return Ok(Ended::Well);
    };
    let (from, to) = (plan.acts.len(), shrunk.plan.acts.len());
    eprintln!("{from} acts became {to} in {} runs: {}", shrunk.runs, sentence(&shrunk.failure));
    let text = shrunk.plan.to_toml();
    match &arguments.out {
        Some(file) => std::fs::write(file, text)?,
        None => print!("{text}"),
    }
    Ok(Ended::Badly)
}

//! `symbolon-sim determinism`, and what it asks of the processes that it compares: `traces` and `steps`.

use std::io::{Write, stdout};
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;

use super::Ended;
use crate::fleet::{Pair, Seeds, World, run_one, steps as steps_of};
use crate::worlds::quick::Planted;

/// Which seeds, and which builds.
#[derive(Args)]
pub struct Determinism {
    /// The seeds, `A..B` without B.
    #[arg(long, default_value = "0..20")]
    seeds: Seeds,
    /// Where they run.
    #[arg(long, value_enum, default_value = "quick")]
    world: World,
    /// Another build to compare with, such as the debug one; otherwise this one runs twice.
    #[arg(long, value_name = "BINARY")]
    against: Option<PathBuf>,
    /// A bug of the zoo that is planted.
    #[arg(long = "bug", alias = "planted", value_name = "NAME")]
    planted: Option<Planted>,
}

/// Which seeds.
#[derive(Args)]
pub struct Traces {
    #[arg(long)]
    seeds: Seeds,
    #[arg(long, value_enum)]
    world: World,
    #[arg(long = "bug")]
    planted: Option<Planted>,
}

/// Which seed.
#[derive(Args)]
pub struct Steps {
    seed: u64,
    #[arg(long, value_enum, default_value = "quick")]
    world: World,
    #[arg(long = "bug")]
    planted: Option<Planted>,
}

pub(super) fn determinism(arguments: &Determinism) -> Result<Ended> {
    let &Determinism { seeds, world, planted, .. } = arguments;
    let one = std::env::current_exe().context("the path of this program")?;
    let other = arguments.against.clone().unwrap_or_else(|| one.clone());
    let differences = match (Pair { one, other, world, planted }).compare(seeds) {
        Ok(differences) => differences,
        Err(problem) => return Ok(Ended::Misasked(problem)),
    };
    let mut out = stdout().lock();
    let Some(first) = differences.first() else {
        writeln!(out, "{} seeds, each in two processes: the same traces", seeds.end - seeds.first)?;
        return Ok(Ended::Well);
    };
    let differing: Vec<String> = differences.iter().map(|difference| difference.seed.to_string()).collect();
    writeln!(out, "not the same in two processes: seeds {}", differing.join(", "))?;
    writeln!(out, "seed {}:", first.seed)?;
    let rare = "  the steps were the same when they were looked at: it differs from run to run";
    writeln!(out, "{}", first.tale.as_deref().unwrap_or(rare))?;
    Ok(Ended::Badly)
}

pub(super) fn traces(arguments: &Traces) -> Result<Ended> {
    std::panic::set_hook(Box::new(|_| {}));
    let mut out = stdout().lock();
    for seed in arguments.seeds.first..arguments.seeds.end {
        let run = run_one(arguments.world, arguments.planted, seed);
        writeln!(out, "{seed} {}", hex(&run.trace))?;
    }
    Ok(Ended::Well)
}

pub(super) fn steps(arguments: &Steps) -> Result<Ended> {
    std::panic::set_hook(Box::new(|_| {}));
    let mut out = stdout().lock();
    for step in steps_of(arguments.world, arguments.planted, arguments.seed) {
        writeln!(out, "{}  {}", &hex(&step.hash)[..16], step.what)?;
    }
    Ok(Ended::Well)
}

fn hex(hash: &[u8; 32]) -> String {
    blake3::Hash::from_bytes(*hash).to_string()
}

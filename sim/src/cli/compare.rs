//! `symbolon-sim compare`: orderly plans in two worlds, which must end alike.

use std::io::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use anyhow::Result;
use clap::Args;

use super::Ended;
use super::source::sentence;
use crate::fleet::{Seeds, World};
use crate::plan::draw_orderly;
use crate::worlds::{quick, whole};

/// Which seeds.
#[derive(Args)]
pub struct Compare {
    /// The seeds, `A..B` without B.
    #[arg(long, default_value = "0..200")]
    seeds: Seeds,
    /// Threads.
    #[arg(long, default_value_t = 1)]
    jobs: usize,
    /// Prints the plan of the first seed that differs.
    #[arg(long)]
    plan: bool,
}

pub(super) fn compare(arguments: &Compare) -> Result<Ended> {
    let begin = Instant::now();
    let next = AtomicU64::new(arguments.seeds.first);
    let differing = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..arguments.jobs.max(1) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= arguments.seeds.end {
                        return;
                    }
                    if let Some(tale) = difference(seed) {
                        differing.lock().unwrap_or_else(PoisonError::into_inner).push((seed, tale));
                    }
                }
            });
        }
    });
    let mut differing = differing.into_inner().unwrap_or_else(PoisonError::into_inner);
    differing.sort();
    let mut out = std::io::stdout().lock();
    for (seed, tale) in &differing {
        writeln!(out, "seed {seed}: {tale}")?;
    }
    if let Some((seed, _)) = differing.first().filter(|_| arguments.plan) {
        writeln!(out, "\n{}", draw_orderly(*seed).to_toml())?;
    }
    let count = arguments.seeds.end - arguments.seeds.first;
    let same = count - differing.len() as u64;
    writeln!(out, "{same} of {count} plans end alike in quick and whole, {:.1} s", begin.elapsed().as_secs_f32())?;
    Ok(if differing.is_empty() { Ended::Well } else { Ended::Badly })
}

/// How the worlds differ on the orderly plan of a seed, or that one of them fails.
fn difference(seed: u64) -> Option<String> {
    let plan = draw_orderly(seed);
    let (verdict, quick) = quick::sense(&plan);
    if let Some(failure) = verdict.failure {
        return Some(format!("quick: {}", sentence(&plan, &World::Quick.named(&plan, None, failure))));
    }
    let whole::Outcome { verdict, sense: whole, .. } = whole::run(&plan);
    if let Some(failure) = verdict.failure {
        return Some(format!("whole: {}", sentence(&plan, &World::Whole.named(&plan, None, failure))));
    }
    quick.difference(&whole).map(|difference| format!("quick is here, whole is there: {difference}"))
}

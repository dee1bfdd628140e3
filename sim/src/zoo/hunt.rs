//! The hunt: seeds, or a plan of its own, are run with a bug planted until one fails that holds without it.

use std::fmt;
use std::time::{Duration, Instant};

use super::{Directed, Member, Shown};
use crate::checks::Failure;
use crate::plan::{Plan, draw};
use crate::shrink::{Bound, Shrunk, shrink_with};
use crate::worlds::quick::{Planted, run, run_planted};

/// Where a bug was noticed.
#[derive(Clone, Copy, Debug)]
pub enum Found {
    /// At a seed.
    Seed(u64),
    /// By a plan of its own.
    Plan(&'static Directed),
}

/// A run that noticed a bug.
#[derive(Clone, Debug)]
pub struct Catch {
    /// Which one, as a replay is asked for it.
    pub found: Found,
    /// Its plan.
    pub plan: Plan,
    /// What did not hold.
    pub failure: Failure,
}

/// What came of a search.
#[derive(Clone, Debug)]
pub struct Hunt {
    /// The first run that caught it, if any did in time.
    pub catch: Option<Catch>,
    /// Plans that were run.
    pub runs: u64,
    /// CPU time that it took.
    pub spent: Duration,
}

/// Runs seeds until one notices the bug, for at most so much CPU time: from `first` on, or from the one that is known. Of a bug
/// that has a plan of its own, that plan alone is run.
pub fn hunt(member: &Member, first: Option<u64>, most: Duration) -> Hunt {
    let begun = Instant::now();
    let before = cpu_time(begun);
    let spent = || cpu_time(begun).saturating_sub(before);
    let known = match member.shown {
        Shown::BySeeds(known) => known,
        Shown::ByPlan(directed) => {
            let catch = caught(member.planted, Found::Plan(directed));
            return Hunt { catch, runs: 1, spent: spent() };
        }
    };
    let mut runs = 0;
    loop {
        let catch = caught(member.planted, Found::Seed(first.unwrap_or(known) + runs));
        runs += 1;
        if catch.is_some() || spent() >= most {
            return Hunt { catch, runs, spent: spent() };
        }
    }
}

/// What notices the bug in this run. One that fails anyway notices nothing.
fn caught(planted: Planted, found: Found) -> Option<Catch> {
    let plan = match found {
        Found::Seed(seed) => draw(seed),
        Found::Plan(directed) => directed.plan(),
    };
    let failure = noticed(planted, &plan)?;
    Some(Catch { found, plan, failure })
}

fn noticed(planted: Planted, plan: &Plan) -> Option<Failure> {
    let failure = run_planted(plan, Some(planted)).failure?;
    run(plan).failure.is_none().then_some(failure)
}

impl Catch {
    /// The least plan that notices it alike.
    pub fn shrink(&self, member: &Member, bound: Bound) -> Option<Shrunk> {
        shrink_with(&self.plan, bound, |plan| noticed(member.planted, plan))
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Found::Seed(seed) => write!(f, "{seed}"),
            Found::Plan(directed) => f.write_str(directed.file),
        }
    }
}

/// CPU time of this thread since it began; wall time where the system does not tell.
fn cpu_time(begun: Instant) -> Duration {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanos = told.and_then(|told| told.split_whitespace().next()?.parse().ok());
    nanos.map_or_else(|| begun.elapsed(), Duration::from_nanos)
}

//! The hunt: seeds are run with a bug planted until one fails that holds without it.

use std::time::{Duration, Instant};

use super::Member;
use crate::checks::Failure;
use crate::plan::draw;
use crate::shrink::{Bound, shrink_with};
use crate::worlds::quick::{Planted, run, run_planted};

/// A seed at which a bug was noticed.
#[derive(Clone, Debug)]
pub struct Catch {
    /// The seed.
    pub seed: u64,
    /// What did not hold.
    pub failure: Failure,
}

/// What came of a search.
#[derive(Clone, Debug)]
pub struct Hunt {
    /// The first seed that caught it, if any did in time.
    pub catch: Option<Catch>,
    /// Seeds that were run.
    pub seeds: u64,
    /// CPU time that it took.
    pub spent: Duration,
}

/// Runs seeds from `first` on until one notices the bug, for at most so much CPU time.
pub fn hunt(member: &Member, first: u64, most: Duration) -> Hunt {
    let begun = Instant::now();
    let before = cpu_time(begun);
    let mut seeds = 0;
    loop {
        let seed = first + seeds;
        seeds += 1;
        let catch = caught(member.planted, seed);
        let spent = cpu_time(begun).saturating_sub(before);
        if catch.is_some() || spent >= most {
            return Hunt { catch, seeds, spent };
        }
    }
}

/// What notices the bug at this seed. A seed that fails anyway notices nothing.
fn caught(planted: Planted, seed: u64) -> Option<Catch> {
    let plan = draw(seed);
    let failure = run_planted(&plan, Some(planted)).failure?;
    run(&plan).failure.is_none().then_some(Catch { seed, failure })
}

impl Catch {
    /// How many acts the plan of the seed has, and how many are left of it once it is shrunk.
    pub fn shrink(&self, member: &Member) -> (usize, usize) {
        let plan = draw(self.seed);
        let judge = |plan: &crate::plan::Plan| {
            let failure = run_planted(plan, Some(member.planted)).failure;
            failure.filter(|_| run(plan).failure.is_none())
        };
        let left = shrink_with(&plan, Bound::QUICK, judge).map_or(plan.acts.len(), |shrunk| shrunk.plan.acts.len());
        (plan.acts.len(), left)
    }
}

/// CPU time of this thread since it began; wall time where the system does not tell.
fn cpu_time(begun: Instant) -> Duration {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanos = told.and_then(|told| told.split_whitespace().next()?.parse().ok());
    nanos.map_or_else(|| begun.elapsed(), Duration::from_nanos)
}

//! Where the fleet meets the worlds: a seed goes in, what came of it comes out. A run stays on the thread that began it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::checks::Failure;
use crate::marks::Marks;
use crate::plan::{Plan, draw, draw_busy};
use crate::shrink::{Bound, Shrunk, shrink_with};
use crate::worlds::Step;
use crate::worlds::quick::{self, Planted, Reseed, Verdict};
use crate::worlds::whole;

/// A world that runs many seeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum World {
    /// Bare replicas on one event heap.
    Quick,
    /// The nodes of production on a simulated network.
    Whole,
}

/// What came of a seed.
#[derive(Clone, Debug)]
pub struct Run {
    /// The seed.
    pub seed: u64,
    /// What did not hold.
    pub failure: Option<Failure>,
    /// Over everything that happened.
    pub trace: [u8; 32],
    /// What it was made of.
    pub counts: Counts,
    /// From the heal to agreement.
    pub converged_ms: Option<u64>,
    /// Rare situations.
    pub marks: Marks,
}

/// What runs were made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// Frames that arrived.
    pub delivered: u64,
    /// Calls of clients that were made.
    pub calls: u64,
    /// Faults that were done.
    pub faults: u64,
    /// Events that replicas handled.
    pub events: u64,
}

impl World {
    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            World::Quick => "quick",
            World::Whole => "whole",
        }
    }

    /// The plan of a seed here. In the whole world its nodes have many more callers; all else is as in the quick one.
    pub fn draw(self, seed: u64) -> Plan {
        match self {
            World::Quick => draw(seed),
            World::Whole => draw_busy(seed),
        }
    }

    /// Runs a plan, and keeps its history.
    pub fn tell(self, plan: &Plan, planted: Option<Planted>) -> Verdict {
        match self {
            World::Quick => quick::tell_planted(plan, planted),
            World::Whole => whole::tell(plan, planted).verdict,
        }
    }

    /// Runs a plan with other draws from a time on.
    pub fn run_reseeded(self, plan: &Plan, planted: Option<Planted>, reseed: Reseed) -> Verdict {
        match self {
            World::Quick => quick::run_reseeded(plan, planted, reseed),
            World::Whole => whole::run_reseeded(plan, planted, reseed).verdict,
        }
    }

    /// Runs a plan.
    pub fn run(self, plan: &Plan, planted: Option<Planted>) -> Verdict {
        match self {
            World::Quick => quick::run_planted(plan, planted),
            World::Whole => whole::run_planted(plan, planted).verdict,
        }
    }

    /// How far a shrinking goes here, unless somebody asks for more.
    pub fn shrink_bound(self) -> Bound {
        match self {
            World::Quick => Bound::QUICK,
            World::Whole => Bound::WHOLE,
        }
    }

    /// A failure of a plan in the names of the plan. What they are tells the history, so the plan runs once more.
    pub fn named(self, plan: &Plan, planted: Option<Planted>, failure: Failure) -> Failure {
        let history = self.tell(plan, planted).history;
        history.map_or(failure.clone(), |history| failure.in_names(&history))
    }
}

/// Runs a seed. Whatever panics on the way is a failure of that seed, and of no other.
pub fn run_one(world: World, planted: Option<Planted>, seed: u64) -> Run {
    let run = catch_unwind(AssertUnwindSafe(|| {
        let plan = world.draw(seed);
        let run = told(seed, world.run(&plan, planted));
        let failure = run.failure.map(|failure| world.named(&plan, planted, failure));
        Run { failure, ..run }
    }));
    run.unwrap_or_else(|_| {
        let what = "the world itself broke; a replay tells where".into();
        let failure = Failure { check: "panic", at_ms: 0, node: None, what };
        let (trace, counts, marks) = Default::default();
        Run { seed, failure: Some(failure), trace, counts, converged_ms: None, marks }
    })
}

/// The trace of a seed, step by step.
pub fn steps(world: World, planted: Option<Planted>, seed: u64) -> Vec<Step> {
    let plan = world.draw(seed);
    match world {
        World::Quick => quick::steps(&plan, planted),
        World::Whole => whole::tell(&plan, planted).steps,
    }
}

/// The least plan that fails as this one does; `None` if it does not fail.
pub fn least_plan(world: World, planted: Option<Planted>, plan: &Plan, bound: Bound) -> Option<Shrunk> {
    shrink_with(plan, bound, |plan| world.run(plan, planted).failure)
}

fn told(seed: u64, verdict: Verdict) -> Run {
    let Verdict { failure, trace, counts, converged_ms, acts: _, marks, history: _ } = verdict;
    let quick::Counts { delivered, calls, faults, events, ticks: _ } = counts;
    let counts = Counts { delivered, calls, faults, events };
    Run { seed, failure, trace, counts, converged_ms, marks }
}

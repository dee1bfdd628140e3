//! The simulated worlds: how many seeds a second of processor time runs, and how the cost grows with the nodes.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::figure::{Figure, Wanted};
use crate::plan::{draw_busy_for, draw_for};
use crate::worlds::live::proc;
use crate::worlds::{quick, whole};

/// The size that the goal of the quick world is about.
const FIVE: usize = 5;
/// And that of the whole one.
const THREE: usize = 3;

/// Seeds of the quick world, size by size, each for this long.
pub(super) fn quick_world(slice: Duration) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for nodes in [3, FIVE, 25, 100] {
        let run = Sum::of(slice, |seed| {
            let verdict = quick::run(&draw_for(seed, nodes));
            ensure!(verdict.failure.is_none(), "seed {seed} of {nodes} nodes fails: {:?}", verdict.failure);
            Ok(One { delivered: verdict.counts.delivered, ..One::default() })
        })?;
        let name = |what: &str| format!("quick_{nodes}_nodes_{what}");
        let is_goal = nodes == FIVE;
        figures.push(wanted(Figure::new(name("seeds_per_cpu_s"), run.per_cpu_s(), "1/s"), is_goal, 300.0));
        figures.push(wanted(Figure::new(name("messages_per_seed"), run.mean(run.all.delivered), ""), is_goal, 400.0));
        let each_us = run.cpu.as_secs_f64() * 1e6 / run.all.delivered.max(1) as f64;
        figures.push(Figure::new(name("cpu_per_message"), each_us, "µs"));
    }
    Ok(figures)
}

/// Seeds of the whole world, size by size, each for this long.
pub(super) fn whole_world(slice: Duration) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for nodes in [THREE, 5, 9, 25] {
        let run = Sum::of(slice, |seed| {
            let outcome = whole::run(&draw_busy_for(seed, nodes));
            let failure = outcome.verdict.failure;
            ensure!(failure.is_none(), "seed {seed} of {nodes} nodes fails: {failure:?}");
            let delivered = outcome.verdict.counts.delivered;
            Ok(One { delivered, answered: outcome.answered, lasted_ms: outcome.lasted_ms })
        })?;
        let name = |what: &str| format!("whole_{nodes}_nodes_{what}");
        let is_goal = nodes == THREE;
        figures.push(wanted(Figure::new(name("seeds_per_cpu_s"), run.per_cpu_s(), "1/s"), is_goal, 2.0));
        figures.push(wanted(Figure::new(name("requests_per_seed"), run.mean(run.all.answered), ""), is_goal, 200.0));
        let lasted_s = run.mean(run.all.lasted_ms) / 1000.0;
        figures.push(wanted(Figure::new(name("simulated_per_seed"), lasted_s, "s"), is_goal, 20.0));
        figures.push(Figure::new(name("messages_per_seed"), run.mean(run.all.delivered), ""));
        figures.push(Figure::new(name("cpu_per_seed"), 1e3 / run.per_cpu_s(), "ms"));
    }
    Ok(figures)
}

fn wanted(figure: Figure, is_goal: bool, least: f64) -> Figure {
    Figure { wanted: is_goal.then_some(Wanted::AtLeast(least)), ..figure }
}

/// What one seed did.
#[derive(Default)]
struct One {
    /// Frames that arrived.
    delivered: u64,
    /// Requests of callers that a node answered.
    answered: u64,
    /// In simulated time.
    lasted_ms: u64,
}

/// What some seeds of one size cost together.
struct Sum {
    seeds: u64,
    all: One,
    cpu: Duration,
}

impl Sum {
    /// Of the seeds from 0 on, as many as go into this time.
    fn of(slice: Duration, run: impl Fn(u64) -> Result<One>) -> Result<Sum> {
        let cpu = || proc::cpu(std::process::id()).context("no processor time of this process to read");
        let (begin, before) = (Instant::now(), cpu()?);
        let mut sum = Sum { seeds: 0, all: One::default(), cpu: Duration::ZERO };
        while begin.elapsed() < slice || sum.seeds == 0 {
            let One { delivered, answered, lasted_ms } = run(sum.seeds)?;
            sum.seeds += 1;
            sum.all.delivered += delivered;
            sum.all.answered += answered;
            sum.all.lasted_ms += lasted_ms;
        }
        sum.cpu = cpu()? - before;
        Ok(sum)
    }

    fn mean(&self, all: u64) -> f64 {
        all as f64 / self.seeds as f64
    }

    fn per_cpu_s(&self) -> f64 {
        self.seeds as f64 / self.cpu.as_secs_f64()
    }
}

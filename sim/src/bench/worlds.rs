//! The simulated worlds: how many seeds a second of processor time runs, and how the cost grows with the nodes.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::figure::{Figure, Wanted};
use crate::plan::draw_for;
use crate::worlds::live::proc;
use crate::worlds::quick;

/// The size that the goal is about.
const FIVE: usize = 5;

/// Seeds of the quick world, size by size, each for this long.
pub(super) fn quick_world(slice: Duration) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for nodes in [3, FIVE, 25, 100] {
        let run = Sum::of(nodes, slice)?;
        let seeds = run.seeds as f64;
        let wanted = (nodes == FIVE).then_some(Wanted::AtLeast(300.0));
        let rate = Figure::new(format!("quick_{nodes}_nodes_seeds_per_cpu_s"), seeds / run.cpu.as_secs_f64(), "1/s");
        figures.push(Figure { wanted, ..rate });
        let messages = run.delivered as f64 / seeds;
        let mean = Figure::new(format!("quick_{nodes}_nodes_messages_per_seed"), messages, "");
        let wanted = (nodes == FIVE).then_some(Wanted::AtLeast(400.0));
        figures.push(Figure { wanted, ..mean });
        let each_us = run.cpu.as_secs_f64() * 1e6 / run.delivered.max(1) as f64;
        figures.push(Figure::new(format!("quick_{nodes}_nodes_cpu_per_message"), each_us, "µs"));
    }
    Ok(figures)
}

/// What some seeds of one size cost together.
struct Sum {
    seeds: u64,
    delivered: u64,
    cpu: Duration,
}

impl Sum {
    fn of(nodes: usize, slice: Duration) -> Result<Sum> {
        let cpu = || proc::cpu(std::process::id()).context("no processor time of this process to read");
        let (begin, before) = (Instant::now(), cpu()?);
        let mut sum = Sum { seeds: 0, delivered: 0, cpu: Duration::ZERO };
        while begin.elapsed() < slice || sum.seeds == 0 {
            let plan = draw_for(sum.seeds, nodes);
            let verdict = quick::run(&plan);
            ensure!(verdict.failure.is_none(), "seed {} of {nodes} nodes fails: {:?}", sum.seeds, verdict.failure);
            sum.seeds += 1;
            sum.delivered += verdict.counts.delivered;
        }
        sum.cpu = cpu()? - before;
        Ok(sum)
    }
}

//! `symbolon-sim fuzz`: many seeds in one world, or this machine's share of them.

use std::io::{Write, stdout};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::thread;

use anyhow::Result;
use clap::Args;

use super::Ended;
use super::shrink::{Shrinking, budget};
use crate::fleet::{
    Done, Failed, Head, Interrupt, Kept, Line, Order, Progress, Seeds, Shard, Sum, Watch, Why, World, run, summary,
};
use crate::plan::Span;
use crate::worlds::quick::Planted;

/// Threads beyond this are a slip of the finger.
const MAX_JOBS: usize = 1024;

/// Which seeds, and for how long.
#[derive(Args)]
pub struct Fuzz {
    /// The seeds, `A..B` without B.
    #[arg(long, default_value = "0..1000")]
    seeds: Seeds,
    /// Where they run.
    #[arg(long, value_enum, default_value = "quick")]
    world: World,
    /// Threads; as many as the machine has cores otherwise.
    #[arg(long, value_name = "N", value_parser = jobs)]
    jobs: Option<NonZeroUsize>,
    /// No seed begins after so long, as in 60s or 10m.
    #[arg(long, value_parser = budget)]
    budget: Option<Span>,
    /// This machine's share of the seeds, from 1/N to N/N.
    #[arg(long, value_name = "I/N", default_value = "1/1")]
    shard: Shard,
    /// No seed begins after so many failures.
    #[arg(long, value_name = "MAX", default_value = "10", value_parser = clap::value_parser!(u64).range(1..))]
    failures: u64,
    /// Keeps the least plan of each failing seed here, as SEED-CHECK.toml.
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    #[command(flatten)]
    shrink: Shrinking,
    /// Prints JSON lines instead, which `merge` adds up.
    #[arg(long)]
    json: bool,
    /// A bug of the zoo that is planted.
    #[arg(long = "bug", alias = "planted", value_name = "NAME")]
    planted: Option<Planted>,
}

fn jobs(text: &str) -> Result<NonZeroUsize, String> {
    let jobs = text.parse().ok().filter(|jobs: &NonZeroUsize| jobs.get() <= MAX_JOBS);
    jobs.ok_or_else(|| format!("threads are counted from 1 to {MAX_JOBS}"))
}

impl Fuzz {
    fn order(&self) -> Order {
        let cores = || thread::available_parallelism().map_or(1, NonZeroUsize::get);
        Order {
            world: self.world,
            planted: self.planted,
            seeds: self.seeds,
            shard: self.shard,
            jobs: self.jobs.map_or_else(cores, NonZeroUsize::get),
            budget: self.budget.map(|Span(budget)| budget),
            failures: self.failures,
            keep: self.keep.clone(),
            shrink: self.shrink.bound(self.world),
        }
    }
}

pub(super) fn fuzz(arguments: &Fuzz) -> Result<Ended> {
    if let Some(dir) = &arguments.keep
        && let Err(error) = std::fs::create_dir_all(dir)
    {
        return Ok(Ended::Misasked(format!("{}: {error}", dir.display())));
    }
    let order = arguments.order();
    let head = Head::new(order.world, order.planted, order.seeds, order.shard);
    let progress = Progress::new(order.shard.count(order.seeds), order.budget)?;
    let interrupt = Interrupt::listen()?;
    let mut teller = Teller { head, progress, failed: Vec::new(), json: arguments.json };
    if arguments.json {
        print(&Line::Head(teller.head.clone()))?;
    }
    let sum = run(&order, &interrupt, &mut teller)?;
    teller.progress.end();
    if arguments.json {
        print(&Line::Sum(sum.clone()))?;
    } else {
        teller.failed.sort();
        write!(stdout(), "{}", summary(&teller.head, &teller.failed, &sum))?;
    }
    Ok(match sum.ended {
        _ if sum.failed > 0 => Ended::Badly,
        Why::Interrupted => Ended::Interrupted,
        Why::All | Why::Budget | Why::Failures => Ended::Well,
    })
}

/// Tells failures as they are found.
struct Teller {
    head: Head,
    progress: Progress,
    failed: Vec<Failed>,
    json: bool,
}

impl Watch for Teller {
    fn done(&mut self, done: &Done, sum: &Sum) -> Result<()> {
        let Some(failed) = Failed::of(&done.run, &self.head) else { return Ok(()) };
        self.progress.aside(|| {
            if self.json {
                print(&Line::Failed(failed.clone()))?;
            } else {
                writeln!(stdout(), "{}\n  {}", failed.replay, failed.sentence())?;
            }
            match &done.kept {
                Some(Ok(Kept { file, limit })) => {
                    let limit = limit.map_or(String::new(), |limit| format!(", {limit}"));
                    eprintln!("  the plan is kept in {}{limit}", file.display());
                }
                Some(Err(problem)) => eprintln!("  the plan could not be kept: {problem}"),
                None => {}
            }
            Ok(())
        })?;
        self.failed.push(failed);
        self.progress.turn(sum);
        Ok(())
    }

    fn turn(&mut self, sum: &Sum) {
        self.progress.turn(sum);
    }
}

/// One line for programs.
pub(super) fn print(line: &Line) -> Result<()> {
    let mut out = stdout().lock();
    serde_json::to_writer(&mut out, line)?;
    Ok(writeln!(out)?)
}

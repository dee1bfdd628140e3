//! `symbolon-sim fuzz` and `replay`: many seeds in the quick world, and one of them told.

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use anyhow::Result;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::Ended;
use crate::checks::Failure;
use crate::plan::{Plan, draw};
use crate::report::timeline::{Detail, timeline};
use crate::worlds::quick;

/// A range of seeds, `A..B` without B.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seeds {
    first: u64,
    end: u64,
}

impl std::str::FromStr for Seeds {
    type Err = String;

    fn from_str(text: &str) -> Result<Seeds, String> {
        let right =
            || format!("{text:?} is no range of seeds; a range is written A..B, as in 0..1000, and B is left out");
        let (first, end) = text.split_once("..").ok_or_else(right)?;
        let (first, end) = (first.parse().map_err(|_| right())?, end.parse().map_err(|_| right())?);
        if first < end { Ok(Seeds { first, end }) } else { Err(right()) }
    }
}

/// Which seeds.
#[derive(Args)]
pub struct Fuzz {
    /// The seeds, `A..B` without B.
    #[arg(long, default_value = "0..1000")]
    seeds: Seeds,
    /// Threads.
    #[arg(long, default_value_t = 1)]
    jobs: usize,
    /// Ends after so many failures.
    #[arg(long, default_value_t = 10)]
    failures: usize,
}

/// Which seed, or which plan.
#[derive(Args)]
pub struct Replay {
    /// A seed, or a file that `shrink` wrote.
    plan: Source,
    /// Every message too.
    #[arg(long)]
    all: bool,
}

/// What to shrink.
#[derive(Args)]
pub struct Shrink {
    /// A seed, or a file that `shrink` wrote.
    plan: Source,
    /// Where to write the least plan; standard output otherwise.
    #[arg(long)]
    out: Option<PathBuf>,
}

/// Where a plan comes from.
#[derive(Clone, Debug)]
enum Source {
    Seed(u64),
    File(PathBuf),
}

impl std::str::FromStr for Source {
    type Err = String;

    fn from_str(text: &str) -> Result<Source, String> {
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            return text.parse().map(Source::Seed).map_err(|_| format!("{text} is no seed: a seed has 64 bits"));
        }
        if text.ends_with(".toml") {
            return Ok(Source::File(text.into()));
        }
        Err(format!("{text:?} is neither a seed, as in 42, nor a plan, as in plan.toml"))
    }
}

impl Source {
    fn read(&self) -> Result<Plan, String> {
        match self {
            Source::Seed(seed) => Ok(draw(*seed)),
            Source::File(file) => {
                let name = file.display().to_string();
                let text = std::fs::read_to_string(file).map_err(|error| format!("{name}: {error}"))?;
                Plan::parse(&name, &text).map_err(|error| error.to_string())
            }
        }
    }
}

#[derive(Default)]
struct Tally {
    next: AtomicU64,
    stop: AtomicBool,
    delivered: AtomicU64,
    calls: AtomicU64,
    faults: AtomicU64,
    done: AtomicU64,
    failed: Mutex<Vec<(u64, Failure)>>,
}

pub(super) fn fuzz(arguments: &Fuzz) -> Result<Ended> {
    std::panic::set_hook(Box::new(|_| {}));
    let begun = Instant::now();
    let tally = Tally { next: AtomicU64::new(arguments.seeds.first), ..Tally::default() };
    let bar = ProgressBar::new(arguments.seeds.end - arguments.seeds.first);
    bar.set_style(ProgressStyle::with_template("{bar:30} {pos}/{len} seeds  {per_sec}  {msg}")?);
    std::thread::scope(|scope| {
        for _ in 0..arguments.jobs.max(1) {
            scope.spawn(|| work(arguments, &tally, &bar));
        }
    });
    bar.finish_and_clear();
    let _ = std::panic::take_hook();
    let done = tally.done.load(Ordering::Relaxed).max(1);
    let mean = |sum: &AtomicU64| sum.load(Ordering::Relaxed) / done;
    let spent = begun.elapsed().as_secs_f64();
    let failed = tally.failed.lock().map_or(0, |failed| failed.len());
    println!(
        "{done} seeds in {spent:.1} s, {:.0} a second; on average {} calls, {} faults, {} frames; {failed} failed",
        done as f64 / spent,
        mean(&tally.calls),
        mean(&tally.faults),
        mean(&tally.delivered),
    );
    Ok(if failed == 0 { Ended::Well } else { Ended::Badly })
}

fn work(arguments: &Fuzz, tally: &Tally, bar: &ProgressBar) {
    while !tally.stop.load(Ordering::Relaxed) {
        let seed = tally.next.fetch_add(1, Ordering::Relaxed);
        if seed >= arguments.seeds.end {
            return;
        }
        let verdict = quick::run(&draw(seed));
        tally.done.fetch_add(1, Ordering::Relaxed);
        tally.delivered.fetch_add(verdict.counts.delivered, Ordering::Relaxed);
        tally.calls.fetch_add(verdict.counts.calls, Ordering::Relaxed);
        tally.faults.fetch_add(verdict.counts.faults, Ordering::Relaxed);
        bar.inc(1);
        if let Some(failure) = verdict.failure
            && let Ok(mut failed) = tally.failed.lock()
        {
            bar.suspend(|| println!("symbolon-sim replay {seed}\n  {}", sentence(&failure)));
            failed.push((seed, failure));
            bar.set_message(format!("{} failed", failed.len()));
            if failed.len() >= arguments.failures {
                tally.stop.store(true, Ordering::Relaxed);
            }
        }
    }
}

fn sentence(failure: &Failure) -> String {
    let place = failure.node.map_or(String::new(), |node| format!(" at n{}", node + 1));
    format!("{} at {}.{:03} s{place}: {}", failure.check, failure.at_ms / 1000, failure.at_ms % 1000, failure.what)
}

pub(super) fn replay(arguments: &Replay) -> Result<Ended> {
    let plan = match arguments.plan.read() {
        Ok(plan) => plan,
        Err(problem) => return Ok(Ended::Misasked(problem)),
    };
    let verdict = quick::tell(&plan);
    let mut out = std::io::stdout().lock();
    weather(&mut out, &plan)?;
    if let Some(history) = &verdict.history {
        let detail = if arguments.all { Detail::All } else { Detail::Usual };
        write!(out, "\n{}", timeline(history, detail))?;
    }
    let hash: String = verdict.trace.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    writeln!(out, "\n{:?}\ntrace {hash}", verdict.counts)?;
    match &verdict.failure {
        Some(failure) => writeln!(out, "FAIL {}", sentence(failure))?,
        None => writeln!(out, "PASS, agreement {:?} ms after the heal", verdict.converged_ms)?,
    }
    Ok(if verdict.failure.is_none() { Ended::Well } else { Ended::Badly })
}

pub(super) fn shrink(arguments: &Shrink) -> Result<Ended> {
    let plan = match arguments.plan.read() {
        Ok(plan) => plan,
        Err(problem) => return Ok(Ended::Misasked(problem)),
    };
    std::panic::set_hook(Box::new(|_| {}));
    let shrunk = crate::shrink::shrink(&plan);
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

fn weather(out: &mut impl std::io::Write, plan: &Plan) -> Result<()> {
    writeln!(out, "{}\nseed {}: {} nodes, storm until {}", plan.story, plan.seed, plan.nodes.len(), plan.until)?;
    if !plan.heals.is_empty() {
        writeln!(out, "only {} heal", plan.heals.join(" "))?;
    }
    writeln!(out, "{}", plan.weather.words())?;
    for (node, clock) in &plan.clocks {
        write!(out, "{node} {} {:+} ppm  ", clock.offset, clock.ppm)?;
    }
    writeln!(out)?;
    for step in plan.steps() {
        let at = step.at.unwrap_or_default();
        writeln!(out, "  {at:>8} {} {}", step.on.label(), step.verb.title())?;
    }
    Ok(())
}

//! The threads of a fleet: each takes the next seed, runs it to its end, and sends what came of it to the one that counts. It
//! prints nothing.

use std::panic;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, SyncSender};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::interrupt::Interrupt;
use super::keep::{Kept, keep};
use super::line::{Sum, Why};
use super::seeds::{Seeds, Shard};
use super::world::{Run, World, run_one};
use crate::shrink::Bound;
use crate::worlds::live::proc;
use crate::worlds::quick::Planted;

/// How often the one that counts looks up.
const TURN: Duration = Duration::from_millis(100);
/// Results that may wait for it, for each thread.
const WAITING: usize = 64;

/// What a fleet is to do.
#[derive(Clone, Debug)]
pub struct Order {
    /// Where.
    pub world: World,
    /// A mistake that is put into the world on purpose.
    pub planted: Option<Planted>,
    /// The seeds.
    pub seeds: Seeds,
    /// This machine's share of them.
    pub shard: Shard,
    /// Threads.
    pub jobs: usize,
    /// No seed begins after so long.
    pub budget: Option<Duration>,
    /// No seed begins after so many failures.
    pub failures: u64,
    /// Where plans of failing seeds go.
    pub keep: Option<PathBuf>,
    /// How far their shrinking may go.
    pub shrink: Bound,
}

/// What one seed sent.
pub struct Done {
    /// The run.
    pub run: Run,
    /// Where its plan is kept, or why it is not, if it failed.
    pub kept: Option<Result<Kept, String>>,
}

/// Whoever watches a fleet.
pub trait Watch {
    /// A seed is done.
    ///
    /// # Errors
    /// If it cannot be told any more; the fleet ends.
    fn done(&mut self, done: &Done, sum: &Sum) -> Result<()>;

    /// Time passes.
    fn turn(&mut self, sum: &Sum);
}

/// Runs all seeds of the order, or as many as it allows.
///
/// # Errors
/// What the watcher says.
pub fn run(order: &Order, interrupt: &Interrupt, watch: &mut impl Watch) -> Result<Sum> {
    // A broken promise of the core is a panic, and a verdict here: nobody wants its trace among the progress.
    let loud = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    let sum = crew(order, interrupt, watch);
    panic::set_hook(loud);
    sum
}

fn crew(order: &Order, interrupt: &Interrupt, watch: &mut impl Watch) -> Result<Sum> {
    let begun = Instant::now();
    let (next, failed, stop) = (AtomicU64::new(0), AtomicU64::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        let (out, results) = mpsc::sync_channel(WAITING * order.jobs);
        for _ in 0..order.jobs {
            let out = out.clone();
            scope.spawn(|| work(order, &next, (&failed, &stop), out));
        }
        drop(out);
        let mut sum = Sum::new(order.shard.count(order.seeds));
        let mut looked = begun;
        let told = loop {
            let told = match results.recv_timeout(TURN) {
                Ok(done) => {
                    sum.add(&done.run);
                    watch.done(&done, &sum)
                }
                Err(RecvTimeoutError::Timeout) => Ok(()),
                Err(RecvTimeoutError::Disconnected) => break Ok(()),
            };
            if told.is_err() {
                break told;
            }
            if sum.ended == Why::All
                && let Some(why) = reason(order, interrupt, &sum, begun)
            {
                sum.ended = why;
                stop.store(true, Ordering::Relaxed);
            }
            if looked.elapsed() >= TURN {
                looked = Instant::now();
                time(&mut sum, begun);
                watch.turn(&sum);
            }
        };
        stop.store(true, Ordering::Relaxed);
        drop(results);
        time(&mut sum, begun);
        if sum.seeds == sum.planned {
            sum.ended = Why::All;
        }
        told.map(|()| sum)
    })
}

fn time(sum: &mut Sum, begun: Instant) {
    sum.wall_ms = begun.elapsed().as_millis() as u64;
    sum.cpu_ms = proc::cpu(std::process::id()).map_or(0, |cpu| cpu.as_millis() as u64);
}

/// Why no seed may begin any more.
fn reason(order: &Order, interrupt: &Interrupt, sum: &Sum, begun: Instant) -> Option<Why> {
    if interrupt.came() {
        Some(Why::Interrupted)
    } else if sum.failed >= order.failures {
        Some(Why::Failures)
    } else if order.budget.is_some_and(|budget| begun.elapsed() >= budget) {
        Some(Why::Budget)
    } else {
        None
    }
}

fn work(order: &Order, next: &AtomicU64, (failed, stop): (&AtomicU64, &AtomicBool), out: SyncSender<Done>) {
    while !stop.load(Ordering::Relaxed) {
        let place = next.fetch_add(1, Ordering::Relaxed);
        let Some(seed) = order.shard.seed(order.seeds, place) else { return };
        let run = run_one(order.world, order.planted, seed);
        if run.failure.is_some() && failed.fetch_add(1, Ordering::Relaxed) + 1 >= order.failures {
            stop.store(true, Ordering::Relaxed);
        }
        let kept = run.failure.as_ref().and_then(|failure| Some(keep(order, order.keep.as_ref()?, seed, failure)));
        if out.send(Done { run, kept }).is_err() {
            return;
        }
    }
}

//! The command line: what is asked for, and the exit code. 0: it held. 1: it did not. 2: the question was
//! wrong. 130: somebody interrupted it, and what was seen until then held.

mod compare;
mod determinism;
mod explain;
mod fuzz;
mod merge;
mod replay;
mod run;
mod shrink;
mod source;
mod zoo;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::fleet::INTERRUPTED;

/// Runs plans against a cluster, and measures nodes.
#[derive(Parser)]
#[command(name = "symbolon-sim", version, about)]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Runs a plan in a world.
    Run(run::Run),
    /// Runs many seeds.
    Fuzz(fuzz::Fuzz),
    /// Adds up what many machines found.
    Merge(merge::Merge),
    /// Runs one seed in the quick world, and tells what happened.
    Replay(replay::Replay),
    /// Shows what a seed or a plan did in the quick world, with a letter for each state of each node.
    Timeline(replay::Timeline),
    /// Finds the moment from which on a failure was certain.
    Explain(explain::Explain),
    /// Finds the least plan that fails as a seed does.
    Shrink(shrink::Shrink),
    /// Runs plans without races in two worlds, which must end alike.
    Compare(compare::Compare),
    /// Runs seeds in two processes, and compares their traces.
    Determinism(determinism::Determinism),
    /// Prints the hash of each seed's trace.
    #[command(hide = true)]
    Traces(determinism::Traces),
    /// Prints the trace of a seed, step by step.
    #[command(hide = true)]
    Steps(determinism::Steps),
    /// Hunts planted bugs: each must be noticed by a check.
    Zoo(zoo::Zoo),
    /// Measures how long a change takes until it is everywhere, and a revoked token until it is refused everywhere.
    Convergence(crate::measure::Arguments),
    /// Measures a node against bare handlers, and a cluster against its promises.
    Bench(crate::bench::Bench),
    /// The bare handlers of the bench.
    #[command(hide = true)]
    Bare(crate::bench::Bare),
}

/// How a command ended.
pub enum Ended {
    /// Everything held.
    Well,
    /// Something did not.
    Badly,
    /// The question was wrong: usage, or the plan.
    Misasked(String),
    /// Somebody ended it; until then everything held.
    Interrupted,
}

/// Reads the command line, and does it.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match arguments.verb {
        Verb::Run(run) => run::run(&run),
        Verb::Fuzz(fuzz) => fuzz::fuzz(&fuzz),
        Verb::Merge(merge) => merge::merge(&merge),
        Verb::Replay(replay) => replay::replay(&replay),
        Verb::Timeline(timeline) => replay::show(&timeline),
        Verb::Explain(explain) => explain::run(&explain),
        Verb::Shrink(shrink) => shrink::shrink(&shrink),
        Verb::Compare(compare) => compare::compare(&compare),
        Verb::Determinism(determinism) => determinism::determinism(&determinism),
        Verb::Traces(traces) => determinism::traces(&traces),
        Verb::Steps(steps) => determinism::steps(&steps),
        Verb::Zoo(zoo) => zoo::zoo(&zoo),
        Verb::Convergence(arguments) => crate::measure::measure(&arguments),
        Verb::Bench(bench) => crate::bench::bench(&bench),
        Verb::Bare(bare) => crate::bench::bare(&bare),
    };
    match done {
        Ok(Ended::Well) => ExitCode::SUCCESS,
        Ok(Ended::Badly) => ExitCode::FAILURE,
        Ok(Ended::Misasked(problem)) => {
            eprintln!("{problem}");
            ExitCode::from(2)
        }
        Ok(Ended::Interrupted) => ExitCode::from(INTERRUPTED),
        Err(error) => {
            eprintln!("symbolon-sim: {error:#}");
            ExitCode::FAILURE
        }
    }
}

//! The command line: what is asked for, and the exit code. 0: it held. 1: it did not. 2: the question was wrong.

mod fuzz;
mod run;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

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
    /// Runs many seeds in the quick world.
    Fuzz(fuzz::Fuzz),
    /// Runs one seed in the quick world, and tells what happened.
    Replay(fuzz::Replay),
    /// Finds the least plan that fails as a seed does.
    Shrink(fuzz::Shrink),
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
}

/// Reads the command line, and does it.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match arguments.verb {
        Verb::Run(run) => run::run(&run),
        Verb::Fuzz(fuzz) => fuzz::fuzz(&fuzz),
        Verb::Replay(replay) => fuzz::replay(&replay),
        Verb::Shrink(shrink) => fuzz::shrink(&shrink),
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
        Err(error) => {
            eprintln!("symbolon-sim: {error:#}");
            ExitCode::FAILURE
        }
    }
}

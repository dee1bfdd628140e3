//! `symbolon-sim run`: a plan, a world, and what came of it.

mod live;

use std::path::PathBuf;
use std::time::Instant;

use anyhow::Result;
use clap::{Args, ValueEnum};

use super::Ended;
use crate::fleet;
use crate::plan::Plan;
use crate::report::{ActRecord, Failed, Record, Screen, Simulated, milliseconds};
use crate::worlds::live::Ports;
use crate::worlds::{Cannot, quick, whole};

/// What to run, and how.
#[derive(Args)]
pub struct Run {
    /// The plan.
    file: PathBuf,
    /// Where it runs.
    #[arg(long, value_enum, default_value = "live")]
    world: World,
    /// Shortens traffic, as the plan says (live).
    #[arg(long)]
    short: bool,
    /// Leaves the nodes up at the end, until Ctrl-C (live).
    #[arg(long)]
    interactive: bool,
    /// `auto` for free ports, or the first port of the nodes (live).
    #[arg(long, default_value = "8080")]
    ports: Ports,
    /// Prints the run as JSON instead.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum World {
    /// Bare replicas on one event heap: a run in milliseconds.
    Quick,
    /// The production node on a simulated network: seconds.
    Whole,
    /// Real processes on loopback.
    Live,
}

/// Reads the plan, runs it, and tells.
pub(super) fn run(arguments: &Run) -> Result<Ended> {
    let file = arguments.file.display().to_string();
    let text = match std::fs::read_to_string(&arguments.file) {
        Ok(text) => text,
        Err(error) => return Ok(Ended::Misasked(format!("{file}: {error}"))),
    };
    let plan = match Plan::parse(&file, &text) {
        Ok(plan) => plan,
        Err(error) => return Ok(Ended::Misasked(error.to_string())),
    };
    let cannot = match arguments.world {
        World::Quick => quick::cannot(&plan),
        World::Whole => whole::cannot(&plan),
        World::Live => crate::worlds::live::cannot(&plan),
    };
    if let Some(Cannot { line, problem }) = cannot {
        return Ok(Ended::Misasked(format!("{file}:{line}: {problem}")));
    }
    match arguments.world {
        World::Quick | World::Whole if arguments.interactive => {
            Ok(Ended::Misasked("--interactive needs nodes that stay: --world live".into()))
        }
        World::Quick => simulated(arguments, &file, &plan, fleet::World::Quick),
        World::Whole => simulated(arguments, &file, &plan, fleet::World::Whole),
        World::Live => live::run(arguments, &file, &plan),
    }
}

/// Runs the plan where time is simulated, and tells act by act when it happened there.
fn simulated(arguments: &Run, file: &str, plan: &Plan, world: fleet::World) -> Result<Ended> {
    let screen = Screen::new(arguments.json);
    screen.story(file, plan.nodes.len(), world.name(), &plan.story);
    screen.line("");
    let begin = Instant::now();
    let mut verdict = match world {
        fleet::World::Quick => quick::run(plan),
        fleet::World::Whole => whole::run(plan).verdict,
    };
    verdict.failure = verdict.failure.map(|failure| world.named(plan, None, failure));
    let mut record =
        Record { plan: file.into(), world: world.name(), pass: verdict.failure.is_none(), ..Record::default() };
    record.elapsed_ms = milliseconds(begin.elapsed());
    for done in &verdict.acts {
        let act = &plan.acts[done.act];
        if let Some(scene) = &act.scene {
            screen.scene(scene);
        }
        let told = ActRecord::simulated(act, done);
        screen.act(&told);
        if !told.pass {
            screen.line(&format!("\n    {file}:{}: this did not hold", act.line));
        }
        record.acts.push(told);
    }
    record.simulated = Some(summary(plan, &verdict));
    screen.verdict(&record);
    if !record.pass {
        screen.line(&format!("  What led there: symbolon-sim replay {file}\n"));
    }
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&record)?);
    }
    Ok(if record.pass { Ended::Well } else { Ended::Badly })
}

fn summary(plan: &Plan, verdict: &quick::Verdict) -> Simulated {
    let failed = verdict.failure.as_ref().map(|failure| Failed {
        check: failure.check,
        at_ms: failure.at_ms,
        node: failure.node.map(|node| plan.nodes[node].clone()),
        what: failure.what.clone(),
    });
    Simulated {
        seed: plan.seed,
        converged_ms: verdict.converged_ms,
        trace: verdict.trace.iter().take(8).map(|byte| format!("{byte:02x}")).collect(),
        failed,
    }
}

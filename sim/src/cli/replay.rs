//! `symbolon-sim replay`: one seed in the quick world, told.

use std::io::Write as _;

use anyhow::Result;
use clap::Args;

use super::Ended;
use super::source::{Source, sentence};
use crate::fleet::World;
use crate::plan::Plan;
use crate::worlds::quick::{self, Planted};
use crate::worlds::whole;

/// Which seed, or which plan.
#[derive(Args)]
pub struct Replay {
    /// A seed, or a file that `shrink` wrote.
    plan: Source,
    /// The world.
    #[arg(long, value_enum, default_value = "quick")]
    world: World,
    /// Only what is not gossip as usual.
    #[arg(long)]
    brief: bool,
    /// A mistake that is put into the world on purpose.
    #[arg(long, hide = true)]
    planted: Option<Planted>,
}

pub(super) fn replay(arguments: &Replay) -> Result<Ended> {
    let plan = match arguments.plan.read() {
        Ok(plan) => plan,
        Err(problem) => return Ok(Ended::Misasked(problem)),
    };
    let verdict = match arguments.world {
        World::Quick => quick::tell_planted(&plan, arguments.planted),
        World::Whole => return whole(&plan, arguments),
    };
    let mut out = std::io::stdout().lock();
    weather(&mut out, &plan)?;
    let names = &plan.nodes;
    writeln!(out, "\n    time  node  {}  fact", names.join(" "))?;
    for line in &verdict.lines {
        if arguments.brief && (line.what.starts_with("Rejected") || line.what.starts_with("RoundFailed")) {
            continue;
        }
        let node = line.node.map_or(String::new(), |node| format!("n{}", node + 1));
        let states: Vec<String> = line.states.iter().map(|state| state.map_or("·".into(), letter)).collect();
        let states: Vec<String> = states.iter().map(|state| format!("{state:>2}")).collect();
        writeln!(
            out,
            "{:>4}.{:03}  {node:<4}  {}  {}",
            line.at_ms / 1000,
            line.at_ms % 1000,
            states.join(" "),
            line.what
        )?;
    }
    conclude(&mut out, &verdict)
}

fn conclude(out: &mut impl std::io::Write, verdict: &quick::Verdict) -> Result<Ended> {
    let hash: String = verdict.trace.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    writeln!(out, "\n{:?}\ntrace {hash}", verdict.counts)?;
    match &verdict.failure {
        Some(failure) => writeln!(out, "FAIL {}", sentence(failure))?,
        None => writeln!(out, "PASS, agreement {:?} ms after the heal", verdict.converged_ms)?,
    }
    Ok(if verdict.failure.is_none() { Ended::Well } else { Ended::Badly })
}

/// The whole world tells the steps of its trace.
fn whole(plan: &Plan, arguments: &Replay) -> Result<Ended> {
    let whole::Outcome { verdict, steps, sense: _ } = whole::tell(plan, arguments.planted);
    let mut out = std::io::stdout().lock();
    weather(&mut out, plan)?;
    writeln!(out)?;
    let is_usual = |what: &str| ["frame", "Rejected", "RoundFailed"].iter().any(|usual| what.contains(usual));
    for step in steps.iter().filter(|step| !arguments.brief || !is_usual(&step.what)) {
        writeln!(out, "{}", step.what)?;
    }
    conclude(&mut out, &verdict)
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

/// A to Z, then AA and so on.
fn letter(state: usize) -> String {
    let last = char::from(b'A' + (state % 26) as u8);
    if state < 26 { last.to_string() } else { format!("{}{last}", letter(state / 26 - 1)) }
}

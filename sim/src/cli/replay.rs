//! `symbolon-sim replay` and `timeline`: one run, told.

use std::io::Write as _;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::Args;

use super::Ended;
use super::source::{Source, sentence};
use crate::fleet::World;
use crate::history::History;
use crate::plan::Plan;
use crate::report::html::{self, Page};
use crate::report::story::{Sentence, story};
use crate::report::timeline::{Detail, timeline};
use crate::report::told;
use crate::worlds::quick::{self, Planted};

/// Which seed, or which plan, and how much of it.
#[derive(Args)]
pub struct Replay {
    #[command(flatten)]
    which: Which,
    /// The world.
    #[arg(long, value_enum, default_value = "quick")]
    world: World,
    /// Why it failed, without the timeline.
    #[arg(long)]
    story: bool,
    /// Draws it as a page, into this file.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

/// Which run to show.
#[derive(Args)]
pub struct Timeline {
    #[command(flatten)]
    which: Which,
}

/// What replay and timeline both ask for.
#[derive(Args)]
struct Which {
    /// A seed, or a file that `shrink` wrote.
    plan: Source,
    /// Without refusals, and without what came to nothing.
    #[arg(long, conflicts_with = "all")]
    brief: bool,
    /// Every message too.
    #[arg(long)]
    all: bool,
    /// A bug of the zoo that is planted.
    #[arg(long = "bug", alias = "planted", value_name = "NAME")]
    planted: Option<Planted>,
}

impl Which {
    fn detail(&self) -> Detail {
        match (self.brief, self.all) {
            (true, _) => Detail::Brief,
            (_, true) => Detail::All,
            (false, false) => Detail::Usual,
        }
    }
}

pub(super) fn replay(arguments: &Replay) -> Result<Ended> {
    let which = &arguments.which;
    let plan = match which.plan.read(arguments.world) {
        Ok(plan) => plan,
        Err(problem) => return Ok(Ended::Misasked(problem)),
    };
    let verdict = arguments.world.tell(&plan, which.planted);
    let history = verdict.history.as_deref().context("a run that is told has a history")?;
    let told = story(history);
    let line = which.plan.line(arguments.world, which.planted);
    if let Some(file) = &arguments.html {
        std::fs::write(file, drawn(&plan, &line, history, &told)).with_context(|| file.display().to_string())?;
    }
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}\n\n{}", plan.story.trim_end())?;
    writeln!(out, "{} nodes, storm until {}", plan.nodes.len(), plan.until)?;
    told::weather(&plan).iter().try_for_each(|line| writeln!(out, "{line}"))?;
    if !arguments.story {
        write!(out, "\n{}", timeline(history, which.detail()))?;
    }
    if !told.is_empty() {
        writeln!(out, "\nWhat led there")?;
        told.iter().try_for_each(|sentence| writeln!(out, "  {}", sentence.text))?;
    }
    conclude(&mut out, &plan, &verdict)
}

fn conclude(out: &mut impl std::io::Write, plan: &Plan, verdict: &quick::Verdict) -> Result<Ended> {
    let hash: String = verdict.trace.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    writeln!(out, "\n{:?}\ntrace {hash}", verdict.counts)?;
    let failure = verdict.failure.clone().zip(verdict.history.as_deref());
    match (failure.map(|(failure, history)| failure.in_names(history)), verdict.converged_ms) {
        (Some(failure), _) => writeln!(out, "FAIL {}", sentence(plan, &failure))?,
        (None, Some(after_ms)) => writeln!(out, "PASS, agreement {after_ms} ms after the heal")?,
        (None, None) => writeln!(out, "PASS")?,
    }
    Ok(if verdict.failure.is_none() { Ended::Well } else { Ended::Badly })
}

fn drawn(plan: &Plan, line: &str, history: &History, story: &[Sentence]) -> String {
    let told: Vec<&str> = plan.story.split_whitespace().collect();
    let told = told.join(" ");
    let title = told.find(". ").map_or(&*told, |end| &told[..=end]);
    html::page(&Page { title, replay: line, weather: &told::weather(plan), history, story })
}

pub(super) fn show(arguments: &Timeline) -> Result<Ended> {
    let which = &arguments.which;
    let plan = match which.plan.read(World::Quick) {
        Ok(plan) => plan,
        Err(problem) => return Ok(Ended::Misasked(problem)),
    };
    let verdict = quick::tell_planted(&plan, which.planted);
    if let Some(history) = &verdict.history {
        write!(std::io::stdout().lock(), "{}", timeline(history, which.detail()))?;
    }
    Ok(if verdict.failure.is_none() { Ended::Well } else { Ended::Badly })
}

//! `symbolon-sim explain`: from which moment on a failure was certain.

use std::io::Write as _;

use anyhow::Result;
use clap::Args;
use clap::builder::RangedU64ValueParser;

use super::Ended;
use super::source::{Source, sentence};
use crate::explain::{Effort, Explained, explain};
use crate::fleet::World;
use crate::report::words;
use crate::worlds::quick::Planted;

/// The most entries that are shown around the moment.
const MOST: usize = 30;

/// Which failure, and how hard to look.
#[derive(Args)]
pub struct Explain {
    /// A seed, or a file that `shrink` wrote.
    plan: Source,
    /// Where it runs.
    #[arg(long, value_enum, default_value = "quick")]
    world: World,
    /// Points in time from which on it draws anew.
    #[arg(long, default_value_t = Effort::USUAL.points, value_parser = RangedU64ValueParser::<u64>::new().range(1..=1000))]
    points: u64,
    /// Repetitions from each point.
    #[arg(long, default_value_t = Effort::USUAL.salts, value_parser = RangedU64ValueParser::<u64>::new().range(1..=1000))]
    salts: u64,
    /// A bug of the zoo that is planted.
    #[arg(long = "bug", alias = "planted", value_name = "NAME")]
    planted: Option<Planted>,
}

pub(super) fn run(arguments: &Explain) -> Result<Ended> {
    let plan = match arguments.plan.read(arguments.world) {
        Ok(plan) => plan,
        Err(problem) => return Ok(Ended::Misasked(problem)),
    };
    let effort = Effort { points: arguments.points, salts: arguments.salts };
    std::panic::set_hook(Box::new(|_| {}));
    let explained = explain(arguments.world, &plan, arguments.planted, effort);
    let _ = std::panic::take_hook();
    let Some(explained) = explained else {
        println!("it does not fail");
        return Ok(Ended::Well);
    };
    let failure = explained.failure.clone().in_names(&explained.history);
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}\n{}\n", arguments.plan.line(arguments.world, arguments.planted), sentence(&plan, &failure))?;
    shares(&mut out, &explained)?;
    moment(&mut out, &explained)?;
    Ok(Ended::Badly)
}

fn shares(out: &mut impl std::io::Write, explained: &Explained) -> Result<()> {
    const WIDTH: u64 = 30;
    writeln!(out, "  other draws from  still fail")?;
    for point in &explained.points {
        let filled = (point.failed * WIDTH).div_ceil(point.of.max(1)) as usize;
        let bar = format!("{}{}", "█".repeat(filled), "·".repeat(WIDTH as usize - filled));
        let mark = if Some(point.at_ms) == explained.certain_ms { "  ← certain from here" } else { "" };
        let time = words::seconds(point.at_ms);
        writeln!(out, "  {time:>16}  {bar}  {} of {}{mark}", point.failed, point.of)?;
    }
    Ok(())
}

fn moment(out: &mut impl std::io::Write, explained: &Explained) -> Result<()> {
    let (certain_ms, open_ms) = match (explained.certain_ms, explained.open_ms) {
        (Some(certain_ms), Some(open_ms)) => (certain_ms, open_ms),
        (Some(_), None) => {
            return Ok(writeln!(out, "\nIt fails whatever is drawn: the plan alone brings it about.")?);
        }
        (None, _) => return Ok(writeln!(out, "\nIt was open until the very end.")?),
    };
    let (open, certain) = (words::seconds(open_ms), words::seconds(certain_ms));
    let around = explained.around();
    if around.is_empty() {
        return Ok(writeln!(
            out,
            "\nIt became certain between {open} and {certain}, by nothing that a timeline shows."
        )?);
    }
    writeln!(out, "\nIt became certain between {open} and {certain}:\n")?;
    let left = around.len().saturating_sub(MOST);
    for place in around.into_iter().take(MOST) {
        let entry = &explained.history.entries[place];
        let node = entry.node.map_or("", |node| explained.history.node(node));
        writeln!(
            out,
            "  {:>10}  {node:<4}  {}",
            words::seconds(entry.at_ms),
            words::entry(&explained.history, entry)
        )?;
    }
    if left > 0 {
        writeln!(out, "  {:>10}  and {left} more", "…")?;
    }
    Ok(())
}

//! `symbolon-sim zoo`: each planted bug is hunted until a check notices it, and its plan is shrunk. Bugs that have a plan of
//! their own are told apart from those that random seeds find.

use std::time::Duration;

use anyhow::Result;
use clap::Args;
use serde::Serialize;

use super::Ended;
use super::shrink::Shrinking;
use super::source::sentence;
use crate::fleet::World;
use crate::worlds::quick::Planted;
use crate::zoo::{self, Catch, Found, MEMBERS, Member, Shown};

/// Which bugs, and for how long each.
#[derive(Args)]
pub struct Zoo {
    /// This one alone.
    #[arg(long, value_name = "NAME")]
    only: Option<Planted>,
    /// CPU-seconds for each that is hunted with seeds, without shrinking.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// The first seed.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Begins at the seed that is known to notice each.
    #[arg(long)]
    known: bool,
    /// Leaves the plans as they are.
    #[arg(long)]
    no_shrink: bool,
    #[command(flatten)]
    shrinking: Shrinking,
    /// Prints one JSON object a line instead.
    #[arg(long)]
    json: bool,
    /// Says what each leaves out, and hunts none.
    #[arg(long)]
    list: bool,
}

#[derive(Serialize)]
struct Line<'a> {
    name: &'a str,
    /// Whether a plan of its own shows it, and no seed is looked for.
    directed: bool,
    caught: bool,
    check: Option<&'a str>,
    seed: Option<u64>,
    plan: Option<&'a str>,
    /// Plans that were run.
    seeds: u64,
    cpu_s: f64,
    acts: Option<usize>,
    acts_left: Option<usize>,
    /// Whether nothing was left to try.
    least: Option<bool>,
    failure: Option<String>,
}

pub(super) fn zoo(arguments: &Zoo) -> Result<Ended> {
    if arguments.list {
        for Member { name, does, source, shown, .. } in MEMBERS {
            let by = match shown {
                Shown::BySeeds(_) => String::new(),
                Shown::ByPlan(directed) => format!("\n    shown by {}", directed.file),
            };
            println!("{name}\n    {does}\n    {source}{by}");
        }
        return Ok(Ended::Well);
    }
    if !cfg!(feature = "zoo") {
        return Ok(Ended::Misasked(zoo::NOT_BUILT.into()));
    }
    std::panic::set_hook(Box::new(|_| {}));
    let wanted = |member: &&Member| arguments.only.is_none_or(|only| only == member.planted);
    let (by_plan, by_seeds): (Vec<_>, Vec<_>) = MEMBERS.iter().filter(wanted).partition(|member| is_directed(member));
    let mut missed = 0;
    for (members, of) in [(by_seeds, "hunted with seeds"), (by_plan, "rare, each with a plan of its own")] {
        let mut caught = 0;
        for member in &members {
            caught += usize::from(one(arguments, member)?);
        }
        missed += members.len() - caught;
        if !arguments.json && !members.is_empty() {
            println!("{caught} of {} caught: {of}\n", members.len());
        }
    }
    let _ = std::panic::take_hook();
    Ok(if missed == 0 { Ended::Well } else { Ended::Badly })
}

fn is_directed(member: &Member) -> bool {
    matches!(member.shown, Shown::ByPlan(_))
}

/// How a bug was noticed, in the names of the plan.
fn told(catch: &Catch, member: &Member) -> String {
    let failure = World::Quick.named(&catch.plan, Some(member.planted), catch.failure.clone());
    sentence(&catch.plan, &failure)
}

fn one(arguments: &Zoo, member: &Member) -> Result<bool> {
    let first = (!arguments.known).then_some(arguments.from);
    let hunt = zoo::hunt(member, first, Duration::from_secs(arguments.seconds));
    let catch = hunt.catch.as_ref();
    let bound = arguments.shrinking.bound(World::Quick);
    let shrunk = catch.filter(|_| !arguments.no_shrink).and_then(|catch| catch.shrink(member, bound));
    let line = Line {
        name: member.name,
        directed: is_directed(member),
        caught: catch.is_some(),
        check: catch.map(|catch| catch.failure.check),
        seed: catch.and_then(|catch| seed(catch.found)),
        plan: catch.and_then(|catch| file(catch.found)),
        seeds: hunt.runs,
        cpu_s: (hunt.spent.as_secs_f64() * 1000.0).round() / 1000.0,
        acts: catch.map(|catch| catch.plan.acts.len()),
        acts_left: shrunk.as_ref().map(|shrunk| shrunk.plan.acts.len()),
        least: shrunk.as_ref().map(|shrunk| shrunk.limit.is_none()),
        failure: catch.map(|catch| told(catch, member)),
    };
    if arguments.json {
        println!("{}", serde_json::to_string(&line)?);
        return Ok(line.caught);
    }
    match (catch, &line.failure) {
        (Some(catch), Some(failure)) => {
            let acts = shrunk.map_or(String::new(), |shrunk| {
                let limit = shrunk.limit.map_or(String::new(), |limit| format!(" ({limit})"));
                format!("{} acts became {}{limit}", catch.plan.acts.len(), shrunk.plan.acts.len())
            });
            println!("{:<26} {:<12} {:>8.2} CPU-s  {acts}", member.name, catch.failure.check, line.cpu_s);
            println!("    symbolon-sim replay {} --bug {}\n    {failure}", catch.found, member.name);
        }
        _ => println!("{:<26} NOT CAUGHT in {} runs, {:.0} CPU-s", member.name, hunt.runs, line.cpu_s),
    }
    Ok(line.caught)
}

fn seed(found: Found) -> Option<u64> {
    match found {
        Found::Seed(seed) => Some(seed),
        Found::Plan(_) => None,
    }
}

fn file(found: Found) -> Option<&'static str> {
    match found {
        Found::Seed(_) => None,
        Found::Plan(directed) => Some(directed.file),
    }
}

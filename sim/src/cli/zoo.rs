//! `symbolon-sim zoo`: each planted bug is hunted until a check notices it, and its plan is shrunk.

use std::time::Duration;

use anyhow::Result;
use clap::Args;
use serde::Serialize;

use super::Ended;
use super::source::sentence;
use crate::fleet::World;
use crate::plan::draw;
use crate::worlds::quick::Planted;
use crate::zoo::{self, Catch, MEMBERS, Member};

/// Which bugs, and for how long each.
#[derive(Args)]
pub struct Zoo {
    /// This one alone.
    #[arg(long, value_name = "NAME")]
    only: Option<Planted>,
    /// CPU-seconds for each, without shrinking.
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
    caught: bool,
    check: Option<&'a str>,
    seed: Option<u64>,
    seeds: u64,
    cpu_s: f64,
    acts: Option<usize>,
    acts_left: Option<usize>,
    failure: Option<String>,
}

pub(super) fn zoo(arguments: &Zoo) -> Result<Ended> {
    if arguments.list {
        for Member { name, does, source, .. } in MEMBERS {
            println!("{name}\n    {does}\n    {source}");
        }
        return Ok(Ended::Well);
    }
    if !cfg!(feature = "zoo") {
        return Ok(Ended::Misasked(zoo::NOT_BUILT.into()));
    }
    std::panic::set_hook(Box::new(|_| {}));
    let wanted = |member: &&Member| arguments.only.is_none_or(|only| only == member.planted);
    let mut missed = 0;
    for member in MEMBERS.iter().filter(wanted) {
        missed += usize::from(!one(arguments, member)?);
    }
    let _ = std::panic::take_hook();
    Ok(if missed == 0 { Ended::Well } else { Ended::Badly })
}

/// How a bug was noticed, in the names of the plan.
fn told(catch: &Catch, member: &Member) -> String {
    let plan = draw(catch.seed);
    let failure = World::Quick.named(&plan, Some(member.planted), catch.failure.clone());
    sentence(&plan, &failure)
}

fn one(arguments: &Zoo, member: &Member) -> Result<bool> {
    let first = if arguments.known { member.seed } else { arguments.from };
    let hunt = zoo::hunt(member, first, Duration::from_secs(arguments.seconds));
    let catch = hunt.catch.as_ref();
    let shrunk = catch.filter(|_| !arguments.no_shrink).map(|catch| catch.shrink(member));
    let line = Line {
        name: member.name,
        caught: catch.is_some(),
        check: catch.map(|catch| catch.failure.check),
        seed: catch.map(|catch| catch.seed),
        seeds: hunt.seeds,
        cpu_s: (hunt.spent.as_secs_f64() * 1000.0).round() / 1000.0,
        acts: shrunk.map(|(acts, _)| acts),
        acts_left: shrunk.map(|(_, left)| left),
        failure: catch.map(|catch| told(catch, member)),
    };
    if arguments.json {
        println!("{}", serde_json::to_string(&line)?);
        return Ok(line.caught);
    }
    match (catch, &line.failure) {
        (Some(catch), Some(failure)) => {
            let acts = shrunk.map_or(String::new(), |(acts, left)| format!("{acts} acts became {left}"));
            println!("{:<26} {:<12} {:>8.2} CPU-s  {acts}", member.name, catch.failure.check, line.cpu_s);
            println!("    symbolon-sim replay {} --bug {}\n    {failure}", catch.seed, member.name);
        }
        _ => println!("{:<26} NOT CAUGHT in {} seeds, {:.0} CPU-s", member.name, hunt.seeds, line.cpu_s),
    }
    Ok(line.caught)
}

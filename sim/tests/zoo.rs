//! The zoo: each planted bug is noticed, soon, by a check that is no accident; a replay shows it again; its plan shrinks.

use std::process::Command;
use std::time::Duration;

use symbolon_sim::fleet::World;
use symbolon_sim::plan::{Plan, draw};
use symbolon_sim::shrink::{Bound, Limit};
use symbolon_sim::worlds::quick::{Planted, run, run_planted};
use symbolon_sim::worlds::whole;
use symbolon_sim::zoo::{Catch, MEMBERS, Member, Shown, hunt};

/// Where plans and pages lie.
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
/// What each may cost; a few seconds when nothing is optimised, much less in a build that is.
const BUDGET: Duration = Duration::from_secs(60);
/// Enough to see a plan shrink.
const SHORT: Bound = Bound { runs: 16, time: Duration::from_secs(120) };

/// One that random seeds find, and all that have a plan of their own.
fn one_and_the_rare() -> impl Iterator<Item = (&'static Member, Catch)> {
    let is_wanted = |member: &&Member| member.name == "order-of-arrival" || is_rare(member);
    MEMBERS.iter().filter(is_wanted).map(|member| {
        let catch = hunt(member, None, BUDGET).catch;
        (member, catch.unwrap_or_else(|| panic!("{} is not caught", member.name)))
    })
}

fn is_rare(member: &Member) -> bool {
    matches!(member.shown, Shown::ByPlan(_))
}

#[test]
fn every_planted_bug_is_caught() {
    std::panic::set_hook(Box::new(|_| {}));
    let (mut missed, mut obscure) = (Vec::new(), Vec::new());
    for member in MEMBERS {
        let hunt = hunt(member, None, BUDGET);
        let check = hunt.catch.as_ref().map(|catch| catch.failure.check);
        println!("{:<26} {check:?} after {} runs, {:?}", member.name, hunt.runs, hunt.spent);
        match hunt.catch {
            Some(Catch { plan, failure, .. }) => {
                let named = World::Quick.named(&plan, Some(member.planted), failure);
                obscure.extend((!is_plain(&named.what)).then(|| format!("{}: {}", member.name, named.what)));
            }
            None => missed.push(member.name),
        }
    }
    let _ = std::panic::take_hook();
    assert!(missed.is_empty(), "not caught: {missed:?}; to look on: make zoo");
    assert!(obscure.is_empty(), "told with ids or bytes, not with the names of the plan:\n{}", obscure.join("\n"));
}

/// Whether a sentence names things as the plan does: no bytes, and no word that only a machine would make up.
fn is_plain(sentence: &str) -> bool {
    let words = sentence.split(|other: char| !other.is_ascii_alphanumeric() && other != '_' && other != '-');
    !sentence.contains("([") && words.into_iter().all(|word| word.len() < 20)
}

#[test]
fn every_member_is_named_once_and_told() {
    let mut names: Vec<_> = MEMBERS.iter().map(|member| member.name).collect();
    names.sort_unstable();
    assert!(names.windows(2).all(|pair| pair[0] != pair[1]));
    for member in MEMBERS {
        assert_eq!(member.name.parse(), Ok(member.planted));
        assert!(member.does.ends_with('.') && !member.source.is_empty(), "{}", member.name);
    }
}

#[test]
fn what_was_planted_is_gone_after_the_run() {
    let plan = draw(0);
    let honest = run_planted(&plan, None);
    let _ = run_planted(&plan, Some(Planted::Core(symbolon_core::zoo::Bug::OrderOfArrival)));
    assert_eq!(run_planted(&plan, None).trace, honest.trace);
}

#[test]
fn a_replay_fails_at_the_same_event() {
    for (member, catch) in one_and_the_rare() {
        let found = catch.found.to_string();
        let mut replay = Command::new(env!("CARGO_BIN_EXE_symbolon-sim"));
        let replay = replay.args(["replay", &found, "--bug", member.name]).current_dir(ROOT);
        let told = String::from_utf8(replay.output().expect("the command runs").stdout).expect("it prints text");
        let at = format!("at {}.{:03} s", catch.failure.at_ms / 1000, catch.failure.at_ms % 1000);
        assert!(told.contains(&at) && told.contains(catch.failure.check), "{at}, {}:\n{told}", catch.failure.check);
    }
}

#[test]
fn a_shrunk_plan_shows_the_same_bug_and_nothing_else() {
    for (member, catch) in one_and_the_rare() {
        let shrunk = catch.shrink(member, SHORT).expect("it fails");
        let acts = (catch.plan.acts.len(), shrunk.plan.acts.len());
        assert!(is_rare(member) || acts.1 < acts.0 / 2, "{}: {acts:?}", member.name);
        let written = Plan::parse("least.toml", &shrunk.plan.to_toml()).expect("it is a plan");
        let failure = run_planted(&written, Some(member.planted)).failure.expect("it fails still");
        assert_eq!(failure.check, catch.failure.check, "{}", member.name);
        assert_eq!(run(&written).failure, None, "{}", member.name);
        assert!(shrunk.limit.is_none_or(|limit| limit == Limit::Runs(SHORT.runs)), "{:?}", shrunk.limit);
        assert!(shrunk.runs <= SHORT.runs, "{} runs", shrunk.runs);
    }
}

#[test]
fn few_have_a_plan_of_their_own_and_it_is_one_that_is_kept() {
    let rare: Vec<_> = MEMBERS.iter().filter(|member| is_rare(member)).collect();
    assert!(!rare.is_empty() && rare.len() * 10 <= MEMBERS.len(), "{} of {}", rare.len(), MEMBERS.len());
    for member in rare {
        let Shown::ByPlan(directed) = member.shown else { continue };
        let text = std::fs::read_to_string(format!("{ROOT}/{}", directed.file)).expect("the file is there");
        let read = Plan::parse(directed.file, &text).expect("it is a plan");
        assert_eq!(read, directed.plan(), "{}: this build has an older one", directed.file);
    }
}

#[test]
fn the_table_of_bugs_is_the_catalogue() {
    let page = std::fs::read_to_string(format!("{ROOT}/docs/TESTING.md")).expect("the page is there");
    for Member { name, does, source, shown, .. } in MEMBERS {
        let row = format!("| `{name}` | {does} | {source} |");
        let told = page.lines().find(|line| line.starts_with(&row));
        let told = told.unwrap_or_else(|| panic!("docs/TESTING.md does not say: {row}"));
        if let Shown::ByPlan(directed) = shown {
            let plan = directed.file.trim_start_matches("scenarios/");
            assert!(told.contains(&format!("`{plan}`")), "{told}");
        }
    }
    assert!(page.contains(&format!("{} bugs can be planted", MEMBERS.len())), "docs/TESTING.md miscounts them");
}

#[test]
fn a_forgotten_caller_is_noticed_in_the_whole_world() {
    let member = MEMBERS.iter().find(|member| member.name == "caller-forgotten").expect("it is in the catalogue");
    let failure = whole::run_planted(&World::Whole.draw(0), Some(member.planted)).verdict.failure;
    assert_eq!(failure.map(|failure| failure.check), Some("answers"));
}

#[test]
fn a_believed_liar_is_noticed_in_the_whole_world() {
    let told = [
        ("marks-unverified", "hostile-member", "lies"),
        ("stamps-unjudged", "hostile-member", "lies"),
        ("alarm-silent", "two-tongues", "lies"),
        ("clone-goes-on", "cloned-node", "lies"),
    ];
    for (bug, scenario, check) in told {
        let member = MEMBERS.iter().find(|member| member.name == bug).expect("it is in the catalogue");
        let text = std::fs::read_to_string(format!("{ROOT}/scenarios/{scenario}.toml")).expect("the file is there");
        let plan = Plan::parse(scenario, &text).expect("it is a plan");
        let failure = whole::run_planted(&plan, Some(member.planted)).verdict.failure;
        assert_eq!(failure.map(|failure| failure.check), Some(check), "{bug}");
    }
}

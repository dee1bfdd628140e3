//! The quick world: seeds hold, runs repeat themselves, mistakes are found, plans shrink.

use std::cell::Cell;
use std::process::Command;
use std::time::Duration;

use symbolon_sim::plan::{Plan, What, draw};
use symbolon_sim::shrink::{Bound, Limit, shrink, shrink_with};
use symbolon_sim::worlds::quick::{Planted, run, run_planted};

/// Enough for a developer's patience; `symbolon-sim fuzz` runs more.
const SEEDS: u64 = 25;

#[test]
fn seeds_hold() {
    for seed in 0..SEEDS {
        let verdict = run(&draw(seed));
        assert_eq!(verdict.failure, None, "symbolon-sim replay {seed}");
    }
}

#[test]
fn plans_are_as_large_as_promised() {
    let plans: Vec<Plan> = (0..200).map(draw).collect();
    let calls = |plan: &Plan| plan.steps().filter(|step| !step.verb.is_fault()).count();
    assert!(plans.iter().all(|plan| calls(plan) >= 60));
    let faults: usize = plans.iter().map(|plan| plan.acts.len() - calls(plan)).sum();
    assert!(faults >= 6 * plans.len(), "{faults} faults in {} plans", plans.len());
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    for seed in 0..5 {
        let plan = draw(seed);
        assert_eq!(run(&plan).trace, run(&plan).trace, "seed {seed}");
    }
}

#[test]
fn another_process_gives_the_same_trace() {
    let tell = || {
        let output = Command::new(env!("CARGO_BIN_EXE_symbolon-sim")).args(["replay", "3"]).output();
        let output = String::from_utf8(output.expect("the command runs").stdout).expect("it prints text");
        output.lines().find(|line| line.starts_with("trace ")).expect("it prints the trace").to_owned()
    };
    let here: String = run(&draw(3)).trace.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(tell(), tell());
    assert_eq!(tell(), format!("trace {here}"));
}

#[test]
fn planted_mistakes_are_found() {
    for planted in [Planted::SendBeforeDurable, Planted::LoseWrites, Planted::RewindEntropy] {
        let found = (0..400).find_map(|seed| run_planted(&draw(seed), Some(planted)).failure);
        let found = found.unwrap_or_else(|| panic!("nothing found {planted:?}"));
        assert_ne!(found.check, "panic", "{planted:?}: {}", found.what);
    }
}

#[test]
fn a_plan_survives_being_written() {
    for seed in 0..50 {
        let plan = draw(seed);
        let text = plan.to_toml();
        let mut read = Plan::parse("plan.toml", &text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        read.acts.iter_mut().for_each(|act| act.line = 0);
        assert_eq!(read, plan);
        assert!(read.acts.iter().all(|act| matches!(act.what, What::Step(_))));
    }
}

#[test]
fn what_holds_is_not_shrunk() {
    assert!(shrink(&draw(3)).is_none());
}

#[test]
fn a_shrinking_ends_at_its_bound_and_says_so() {
    let plan = draw(1);
    let judge = |plan: &Plan| run_planted(plan, Some(Planted::LoseWrites)).failure;
    let bounded = |bound| shrink_with(&plan, bound, judge).expect("a disk that loses writes is noticed");
    let runs = bounded(Bound { runs: 5, ..Bound::QUICK });
    assert_eq!((runs.runs, runs.limit), (5, Some(Limit::Runs(5))));
    let time = bounded(Bound { time: Duration::ZERO, ..Bound::QUICK });
    assert_eq!((time.runs, time.limit), (1, Some(Limit::Time(Duration::ZERO))));
    assert_eq!(time.plan.acts, plan.acts, "nothing was tried");
    let tried = Cell::new(0);
    let whole = shrink_with(&plan, Bound::QUICK, |plan| {
        tried.set(tried.get() + 1);
        judge(plan).filter(|_| !plan.acts.is_empty())
    });
    let whole = whole.expect("it fails");
    assert_eq!((whole.plan.acts.len(), whole.limit, whole.runs), (1, None, tried.get()));
}

#[test]
fn the_command_says_when_the_bound_ended_it() {
    let shrink = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_symbolon-sim"));
        let output = command.args(["shrink", "1", "--bug", "lose-writes"]).args(arguments).output();
        String::from_utf8(output.expect("the command runs").stderr).expect("it prints text")
    };
    assert!(shrink(&["--shrink-runs", "3"]).contains("in 3 runs (perhaps not the least: its 3 runs were up)"));
    assert!(shrink(&["--shrink-budget", "1ms"]).contains("in 1 runs (perhaps not the least: its 1ms were up)"));
}

#[cfg(not(feature = "zoo"))]
#[test]
fn a_build_that_plants_nothing_says_how_to_build_one_that_does() {
    for arguments in [&["zoo"][..], &["replay", "1", "--bug", "floor-lost"]] {
        let output =
            Command::new(env!("CARGO_BIN_EXE_symbolon-sim")).args(arguments).output().expect("the command runs");
        let said = String::from_utf8(output.stderr).expect("it prints text");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains("--features zoo"), "{arguments:?}: {said}");
    }
}

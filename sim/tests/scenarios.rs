//! Every scenario of the house: it holds in the quick world and in the whole one, and its timeline is the one that was reviewed.

use std::path::{Path, PathBuf};

use symbolon_sim::checks::Failure;
use symbolon_sim::plan::Plan;
use symbolon_sim::report::timeline::{Detail, timeline};
use symbolon_sim::worlds::{quick, whole};

/// What a reader of a timeline has to know.
const LEGEND: &str = "A letter is a state: nodes under the same letter hold the same. A dot: the node is down.";

/// The files of a directory at the top, in order; none where it is not there, as one that is empty is not in a fresh clone.
fn files(of: &str, extension: &str) -> Vec<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(of);
    let entries = std::fs::read_dir(dir).into_iter().flatten();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("it can be read").path()).collect();
    files.retain(|file| file.extension().is_some_and(|end| end == extension));
    files.sort();
    files
}

fn stem(file: &Path) -> String {
    file.file_stem().expect("a file has a name").to_string_lossy().into_owned()
}

/// All of them, but those that need another world.
fn scenarios() -> Vec<(String, Plan)> {
    let read = files("scenarios", "toml").into_iter().map(|file| {
        let text = std::fs::read_to_string(&file).expect("it can be read");
        let plan = Plan::parse(&file.display().to_string(), &text).unwrap_or_else(|error| panic!("{error}"));
        (stem(&file), plan)
    });
    read.filter(|(_, plan)| quick::cannot(plan).is_none()).collect()
}

/// What did not hold, scenario by scenario.
fn failures(scenarios: &[(String, Plan)], run: impl Fn(&Plan) -> Option<Failure>) -> Vec<String> {
    let failed = scenarios.iter().filter_map(|(name, plan)| Some((name, run(plan)?)));
    failed
        .map(|(name, told)| format!("scenarios/{name}.toml: {} at {} ms: {}", told.check, told.at_ms, told.what))
        .collect()
}

#[test]
fn every_scenario_holds_in_the_quick_world() {
    let scenarios = scenarios();
    assert!(scenarios.len() >= 20, "{} scenarios", scenarios.len());
    let failures = failures(&scenarios, |plan| quick::run(plan).failure);
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn every_scenario_holds_in_the_whole_world() {
    let mut scenarios = scenarios();
    let left_out: Vec<_> = scenarios.iter().filter_map(|(name, plan)| Some((name, whole::cannot(plan)?))).collect();
    assert!(left_out.is_empty(), "{left_out:?}");
    let others = scenarios.split_off(scenarios.len() / 2);
    let run = |scenarios: Vec<_>| move || failures(&scenarios, |plan| whole::run(plan).verdict.failure);
    let other = std::thread::spawn(run(others));
    let mut failures = run(scenarios)();
    failures.extend(other.join().expect("what fails is a verdict, not a panic"));
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn every_reviewed_timeline_is_of_a_scenario() {
    let reviewed: Vec<_> = files("snapshots", "snap").iter().map(|file| stem(file)).collect();
    let expected: Vec<_> = scenarios().into_iter().map(|(name, _)| name).collect();
    assert_eq!(reviewed, expected);
}

#[test]
fn every_timeline_is_the_one_that_was_reviewed() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../../snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    for (name, plan) in scenarios() {
        let told = quick::tell(&plan);
        let history = told.history.expect("it was asked for");
        let timeline = timeline(&history, Detail::Usual);
        let page = format!("{}\n\n{LEGEND}\n\n{timeline}", plan.story);
        settings.bind(|| insta::assert_snapshot!(name.as_str(), page));
    }
}

/// Plans that failed once, each the least one that did.
#[test]
fn what_was_mended_stays_mended() {
    let plans = files("scenarios/regressions", "toml");
    assert!(!plans.is_empty());
    for file in plans {
        let text = std::fs::read_to_string(&file).expect("it can be read");
        let plan = Plan::parse(&file.display().to_string(), &text).expect("it is a plan");
        assert_eq!(quick::run(&plan).failure, None, "symbolon-sim replay scenarios/regressions/{}.toml", stem(&file));
    }
}

/// Plans that fail today, each with the check that says so; the best list is an empty one.
const OPEN: [(&str, &str); 0] = [];

/// One that holds was mended: it moves to the regressions.
#[test]
fn what_is_open_is_known() {
    let plans = files("scenarios/open", "toml");
    assert_eq!(plans.iter().map(|file| stem(file)).collect::<Vec<_>>(), OPEN.map(|(name, _)| name));
    for (file, (name, check)) in plans.iter().zip(OPEN) {
        let text = std::fs::read_to_string(file).expect("it can be read");
        let plan = Plan::parse(&file.display().to_string(), &text).expect("it is a plan");
        let failure = quick::run(&plan).failure.expect("it is open still: else move it to scenarios/regressions");
        assert_eq!(failure.check, check, "{name}");
    }
}

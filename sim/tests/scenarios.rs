//! Every scenario of the house, in the quick world: it holds, and its timeline is the one that was reviewed.

use std::path::{Path, PathBuf};

use symbolon_sim::plan::Plan;
use symbolon_sim::report::timeline::{Detail, timeline};
use symbolon_sim::worlds::quick;

/// What a reader of a timeline has to know.
const LEGEND: &str = "A letter is a state: nodes under the same letter hold the same. A dot: the node is down.";

/// All of them, but those that need another world.
fn scenarios() -> Vec<(String, Plan)> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
    let mut files: Vec<PathBuf> = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|end| end == "toml"));
    files.sort();
    let read = files.iter().map(|file| {
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(file).unwrap();
        let plan = Plan::parse(&file.display().to_string(), &text).unwrap_or_else(|error| panic!("{error}"));
        (name, plan)
    });
    read.filter(|(_, plan)| quick::cannot(plan).is_none()).collect()
}

#[test]
fn every_scenario_holds() {
    let scenarios = scenarios();
    assert!(scenarios.len() >= 20, "{} scenarios", scenarios.len());
    let failures: Vec<String> = scenarios
        .iter()
        .filter_map(|(name, plan)| {
            let failure = quick::run(plan).failure?;
            Some(format!("scenarios/{name}.toml: {} at {} ms: {}", failure.check, failure.at_ms, failure.what))
        })
        .collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
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

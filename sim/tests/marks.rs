//! Rare situations: each of them is reached by a fixed corpus of plans. A mark that is never hit says that nobody goes there, and
//! that a check that should watch there watches nothing.

use std::collections::BTreeMap;
use std::path::Path;

use symbolon_sim::marks::{Mark, Marks};
use symbolon_sim::plan::{Plan, draw};
use symbolon_sim::worlds::quick;

/// Seeds of the corpus: few, and enough for what swarms reach often.
const SEEDS: u64 = 60;

/// What so few seeds may miss, and the plan that goes there: a scenario, or one of this file.
const DIRECTED: &[(Mark, &str)] = &[
    (Mark::Alarm, "two-tongues"),
    (Mark::Renewed, "cloned-node"),
    (Mark::FormerLifeRefused, "cloned-node"),
    (Mark::DeltaPutOff, "hostile-member"),
    (Mark::ClockOutvoted, "clock-an-hour-fast"),
    (Mark::JoinedLate, "late-joiner"),
    (Mark::NeverBack, "member-gone"),
    (Mark::PurgedAhead, "purged-ahead"),
    (Mark::BehindPurgeMark, "behind-the-mark"),
];

/// A clock within the budget moves a purge mark before the others do.
const PURGED_AHEAD: &str = r#"
story = "A clock is two seconds ahead while an epoch ends."
nodes = 3
until = "8s"
[gossip]
max-clock-drift = "10s"
[[step]]
at = "2s"
on = "n1"
do = { step-clock = "+2s", for = "4s" }
"#;

/// A clock goes back behind a purge mark that its node has moved.
const BEHIND_THE_MARK: &str = r#"
story = "A clock steps an hour back once an epoch has ended."
nodes = 3
until = "10s"
[gossip]
max-clock-drift = "10s"
[[step]]
at = "7s"
on = "n1"
do = { step-clock = "-1h", for = "1s" }
"#;

fn plan(name: &str) -> Plan {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios").join(format!("{name}.toml"));
    let text = match name {
        "purged-ahead" => PURGED_AHEAD.to_owned(),
        "behind-the-mark" => BEHIND_THE_MARK.to_owned(),
        _ => std::fs::read_to_string(&file).expect("it can be read"),
    };
    Plan::parse(name, &text).unwrap_or_else(|error| panic!("{error}"))
}

/// The marks of one plan, which must hold.
fn marks(name: &str, plan: &Plan) -> Marks {
    let verdict = quick::run(plan);
    assert_eq!(verdict.failure, None, "{name}");
    verdict.marks
}

#[test]
fn what_has_no_plan_of_its_own_is_hit_by_seeds() {
    let all: Vec<Marks> = (0..SEEDS).map(|seed| marks(&format!("seed {seed}"), &draw(seed))).collect();
    let hits = |mark: Mark| all.iter().filter(|marks| marks.times(mark) > 0).count();
    let is_directed = |mark: &Mark| DIRECTED.iter().any(|(other, _)| other == mark);
    let never = Mark::ALL.iter().filter(|mark| hits(**mark) == 0 && !is_directed(mark));
    let never: Vec<_> = never.map(|mark| mark.name()).collect();
    assert!(never.is_empty(), "no seed below {SEEDS} goes there any more: {never:?}");
}

#[test]
fn what_seeds_seldom_hit_a_plan_of_its_own_does() {
    let runs: BTreeMap<&str, Marks> = DIRECTED.iter().map(|(_, name)| (*name, marks(name, &plan(name)))).collect();
    let missed = DIRECTED.iter().filter(|(mark, name)| runs[name].times(*mark) == 0);
    let missed: Vec<_> = missed.map(|(mark, name)| format!("{name} does not reach {}", mark.name())).collect();
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

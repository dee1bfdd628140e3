//! The whole world: production nodes talk on a simulated network, and the same plan gives the same run, in any process.

use std::process::Command;
use std::sync::Arc;

use symbolon_core::crypto::soft;
use symbolon_sim::plan::{Plan, Verb, What, draw, draw_busy, draw_busy_for, draw_orderly};
use symbolon_sim::worlds::quick::{self, Planted, Reseed};
use symbolon_sim::worlds::whole::{self, Outcome, run, run_planted, run_reseeded};

/// A client that one side of a split registers, and a token that the other side takes back when it is over.
const CONVERSATION: &str = r#"
story = "A client is registered during a split; after it all sides know it, its token, and its end."
nodes = 3

[gossip]
interval = "200ms"
heartbeat = "1s"
round-timeout = "1s"

[weather]
latency = { min = "1ms", max = "20ms" }
commit = { min = "1ms", max = "5ms" }

[[expect]]
within = "10s"
ready = true
converged = true

[[step]]
do = { partition = [["n1", "n2"], ["n3"]] }

[[step]]
on = "n1"
do = { create-client = "shop", auth = "client_secret_post", name = "Shop" }

[[step]]
on = "n2"
do = { token = "t", client = "shop" }

[[expect]]
on = "n3"
client = { id = "shop", is = "gone" }

[[step]]
do = { heal = true }

[[expect]]
within = "10s"
converged = true
client = { id = "shop", is = "visible", name = "Shop" }
token = { id = "t", is = "active" }

[[step]]
do = { introspect = "t" }

[[step]]
on = "n3"
do = { revoke = "t" }

[[expect]]
within = "10s"
converged = true
token = { id = "t", is = "inactive" }

[[step]]
on = "n1"
do = { introspect = "t" }
"#;

fn conversation(seed: u64) -> Outcome {
    let plan = Plan::parse("conversation", CONVERSATION).unwrap_or_else(|error| panic!("{error}"));
    run(&Plan { seed, ..plan })
}

fn hex(outcome: &Outcome) -> String {
    outcome.verdict.trace.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn three_nodes_converge() {
    let Outcome { verdict, sense, .. } = conversation(1);
    assert_eq!(verdict.failure, None);
    assert!(verdict.converged_ms.is_some());
    assert!(verdict.counts.delivered > 20, "{:?}", verdict.counts);
    let heard: Vec<_> = sense.judgements.iter().map(|judgement| judgement.active).collect();
    assert_eq!(heard, [Some(true), Some(true), Some(true), Some(false)]);
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    assert_eq!(hex(&conversation(2)), hex(&conversation(2)));
    assert_ne!(hex(&conversation(2)), hex(&conversation(3)));
}

/// Prints traces, for the test below.
#[test]
fn tell_traces() {
    println!("traces {} {}", hex(&conversation(4)), hex(&run(&draw_busy(1))));
}

#[test]
fn another_process_gives_the_same_traces() {
    let tell = || {
        let mut command = Command::new(std::env::current_exe().expect("this is a program"));
        let output = command.args(["--exact", "tell_traces", "--nocapture"]).output().expect("it runs");
        let output = String::from_utf8(output.stdout).expect("it prints text");
        let line = output.lines().find(|line| line.starts_with("traces ")).expect("it prints the traces");
        line.to_owned()
    };
    assert_eq!(tell(), tell());
}

#[test]
fn drawn_plans_hold() {
    for seed in 0..3 {
        let verdict = run(&draw_busy(seed)).verdict;
        assert_eq!(verdict.failure, None, "symbolon-sim replay {seed} --world whole");
        assert!(verdict.converged_ms.is_some(), "seed {seed}");
    }
}

#[test]
fn other_draws_begin_when_they_are_told_to() {
    let plan = Plan::parse("conversation", CONVERSATION).unwrap_or_else(|error| panic!("{error}"));
    let reseeded = |at_ms: u64, salt: u64| hex(&run_reseeded(&plan, None, Reseed { at_ms, salt }));
    assert_eq!(reseeded(u64::MAX, 1), hex(&run(&plan)));
    assert_ne!(reseeded(0, 1), hex(&run(&plan)));
    assert_ne!(reseeded(0, 1), reseeded(0, 2));
}

#[test]
fn drawn_plans_are_busy() {
    let answered: Vec<u64> = (1..3).map(|seed| run(&draw_busy_for(seed, 3)).answered).collect();
    assert!(answered.iter().sum::<u64>() >= 2 * 200, "{answered:?}");
}

#[test]
fn callers_come_on_top_of_what_the_seed_draws() {
    for seed in 0..50 {
        let (plain, mut busy) = (draw(seed), draw_busy(seed));
        let is_callers = |act: &symbolon_sim::plan::Act| !plain.acts.contains(act);
        assert!(busy.acts.iter().filter(|act| is_callers(act)).count() >= 200, "seed {seed}");
        busy.acts.retain(|act| !is_callers(act));
        assert_eq!(busy, plain);
    }
}

#[test]
fn a_plan_with_callers_is_read_as_it_was_written() {
    let plan = draw_busy(5);
    let read = Plan::parse("busy", &plan.to_toml()).unwrap_or_else(|error| panic!("{error}"));
    let steps = |plan: &Plan| plan.steps().cloned().collect::<Vec<_>>();
    assert_eq!(steps(&read), steps(&plan));
}

#[test]
fn signatures_are_those_of_rust_crypto() {
    let random = Arc::new(soft::SeededRandom::new([7; 32]));
    let (ours, theirs) = (whole::crypto(random.clone()).ecdsa, soft::crypto(random).ecdsa);
    for at in 0..=255 {
        let scalar = *blake3::hash(&[at]).as_bytes();
        let (ours, theirs) = (ours.signing_key(&scalar), theirs.signing_key(&scalar));
        let (ours, theirs) = ours.zip(theirs).expect("a hash is a scalar");
        let message = vec![at; at.into()];
        assert_eq!(ours.sign(&message), theirs.sign(&message), "key {at}");
        assert_eq!(ours.public(), theirs.public());
    }
    for invalid in [[0; 32], [0xff; 32]] {
        assert!(ours.signing_key(&invalid).is_none());
    }
}

#[test]
fn planted_mistakes_are_found() {
    for planted in [Planted::SendBeforeDurable, Planted::LoseWrites] {
        let found = (0..40).find_map(|seed| run_planted(&draw(seed), Some(planted)).verdict.failure);
        let found = found.unwrap_or_else(|| panic!("nothing found {planted:?}"));
        assert_ne!(found.check, "world", "{planted:?}: {}", found.what);
    }
}

#[test]
fn quick_and_whole_end_alike() {
    let mut judged = 0;
    for seed in 0..4 {
        let plan = draw_orderly(seed);
        let (verdict, quick) = quick::sense(&plan);
        assert_eq!(verdict.failure, None, "seed {seed} in quick");
        let whole = run(&plan);
        assert_eq!(whole.verdict.failure, None, "seed {seed} in whole");
        assert_eq!(quick.difference(&whole.sense), None, "symbolon-sim compare --seeds {seed}..{}", seed + 1);
        judged += quick.judgements.len();
    }
    assert!(judged > 20, "{judged} tokens were judged");
}

#[test]
fn what_ends_otherwise_is_told() {
    let mut seeds = (0..20).map(|seed| (draw_orderly(seed), quick::sense(&draw_orderly(seed)).1));
    let (mut plan, sense) =
        seeds.find(|(_, sense)| !sense.meaning.scopes.is_empty()).expect("somebody defines a scope");
    plan.acts.retain(|act| !matches!(&act.what, What::Step(step) if matches!(step.verb, Verb::DefineScope(_) | Verb::RemoveScope(_))));
    let difference = sense.difference(&quick::sense(&plan).1);
    assert!(difference.is_some_and(|difference| difference.starts_with("scope ")));
}

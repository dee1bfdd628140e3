//! The zoo: each planted bug is noticed, soon, by a check that is no accident; a replay shows it again; its plan shrinks.

use std::process::Command;
use std::time::Duration;

use symbolon_sim::fleet::World;
use symbolon_sim::plan::draw;
use symbolon_sim::worlds::quick::{Planted, run_planted};
use symbolon_sim::zoo::{Catch, MEMBERS, hunt};

/// What each may cost; a few seconds when nothing is optimised, much less in a build that is.
const BUDGET: Duration = Duration::from_secs(60);

#[test]
fn every_planted_bug_is_caught() {
    std::panic::set_hook(Box::new(|_| {}));
    let (mut missed, mut obscure) = (Vec::new(), Vec::new());
    for member in MEMBERS {
        let hunt = hunt(member, member.seed, BUDGET);
        let check = hunt.catch.as_ref().map(|catch| catch.failure.check);
        println!("{:<26} {check:?} after {} seeds, {:?}", member.name, hunt.seeds, hunt.spent);
        match hunt.catch {
            Some(Catch { seed, failure }) => {
                let named = World::Quick.named(&draw(seed), Some(member.planted), failure);
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
    let member = MEMBERS.iter().find(|member| member.name == "order-of-arrival").expect("it is in the catalogue");
    let catch = hunt(member, member.seed, BUDGET).catch.expect("it is caught");
    let told = || {
        let seed = catch.seed.to_string();
        let output =
            Command::new(env!("CARGO_BIN_EXE_symbolon-sim")).args(["replay", &seed, "--bug", member.name]).output();
        String::from_utf8(output.expect("the command runs").stdout).expect("it prints text")
    };
    let at = format!("at {}.{:03} s", catch.failure.at_ms / 1000, catch.failure.at_ms % 1000);
    let told = told();
    assert!(told.contains(&at) && told.contains(catch.failure.check), "{at}, {}:\n{told}", catch.failure.check);
}

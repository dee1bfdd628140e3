//! Thousands of random histories of small clusters, judged by an oracle; and the same histories with one rule left out, which
//! the oracle must notice.

mod crdt_common;

use crdt_common::campaign::{Mistake, Shape, run};

const SEEDS: u64 = 3000;

#[test]
fn every_history_converges_on_what_survived() {
    for seed in 0..SEEDS {
        let wrong = run(Shape::of(seed), None);
        assert!(wrong.is_none(), "{:?}: {wrong:?}", Shape::of(seed));
    }
}

/// The first seed at which the absence of a rule shows.
fn caught(mistake: Mistake) -> Option<u64> {
    (0..SEEDS).find(|&seed| run(Shape::of(seed), Some(mistake)).is_some())
}

#[test]
fn a_harness_that_leaves_out_a_rule_is_caught() {
    let mistakes = [
        Mistake::NoDeepPath,
        Mistake::VectorCommitsEarly,
        Mistake::ShallowContext,
        Mistake::IncarnationKept,
        Mistake::MovingView,
        Mistake::LateVector,
    ];
    for mistake in mistakes {
        let seed = caught(mistake);
        assert!(seed.is_some(), "{mistake:?} went unnoticed in {SEEDS} histories");
        println!("{mistake:?}: seed {seed:?}, {:?}", seed.map(|seed| run(Shape::of(seed), Some(mistake))));
    }
}

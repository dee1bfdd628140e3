//! The campaign against a store that leaves out one rule of its merge: each must be caught.

mod crdt_common;

use crdt_common::campaign::{Mistake, Shape, run};
use symbolon_core::zoo::Bug;

const SEEDS: u64 = 3000;

#[test]
fn a_store_that_leaves_out_a_rule_is_caught() {
    let mistakes = [
        Mistake::Planted(Bug::SeenMayComeBack),
        Mistake::Planted(Bug::SenderVectorIgnored),
        Mistake::Planted(Bug::DeepDeletesByAbsence),
        Mistake::Planted(Bug::OrderOfArrival),
        Mistake::Planted(Bug::LastWriterWins),
        Mistake::Planted(Bug::DigestKeepsTheDead),
        Mistake::PartsAsTheyCome,
    ];
    for mistake in mistakes {
        let seed = (0..SEEDS).find(|&seed| run(Shape::of(seed), Some(mistake)).is_some());
        assert!(seed.is_some(), "{mistake:?} went unnoticed in {SEEDS} histories");
        println!("{mistake:?}: seed {seed:?}, {:?}", seed.map(|seed| run(Shape::of(seed), Some(mistake))));
    }
}

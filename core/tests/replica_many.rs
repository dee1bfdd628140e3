//! A conversation of many: nodes that pin one of them and have never heard of the others, more than one frame can introduce.

mod common {
    pub mod cluster;
}

use common::cluster::Cluster;
use symbolon_core::config::MAX_RECORDS_PER_FRAME;
use symbolon_core::replica::{Fact, Request};

#[test]
fn a_newcomer_meets_more_authors_than_one_frame_can_introduce() {
    const MEMBERS: usize = MAX_RECORDS_PER_FRAME + 36;
    let mut cluster = Cluster::strangers(MEMBERS);
    for place in 1..MEMBERS {
        let (first, other) = (cluster.seed_of(0), cluster.seed_of(place));
        cluster.begin(0, Request::SeedNode(other), None);
        cluster.begin(place, Request::SeedNode(first), None);
    }
    cluster.run_ms(20_000);
    assert!(cluster.converged(), "each heard of all");
    cluster.frames.clear();

    let newcomer = cluster.add("newcomer");
    let (first, seed) = (cluster.seed_of(0), cluster.seed_of(newcomer));
    cluster.begin(0, Request::SeedNode(seed), None);
    cluster.begin(newcomer, Request::SeedNode(first), None);
    cluster.run_ms(10_000);
    assert!(cluster.converged(), "the newcomer too");
    let put_off = |fact: &Fact| matches!(fact, Fact::PutOff { .. });
    let rejected = |fact: &Fact| matches!(fact, Fact::Rejected { .. });
    assert!(cluster.nodes[newcomer].facts.iter().any(put_off), "it had to wait for the records of some");
    assert!(cluster.nodes.iter().all(|node| !node.facts.iter().any(rejected)), "and nobody lied");
    assert!(cluster.nodes[newcomer].view.readiness.is_ready());
    assert_eq!(cluster.nodes[newcomer].view.token_keys.len(), MEMBERS + 1);
}

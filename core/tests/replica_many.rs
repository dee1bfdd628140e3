//! A conversation of many: a newcomer has never heard of more authors than one frame can introduce.

mod common {
    pub mod cluster;
}

use common::cluster::Cluster;
use symbolon_core::config::MAX_RECORDS_PER_FRAME;
use symbolon_core::fault::Reject;
use symbolon_core::replica::{Fact, Request};

fn pin(cluster: &mut Cluster, one: usize, other: usize) {
    let (first, second) = (cluster.seed_of(one), cluster.seed_of(other));
    cluster.begin(one, Request::SeedNode(second), None);
    cluster.begin(other, Request::SeedNode(first), None);
}

#[test]
fn a_newcomer_meets_more_authors_than_one_frame_can_introduce() {
    const MEMBERS: usize = MAX_RECORDS_PER_FRAME + 6;
    let mut cluster = Cluster::strangers(1);
    // Each comes, is heard, and leaves again.
    for place in 1..MEMBERS {
        cluster.add(&format!("n{}", place + 1));
        pin(&mut cluster, 0, place);
        while cluster.nodes[0].view.nodes.len() <= place {
            cluster.run_ms(20);
            assert!(cluster.elapsed_ms < 60_000, "n{} is not heard", place + 1);
        }
        cluster.kill(place);
        cluster.frames.clear();
    }
    assert_eq!(cluster.nodes[0].view.nodes.len(), MEMBERS, "one has heard of all");

    let newcomer = cluster.add("newcomer");
    pin(&mut cluster, 0, newcomer);
    cluster.run_ms(5_000);
    assert!(cluster.converged(), "the newcomer holds what they wrote");
    assert_eq!(cluster.nodes[newcomer].view.nodes.len(), MEMBERS + 1);
    let put_off = |fact: &&Fact| matches!(fact, Fact::PutOff { .. });
    let times = cluster.nodes[newcomer].facts.iter().filter(put_off).count();
    assert!((1..=3).contains(&times), "it waited for the records of some: {times} times");
    let rejected = |fact: &Fact| matches!(fact, Fact::Rejected { reason: Reject::Forged, .. });
    assert!(cluster.nodes.iter().all(|node| !node.facts.iter().any(rejected)), "and nobody lied");
    assert!(cluster.nodes[newcomer].view.readiness.is_ready());
}

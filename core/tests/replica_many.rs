//! A conversation of many: a newcomer has never heard of more authors than one frame can introduce.

mod common {
    pub mod cluster;
}

use common::cluster::Cluster;
use symbolon_core::config::{MAX_FORMER_LIVES, MAX_RECORDS_PER_FRAME};
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

/// Nodes that are gone had many lives, and never heard of their former ones: a record of each is kept, and passed on.
#[test]
fn a_newcomer_hears_of_more_lives_than_some_frames_can_tell() {
    const MEMBERS: usize = 2 * MAX_RECORDS_PER_FRAME / MAX_FORMER_LIVES + 1;
    let mut cluster = Cluster::strangers(1);
    for place in 1..=MEMBERS {
        cluster.add(&format!("n{}", place + 1));
        cluster.silent.insert((0, place)); // It is heard, and hears nothing: so it never answers for its former keys.
        for life in 0..=MAX_FORMER_LIVES {
            if life > 0 {
                cluster.nodes[place].disk.clear();
                cluster.boot(place).expect("an empty disk boots");
            }
            pin(&mut cluster, 0, place);
            let id = cluster.nodes[place].keys.node();
            let known = |cluster: &Cluster| cluster.nodes[0].view.nodes.get(&id).map(|record| record.incarnation);
            let begun = cluster.elapsed_ms;
            while known(&cluster) != Some(cluster.replica_id(place).incarnation) {
                cluster.run_ms(1);
                assert!(cluster.elapsed_ms < begun + 10_000, "life {life} of n{} is not heard", place + 1);
            }
            cluster.kill(place);
            cluster.frames.clear();
            cluster.run_ms(2); // Of two lives of one millisecond nobody knows which one is later.
        }
    }
    let former = cluster.nodes[0].view.former.len();
    assert!(former >= 2 * MAX_RECORDS_PER_FRAME, "two frames of former records, and more: {former}");

    let newcomer = cluster.add("newcomer");
    pin(&mut cluster, 0, newcomer);
    cluster.run_ms(20_000);
    assert_eq!(cluster.nodes[newcomer].view.nodes.len(), MEMBERS + 2, "it has heard of all");
    assert_eq!(cluster.nodes[newcomer].view.former.len(), former);
    assert!(cluster.converged());
}

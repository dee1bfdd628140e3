//! Conversations about who counts: an allowlist knows nodes by id, and by name those that were pinned here.

mod common {
    pub mod cluster;
}

use std::sync::Arc;

use common::cluster::Cluster;
use symbolon_core::config::Config;
use symbolon_core::replica::{Event, Request};

/// n1 and n2 know each other, n2 and n3 too; n1 has never met n3.
fn a_chain() -> Cluster {
    let mut cluster = Cluster::strangers(3);
    for (one, other) in [(0, 1), (1, 0), (1, 2), (2, 1)] {
        let seed = cluster.seed_of(other);
        cluster.ask(one, Request::SeedNode(seed));
    }
    cluster.run_ms(10_000);
    cluster
}

fn counts(cluster: &Cluster, place: usize, owner: usize) -> bool {
    let owner = cluster.nodes[owner].keys.node();
    cluster.nodes[place].view.token_keys.values().any(|key| key.owner == owner)
}

fn allow(cluster: &mut Cluster, place: usize, listed: &[&str]) {
    let allowed_nodes = listed.iter().map(|entry| (*entry).to_owned()).collect();
    let config = Config { allowed_nodes, ..(*cluster.nodes[place].config).clone() };
    cluster.nodes[place].config = Arc::new(config.clone());
    cluster.handle(place, Event::Reconfigure(Arc::new(config)));
    cluster.run_ms(5_000);
}

#[test]
fn a_node_that_a_member_vouches_for_counts_without_an_allowlist() {
    let cluster = a_chain();
    assert!(counts(&cluster, 0, 2) && counts(&cluster, 2, 0));
}

#[test]
fn a_name_admits_who_was_pinned_and_nobody_else() {
    let mut cluster = a_chain();
    allow(&mut cluster, 0, &["n2", "n3"]);
    assert!(counts(&cluster, 0, 0), "a node always counts for itself");
    assert!(counts(&cluster, 0, 1), "a pinned node by its name");
    assert!(!counts(&cluster, 0, 2), "anybody can call himself n3");
}

#[test]
fn an_id_admits_whoever_bears_it() {
    let mut cluster = a_chain();
    let stranger = cluster.nodes[2].keys.node().to_string();
    allow(&mut cluster, 0, &["n2", &stranger]);
    assert!(counts(&cluster, 0, 2));
    allow(&mut cluster, 0, &["n2"]);
    assert!(!counts(&cluster, 0, 2));
}

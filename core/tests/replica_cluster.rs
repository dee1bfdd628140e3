//! Conversations among a few replicas: what is said on one is known on all.

mod common {
    pub mod cluster;
}

use common::cluster::Cluster;
use symbolon_core::replica::Request;
use symbolon_core::state::Scope;

#[test]
fn a_lone_node_is_ready_at_once() {
    let mut cluster = Cluster::strangers(1);
    cluster.run_ms(10);
    assert!(cluster.nodes[0].view.readiness.is_ready(), "{:?}", cluster.nodes[0].view.readiness);
}

#[test]
fn three_nodes_become_ready_and_equal() {
    let cluster = Cluster::of(3);
    for node in &cluster.nodes {
        assert!(node.view.readiness.is_ready(), "{:?} {:?}", node.view.readiness, node.facts);
        assert_eq!(node.view.token_keys.len(), 3);
        assert_eq!(node.view.nodes.len(), 3);
        assert_eq!(node.view.ring.keys.len(), 3);
    }
    assert!(cluster.converged());
}

#[test]
fn a_client_is_everywhere_at_once_and_its_end_too() {
    let mut cluster = Cluster::of(3);
    let id = cluster.create_client(0);
    cluster.run_ms(10);
    for node in &cluster.nodes {
        assert!(node.view.client(&id).is_some(), "{:?}", node.facts);
    }
    cluster.ask(2, Request::DeleteClient { id: id.clone() });
    cluster.run_ms(10);
    for node in &cluster.nodes {
        assert!(node.view.client(&id).is_none());
        assert!(node.view.client_is_denied(&id));
    }
    assert!(cluster.converged());
}

#[test]
fn an_equal_cluster_is_quiet() {
    let mut cluster = Cluster::of(3);
    cluster.run_ms(5_000);
    cluster.frames.clear();
    cluster.run_ms(120_000);
    let bytes: usize = cluster.frames.iter().map(|(_, _, frame)| frame.len()).sum();
    let per_node_and_second = 2 * bytes / 3 / 120;
    println!("{} frames, {bytes} bytes, {per_node_and_second} bytes a second and node", cluster.frames.len());
    assert!(cluster.frames.len() >= 2 * 3 * 3, "each pair speaks within the heartbeat: {}", cluster.frames.len());
    assert!(per_node_and_second < 400, "{per_node_and_second} bytes a second and node, in and out");
}

#[test]
fn a_frame_with_one_changed_client_is_small() {
    let mut cluster = Cluster::of(3);
    cluster.run_ms(5_000);
    cluster.frames.clear();
    cluster.create_client(0);
    cluster.run_ms(10);
    let greatest = cluster.frames.iter().map(|(_, _, frame)| frame.len()).max().unwrap_or_default();
    println!("{greatest} bytes");
    assert!(greatest <= 2_400, "{greatest} bytes");
}

#[test]
fn a_removed_scope_does_not_come_back() {
    let mut cluster = Cluster::of(3);
    let scope = || Scope { description: "read".into() };
    cluster.ask(0, Request::DefineScope { name: "read".into(), scope: scope() });
    cluster.run_ms(100);
    cluster.split(0, 2, true);
    cluster.split(1, 2, true);
    cluster.ask(0, Request::RemoveScope { name: "read".into() });
    cluster.run_ms(10_000);
    assert!(cluster.nodes[2].view.scope("read").is_some());
    cluster.split(0, 2, false);
    cluster.split(1, 2, false);
    cluster.run_ms(60_000);
    for node in &cluster.nodes {
        assert!(node.view.scope("read").is_none());
    }
    assert!(cluster.converged());
}

#[test]
fn a_peer_that_speaks_again_is_spoken_to_at_once() {
    let mut cluster = Cluster::of(2);
    cluster.kill(1);
    // n1 fails often, and waits longer each time.
    cluster.run_ms(100_000);
    cluster.boot(1).expect("its disk is sound");
    cluster.run_ms(1_000);
    // n2 has spoken; n1 does not wait for its own time to try again.
    let id = cluster.create_client(0);
    cluster.run_ms(50);
    assert!(cluster.nodes[1].view.client(&id).is_some());
}

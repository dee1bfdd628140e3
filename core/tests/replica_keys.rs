//! Conversations about keys: published before they sign, shared before they seal, withdrawn at once.

mod common {
    pub mod cluster;
}

use common::cluster::Cluster;
use symbolon_core::config::{MAX_PEERS, MAX_RING_KEYS, MAX_TOKEN_KEYS};
use symbolon_core::crypto::Secret32;
use symbolon_core::replica::Request;
use symbolon_core::state::KeyStage;

fn signer(cluster: &Cluster, place: usize) -> Option<String> {
    cluster.nodes[place].view.signer.as_ref().map(|signer| signer.kid.to_string())
}

#[test]
fn a_first_key_waits_for_the_peers_that_answer() {
    let mut cluster = Cluster::of(2);
    let newcomer = cluster.add("n3");
    cluster.silent.extend([(2, 0), (2, 1), (0, 2), (1, 2)]);
    // It was told of its peers before it had a key.
    cluster.kill(newcomer);
    cluster.nodes[newcomer].disk.clear();
    cluster.boot(newcomer).expect("an empty disk boots");
    let alone = signer(&cluster, newcomer);
    assert!(alone.is_some(), "alone it never waits");
    cluster.silent.clear();
    cluster.seed_all();
    cluster.run_ms(5_000);
    let kid = signer(&cluster, newcomer).expect("it signs");
    assert!(cluster.nodes.iter().all(|node| node.view.token_keys.contains_key(kid.as_str())));
}

#[test]
fn a_rotated_key_waits_for_peers_and_caches_and_both_may_rotate_at_once() {
    let mut cluster = Cluster::of(3);
    cluster.run_ms(3_000);
    let before: Vec<_> = (0..2).map(|place| signer(&cluster, place)).collect();
    for place in 0..2 {
        cluster.ask(place, Request::RotateSigningKey);
        cluster.ask(place, Request::RotateSigningKey);
    }
    cluster.run_ms(55_000);
    assert_eq!((0..2).map(|place| signer(&cluster, place)).collect::<Vec<_>>(), before, "the caches are waited for");
    assert_eq!(cluster.nodes[2].view.token_keys.len(), 5, "one successor each, and all know it");
    cluster.run_ms(10_000);
    for (place, former) in before.into_iter().enumerate() {
        assert_ne!(signer(&cluster, place), former);
        let former = former.expect("it signed");
        let stage =
            cluster.nodes[2].view.token_keys.get(former.as_str()).expect("its tokens are about").published.stage;
        assert!(matches!(stage, KeyStage::Retiring(_)));
    }
}

#[test]
fn a_withdrawn_key_verifies_nowhere_and_is_succeeded() {
    let mut cluster = Cluster::of(3);
    cluster.run_ms(3_000);
    let kid = signer(&cluster, 0).expect("it signs");
    cluster.ask(1, Request::WithdrawSigningKey { kid: kid.clone() });
    cluster.run_ms(10_000);
    assert!(cluster.nodes.iter().all(|node| !node.view.token_keys.contains_key(kid.as_str())));
    let successor = signer(&cluster, 0).expect("it signs again");
    assert_ne!(successor, kid);
    assert!(cluster.nodes[0].view.readiness.is_ready());
}

#[test]
fn a_record_never_names_more_keys_than_peers_read() {
    let mut cluster = Cluster::of(2);
    for _ in 0..MAX_TOKEN_KEYS + 4 {
        cluster.ask(0, Request::RotateSigningKey);
        cluster.run_ms(62_000);
    }
    let node = cluster.nodes[0].keys.node();
    let known = &cluster.nodes[1].view.nodes.get(&node).expect("known").token_keys;
    assert!(known.len() <= MAX_TOKEN_KEYS && known.len() > 2, "{}", known.len());
    cluster.define(0, "still-speaking");
    cluster.run_ms(1_000);
    cluster.assert_converged();
}

#[test]
fn the_ring_is_shared_and_bounded() {
    let mut cluster = Cluster::of(2);
    for n in 0..MAX_RING_KEYS + 3 {
        cluster.ask(0, Request::SetClusterKey { key: Secret32::new([n as u8 + 1; 32]) });
        cluster.run_ms(3_000);
    }
    cluster.run_ms(5_000);
    let sealing: Vec<_> = cluster.nodes.iter().map(|node| node.view.ring.sealing().expect("held").id).collect();
    assert_eq!(sealing[0], sealing[1], "both seal under the newest key");
    assert!(cluster.nodes.iter().all(|node| node.view.ring.keys.len() == MAX_RING_KEYS));
    cluster.assert_converged();
}

#[test]
fn peers_have_a_bound() {
    let mut cluster = Cluster::strangers(2);
    cluster.run_ms(10);
    let pinned = |cluster: &Cluster| cluster.nodes[0].view.pinned.len();
    let crypto = cluster.nodes[0].crypto.clone();
    for _ in 0..MAX_PEERS + 1 {
        let point = crypto.generate_signing_key().1.public();
        let mut seed = cluster.seed_of(1);
        seed.node = symbolon_core::crdt::NodeId(symbolon_core::crypto::node_id(&point));
        seed.gossip_key = point;
        cluster.begin(0, Request::SeedNode(seed), None);
        cluster.nodes[0].facts.clear();
        cluster.frames.clear();
    }
    assert_eq!(pinned(&cluster), MAX_PEERS);
}

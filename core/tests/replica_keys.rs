//! Conversations about keys: published before they sign, shared before they seal, withdrawn at once.

mod common {
    pub mod cluster;
}

use std::collections::BTreeSet;

use common::cluster::{Cluster, Weather};
use symbolon_core::config::{MAX_PEERS, MAX_RING_KEYS, MAX_TOKEN_KEYS};
use symbolon_core::crypto::Secret32;
use symbolon_core::gossip::PUSH_PEERS;
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

/// Nodes that know each other, and nothing else, begin at one time.
fn cold_start(count: usize) -> Cluster {
    let mut cluster = Cluster::of(count);
    (0..count).for_each(|place| cluster.kill(place));
    (0..count).for_each(|place| cluster.lose_disk(place));
    for place in 0..count {
        cluster.nodes[place].disk_blocked = true; // None speaks before all are there.
        cluster.boot(place).expect("it knows its peers, and nothing else");
    }
    let mut weather = Weather::new(1, 0, 0, 20);
    weather.least_ms = 1;
    cluster.weather = Some(weather);
    cluster.run_ms(1);
    (0..count).for_each(|place| cluster.unblock(place));
    cluster
}

#[test]
fn of_nodes_that_begin_together_one_mints_the_wrapping_key() {
    let mut cluster = cold_start(5);
    cluster.run_ms(2_000);
    let minted: Vec<BTreeSet<_>> =
        cluster.nodes.iter().map(|node| node.view.ring.keys.iter().map(|key| key.id).collect()).collect();
    assert_eq!(minted[0].len(), 1, "all but one waited");
    assert!(minted.iter().all(|held| *held == minted[0]), "and have it by now");
    let are_ready = cluster.nodes.iter().all(|node| node.view.readiness.is_ready());
    assert!(are_ready, "{:?}", cluster.nodes.iter().map(|node| &node.view.readiness).collect::<Vec<_>>());
}

#[test]
fn a_wrapping_key_that_nobody_hands_out_is_waited_for_two_heartbeats() {
    let mut cluster = Cluster::of(2);
    cluster.kill(0);
    cluster.lose_disk(0);
    cluster.withholding.insert(1);
    cluster.boot(0).expect("it knows its peer");
    let heartbeat_ms = cluster.nodes[0].config.gossip.heartbeat.as_millis() as u64;
    cluster.run_ms(2 * heartbeat_ms - 2_000);
    let reasons = |cluster: &Cluster| -> Vec<&str> {
        cluster.nodes[0].view.readiness.reasons.iter().map(|(name, _)| *name).collect()
    };
    assert_eq!(reasons(&cluster), ["no_wrapping_key"], "its peer says that it has some");
    cluster.run_ms(4_000);
    assert_eq!(reasons(&cluster), [""; 0]);
    assert_eq!(cluster.nodes[0].view.ring.keys.len(), 1, "it made one of its own");
}

/// At rest the slow duties come every two seconds; what hangs on keys waits neither for them nor for their next turn.
#[test]
fn a_wrapping_key_is_fetched_when_its_name_is_durable_and_soon_named() {
    let mut cluster = Cluster::of(2);
    cluster.ask(0, Request::SetClusterKey { key: Secret32::new([7; 32]) });
    let newest = cluster.nodes[0].view.ring.keys[0].id;
    cluster.run_ms(200);
    assert!(cluster.nodes[1].view.ring.get(newest).is_some(), "its peer has fetched it");
    cluster.run_ms(1_200);
    let own = cluster.nodes[1].keys.node();
    assert!(cluster.nodes[1].view.nodes[&own].ring.contains(&newest), "and says so");
}

/// Two administrators may set one key, apart from each other: the later one counts as its age, everywhere.
#[test]
fn a_key_that_was_set_on_both_sides_of_a_split_has_one_age() {
    let mut cluster = Cluster::of(2);
    cluster.split(0, 1, true);
    let set =
        |cluster: &mut Cluster, place| cluster.ask(place, Request::SetClusterKey { key: Secret32::new([7; 32]) });
    set(&mut cluster, 0);
    let (id, first) = (cluster.nodes[0].view.ring.keys[0].id, cluster.nodes[0].view.ring.keys[0].created);
    cluster.run_ms(2_000);
    set(&mut cluster, 1);
    cluster.split(0, 1, false);
    cluster.run_ms(5_000);
    cluster.assert_converged();
    for node in &cluster.nodes {
        let (_, named) = node.view.ring_keys().find(|(known, _)| *known == id).expect("it is named");
        assert_eq!(node.view.ring.get(id).map(|key| key.created), Some(named.created));
        assert!(named.created > first);
    }
}

/// More peers than one push reaches, and nothing else to tell them: each has to say that it knows the key before that signs.
#[test]
fn in_a_large_cluster_a_node_without_a_key_goes_to_everybody_who_has_to_know_its_next() {
    let mut cluster = Cluster::of(2 * PUSH_PEERS + 2);
    let signer = |cluster: &Cluster| cluster.nodes[0].view.signer.as_ref().map(|signer| signer.kid.clone());
    let kid = signer(&cluster).expect("it signs");
    cluster.ask(0, Request::WithdrawSigningKey { kid: kid.to_string() });
    let begun_ms = cluster.elapsed_ms;
    while signer(&cluster).is_none_or(|other| other == kid) {
        cluster.run_ms(10);
        assert!(cluster.elapsed_ms < begun_ms + 60_000, "it has no other key");
    }
    let (took_ms, interval) = (cluster.elapsed_ms - begun_ms, cluster.nodes[0].config.gossip.interval);
    assert!(took_ms < interval.as_millis() as u64, "{took_ms} ms without a key");
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

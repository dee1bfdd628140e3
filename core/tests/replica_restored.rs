//! Conversations after a disk was put back or lost: what a later life had retired stays retired, what a former one signed is not forgotten.

mod common {
    pub mod cluster;
}

use common::cluster::Cluster;
use symbolon_core::replica::Request;
use symbolon_core::state::KeyStage;

const DAY_MS: u64 = 24 * 3_600_000;

fn signer(cluster: &Cluster, place: usize) -> String {
    cluster.nodes[place].view.signer.as_ref().map(|signer| signer.kid.to_string()).expect("it signs")
}

/// A node rotates its key, time passes, and its disk is put back to before the rotation.
fn restored_after(span_ms: u64) -> (Cluster, String, String) {
    let mut cluster = Cluster::of(3);
    let first = signer(&cluster, 0);
    let backup = cluster.nodes[0].disk.clone();
    cluster.ask(0, Request::RotateSigningKey);
    cluster.run_ms(120_000);
    let second = signer(&cluster, 0);
    assert_ne!(first, second);
    // The clocks go on, and nobody is woken before the end: a day of idle gossip says nothing here.
    cluster.elapsed_ms += span_ms;
    cluster.run_ms(10_000);
    cluster.kill(0);
    cluster.nodes[0].disk = backup;
    cluster.boot(0).expect("a backup boots");
    cluster.run_ms(20_000);
    (cluster, first, second)
}

#[test]
fn a_restored_disk_revives_no_forgotten_key() {
    let (cluster, first, second) = restored_after(DAY_MS + 3_600_000);
    let third = signer(&cluster, 0);
    assert!(third != first && third != second, "the one is over, the private half of the other is lost");
    for node in &cluster.nodes {
        assert!(!node.view.token_keys.contains_key(first.as_str()), "what was forgotten stays forgotten");
        let stage = node.view.token_keys.get(second.as_str()).expect("its tokens are about").published.stage;
        assert!(matches!(stage, KeyStage::Retiring(_)), "{stage:?}");
        assert!(node.view.token_keys.contains_key(third.as_str()));
    }
}

#[test]
fn a_restored_disk_revives_no_retiring_key() {
    let (cluster, first, _) = restored_after(60_000);
    assert_ne!(signer(&cluster, 0), first);
    for node in &cluster.nodes {
        let stage = node.view.token_keys.get(first.as_str()).expect("its tokens are about").published.stage;
        assert!(matches!(stage, KeyStage::Retiring(_)), "{stage:?}");
    }
}

#[test]
fn a_lost_disk_and_a_crash_forget_no_key() {
    let mut cluster = Cluster::of(3);
    let first = signer(&cluster, 0);
    cluster.kill(0);
    cluster.nodes[0].disk.clear();
    // It is reborn, signs a record, and crashes before anybody could tell it what it was.
    cluster.silent.extend([(1, 0), (2, 0)]);
    cluster.boot(0).expect("an empty disk boots");
    for other in [1, 2] {
        let seed = cluster.seed_of(other);
        cluster.ask(0, Request::SeedNode(seed));
    }
    cluster.run_ms(2_000);
    cluster.kill(0);
    cluster.silent.clear();
    cluster.boot(0).expect("its disk boots");
    cluster.run_ms(60_000);
    for node in &cluster.nodes {
        let stage = node.view.token_keys.get(first.as_str()).expect("its tokens are about").published.stage;
        assert!(matches!(stage, KeyStage::Retiring(_)), "{stage:?}");
    }
    let own = cluster.nodes[0].view.nodes.get(&cluster.nodes[0].keys.node()).expect("it has a record");
    assert!(own.token_keys.iter().any(|key| *key.kid == *first), "it answers for it itself");
}

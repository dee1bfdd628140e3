//! Conversations after a disk was put back or lost: what a later life had retired stays retired, what a former one signed is not
//! forgotten, by whomever.

mod common {
    pub mod cluster;
}

use common::cluster::{Cluster, Disk};
use symbolon_core::config::{MAX_FORMER_LIVES, RECORD_LEASE, RECORD_RENEWAL};
use symbolon_core::replica::Request;
use symbolon_core::state::KeyStage;

const DAY_MS: u64 = 24 * 3_600_000;

fn signer(cluster: &Cluster, place: usize) -> String {
    cluster.nodes[place].view.signer.as_ref().map(|signer| signer.kid.to_string()).expect("it signs")
}

/// A node rotates its key, and time passes: its first key, and its disk as it was before.
fn rotated(span_ms: u64) -> (Cluster, String, Disk) {
    let mut cluster = Cluster::of(3);
    let first = signer(&cluster, 0);
    let backup = cluster.nodes[0].disk.clone();
    cluster.ask(0, Request::RotateSigningKey);
    cluster.run_ms(120_000);
    assert_ne!(signer(&cluster, 0), first);
    // The clocks go on, and nobody is woken before the end: a day of idle gossip says nothing here.
    cluster.elapsed_ms += span_ms;
    cluster.run_ms(10_000);
    (cluster, first, backup)
}

/// The same, and its disk is put back: its first key and its second.
fn restored_after(span_ms: u64) -> (Cluster, String, String) {
    let (mut cluster, first, backup) = rotated(span_ms);
    let second = signer(&cluster, 0);
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

/// The first node loses its disk and comes back; its peers hear it, and it hears none of them.
fn reborn_deaf(cluster: &mut Cluster) {
    cluster.silent.extend((1..cluster.nodes.len()).map(|other| (other, 0)));
    cluster.kill(0);
    cluster.nodes[0].disk.clear();
    cluster.boot(0).expect("an empty disk boots");
    for other in 1..cluster.nodes.len() {
        let seed = cluster.seed_of(other);
        cluster.ask(0, Request::SeedNode(seed));
    }
    cluster.run_ms(6_000);
}

fn retires(cluster: &Cluster, place: usize, kid: &str) -> bool {
    let key = cluster.nodes[place].view.token_keys.get(kid);
    key.is_some_and(|key| matches!(key.published.stage, KeyStage::Retiring(_)))
}

#[test]
fn a_key_of_a_former_life_survives_the_disks_of_peers_and_reaches_those_who_join() {
    let mut cluster = Cluster::of(3);
    let first = signer(&cluster, 0);
    reborn_deaf(&mut cluster);
    assert!(retires(&cluster, 1, &first) && retires(&cluster, 2, &first), "its peers count it themselves");
    // One peer restarts, the other loses its disk, a fourth joins.
    cluster.kill(1);
    cluster.boot(1).expect("its disk boots");
    cluster.run_ms(10);
    assert!(retires(&cluster, 1, &first), "it lay on disk");
    cluster.kill(2);
    cluster.nodes[2].disk.clear();
    cluster.boot(2).expect("an empty disk boots");
    cluster.add("n4");
    cluster.silent.insert((3, 0));
    cluster.seed_all();
    cluster.run_ms(20_000);
    assert!((1..4).all(|place| retires(&cluster, place, &first)), "they heard of it from the second");
    // Its owner hears of it in the end, and answers for it.
    cluster.silent.clear();
    cluster.run_ms(60_000);
    assert!((0..4).all(|place| retires(&cluster, place, &first)));
    let own = cluster.nodes[0].view.nodes.get(&cluster.nodes[0].keys.node()).expect("it has a record");
    assert!(own.token_key(&first).is_some(), "it answers for it itself");
    assert!(cluster.nodes.iter().all(|node| node.view.former.is_empty()), "nobody else has to any more");
    for _ in 0..32 {
        cluster.elapsed_ms += 3_600_000; // All sleep together: no clock moves against another.
        cluster.run_ms(10_000);
    }
    assert!(cluster.nodes.iter().all(|node| !node.view.token_keys.contains_key(first.as_str())), "gone at last");
}

#[test]
fn keys_of_more_than_one_former_life_are_kept() {
    let mut cluster = Cluster::of(3);
    let first = signer(&cluster, 0);
    // Two hear of the second life, which cannot hear that there was a first; so it signs with a key that they know.
    cluster.silent.extend([(1, 0)]);
    cluster.kill(0);
    cluster.nodes[0].disk.clear();
    cluster.boot(0).expect("an empty disk boots");
    let upcoming = cluster.nodes[0].view.nodes.values().next().expect("its own").token_keys[0].kid.to_string();
    for other in 1..3 {
        let seed = cluster.seed_of(other);
        cluster.ask(0, Request::SeedNode(seed));
    }
    cluster.silent.extend([(2, 0)]);
    cluster.run_ms(6_000);
    reborn_deaf(&mut cluster);
    for place in 1..3 {
        assert!(retires(&cluster, place, &first), "the first at {place}");
        assert!(retires(&cluster, place, &upcoming), "the second at {place}, which may have become active since");
    }
    cluster.silent.clear();
    cluster.run_ms(60_000);
    assert!((0..3).all(|place| retires(&cluster, place, &first) && retires(&cluster, place, &upcoming)));
    assert!(cluster.nodes.iter().all(|node| node.view.former.is_empty()));
}

#[test]
fn the_lives_that_are_kept_have_a_bound() {
    let mut cluster = Cluster::of(2);
    for _ in 0..MAX_FORMER_LIVES + 4 {
        reborn_deaf(&mut cluster);
    }
    let kept = cluster.nodes[1].view.former.len();
    assert!(kept == MAX_FORMER_LIVES, "{kept}");
    cluster.silent.clear();
    cluster.run_ms(60_000);
    let former = |place: usize| cluster.nodes[place].view.former.keys().copied().collect::<Vec<_>>();
    assert_eq!(former(0), former(1), "what the owner has no room for, both keep");
    let known = |place: usize| cluster.nodes[place].view.token_keys.keys().cloned().collect::<Vec<_>>();
    assert_eq!(known(0), known(1));
    assert!(cluster.nodes[0].view.readiness.is_ready());
}

#[test]
fn a_recovered_key_waits_for_a_peer_that_may_know_better() {
    let mut cluster = Cluster::of(3);
    let first = signer(&cluster, 0);
    let all = [(1, 0), (2, 0), (0, 1), (0, 2)];
    cluster.silent.extend(all);
    cluster.kill(0);
    cluster.boot(0).expect("its disk boots");
    cluster.run_ms(30_000);
    assert!(cluster.nodes[0].view.signer.is_none(), "nobody has agreed with it yet");
    cluster.silent.clear();
    cluster.run_ms(35_000);
    assert_eq!(signer(&cluster, 0), first);
    // Where nobody is to be heard for two heartbeats, it goes on alone.
    cluster.silent.extend(all);
    cluster.kill(0);
    cluster.boot(0).expect("its disk boots");
    cluster.run_ms(70_000);
    assert_eq!(signer(&cluster, 0), first);
}

#[test]
fn a_key_that_a_restored_node_signed_with_alone_is_honoured() {
    let (mut cluster, first, backup) = rotated(DAY_MS + 3_600_000);
    assert!(!cluster.nodes[1].view.token_keys.contains_key(first.as_str()), "it was forgotten");
    cluster.kill(0);
    cluster.nodes[0].disk = backup;
    cluster.silent.extend([(1, 0), (2, 0), (0, 1), (0, 2)]);
    cluster.boot(0).expect("a backup boots");
    cluster.run_ms(70_000);
    assert_eq!(signer(&cluster, 0), first, "it hears nobody who knows better");
    cluster.silent.clear();
    cluster.run_ms(60_000);
    assert_ne!(signer(&cluster, 0), first);
    assert!((0..3).all(|place| retires(&cluster, place, &first)), "what it signed meanwhile is good everywhere");
}

#[test]
fn a_first_key_waits_until_somebody_else_knows_it() {
    let mut cluster = Cluster::strangers(2);
    cluster.kill(0);
    cluster.nodes[0].disk.clear();
    cluster.kill(1);
    cluster.nodes[0].disk_blocked = true;
    cluster.boot(0).expect("an empty disk boots");
    let seed = cluster.seed_of(1);
    cluster.begin(0, Request::SeedNode(seed), None);
    cluster.unblock(0);
    cluster.run_ms(30_000);
    assert!(cluster.nodes[0].view.signer.is_none(), "it would be lost with this disk");
    cluster.run_ms(40_000);
    assert!(cluster.nodes[0].view.signer.is_some(), "whoever hears nobody for so long is alone");
}

#[test]
fn a_record_is_renewed_long_before_its_lease_is_over() {
    let mut cluster = Cluster::of(2);
    let signed = |cluster: &Cluster| {
        let node = &cluster.nodes[0];
        node.view.nodes.get(&node.keys.node()).expect("it has a record").signed
    };
    cluster.run_ms(3_000); // Until its record names all that it fetched.
    let first = signed(&cluster);
    let renewal_ms = RECORD_RENEWAL.as_millis() as u64;
    assert!(RECORD_RENEWAL * 3 <= RECORD_LEASE, "a renewal may fail twice");
    cluster.elapsed_ms += renewal_ms / 2;
    cluster.run_ms(10_000);
    assert_eq!(signed(&cluster), first, "it is fresh enough");
    cluster.elapsed_ms += renewal_ms / 2;
    cluster.run_ms(10_000);
    assert!(signed(&cluster) >= first.after(RECORD_RENEWAL), "it was signed anew");
    cluster.assert_converged();
}

/// Whether this key signs at its node, or may sign yet.
fn stands(cluster: &Cluster, place: usize, kid: &str) -> bool {
    let node = &cluster.nodes[place];
    let own = node.view.nodes.get(&node.keys.node()).expect("it has a record");
    own.token_key(kid).is_some_and(|key| !matches!(key.stage, KeyStage::Retiring(_)))
}

/// A key is minted after a first backup, and is upcoming in a second one. Then the first comes back: that life knows the key from
/// its peers alone, and retires it. The second lies ready.
fn retired_between_two_backups() -> (Cluster, String) {
    let mut cluster = Cluster::of(3);
    let early = cluster.nodes[0].disk.clone();
    let first = signer(&cluster, 0);
    cluster.ask(0, Request::RotateSigningKey);
    cluster.run_ms(2_000);
    let late = cluster.nodes[0].disk.clone();
    let own = cluster.nodes[0].view.nodes.get(&cluster.nodes[0].keys.node()).expect("it has a record");
    let second = own.token_keys.iter().find(|key| *key.kid != *first).expect("it was minted").kid.to_string();
    cluster.kill(0);
    cluster.nodes[0].disk = early;
    cluster.boot(0).expect("a backup boots");
    cluster.run_ms(20_000);
    assert!((0..3).all(|place| retires(&cluster, place, &second)), "its private half is lost");
    cluster.kill(0);
    cluster.nodes[0].disk = late;
    (cluster, second)
}

#[test]
fn a_later_backup_revives_no_key_that_a_life_between_retired() {
    let (mut cluster, second) = retired_between_two_backups();
    cluster.boot(0).expect("a backup boots");
    cluster.run_ms(120_000);
    assert!(!stands(&cluster, 0, &second) && signer(&cluster, 0) != second);
    assert!((0..3).all(|place| retires(&cluster, place, &second)), "what it signed is good");
    assert!(cluster.nodes.iter().all(|node| node.view.former.is_empty()), "nothing is left to tell");
}

#[test]
fn a_crash_before_it_hears_of_the_life_between_changes_nothing() {
    let (mut cluster, second) = retired_between_two_backups();
    let deaf = [(1, 0), (2, 0)];
    cluster.silent.extend(deaf);
    cluster.boot(0).expect("a backup boots");
    cluster.run_ms(6_000);
    assert!((1..3).all(|place| !retires(&cluster, place, &second)), "its peers took its record");
    cluster.kill(0);
    cluster.silent.clear();
    cluster.boot(0).expect("its disk boots");
    cluster.run_ms(120_000);
    assert!(!stands(&cluster, 0, &second) && signer(&cluster, 0) != second);
    assert!(cluster.nodes.iter().all(|node| node.view.former.is_empty()), "nothing is left to tell");
}

#[test]
fn who_was_away_for_days_revives_no_forgotten_key() {
    let (mut cluster, first, backup) = rotated(DAY_MS + 3_600_000);
    let second = signer(&cluster, 0);
    cluster.kill(0);
    // All tokens of both keys expire while it is away.
    cluster.elapsed_ms += 3 * DAY_MS;
    cluster.nodes[0].disk = backup;
    cluster.boot(0).expect("a backup boots");
    cluster.run_ms(120_000);
    assert!(!stands(&cluster, 0, &first), "it was forgotten");
    let third = signer(&cluster, 0);
    assert!(third != first && third != second);
    assert!(cluster.nodes.iter().all(|node| node.view.former.is_empty()), "nothing is left to tell");
    assert!(cluster.nodes.iter().all(|node| !node.view.token_keys.contains_key(first.as_str())));
}

#[test]
fn a_key_that_is_younger_than_a_former_life_stands() {
    let mut cluster = Cluster::of(3);
    let before = signer(&cluster, 0);
    reborn_deaf(&mut cluster);
    let own = cluster.nodes[0].view.nodes.get(&cluster.nodes[0].keys.node()).expect("it has a record");
    let minted = own.token_keys[0].kid.to_string();
    // Its disk gives the key back; only then it hears of the life that knew nothing of it.
    cluster.kill(0);
    cluster.boot(0).expect("its disk boots");
    cluster.silent.clear();
    cluster.run_ms(120_000);
    assert!((0..3).all(|place| retires(&cluster, place, &before)));
    assert_eq!(signer(&cluster, 0), minted);
}

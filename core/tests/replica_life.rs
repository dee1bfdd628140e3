//! Conversations about disks: what was acknowledged survives, what was lost comes back, what failed promises nothing.

mod common {
    pub mod cluster;
    pub mod forger;
}

use common::cluster::Cluster;
use symbolon_core::config::MAX_WAITING;
use symbolon_core::crdt::Incarnation;
use symbolon_core::fault::Reject;
use symbolon_core::replica::{BootError, Event, Fact, Refusal, Reply, Request, Table};
use symbolon_core::state::{RevokedId, Scope};

fn restart(cluster: &mut Cluster, place: usize) -> Result<(), BootError> {
    cluster.kill(place);
    cluster.run_ms(100);
    cluster.boot(place)
}

fn incarnation(cluster: &Cluster, place: usize) -> Incarnation {
    cluster.nodes[place].view.identity.incarnation
}

#[test]
fn every_acknowledged_change_survives_a_restart() {
    let mut cluster = Cluster::strangers(1);
    cluster.run_ms(10);
    let ids: Vec<String> = (0..10).map(|_| cluster.create_client(0)).collect();
    cluster.ask(0, Request::DeleteClient { id: ids[0].clone() });
    let expiry = cluster.now(0).wall.after(std::time::Duration::from_secs(600));
    cluster.ask(0, Request::Revoke(vec![(RevokedId::Session([1; 16]), expiry)]));
    let (before, root) = (incarnation(&cluster, 0), cluster.nodes[0].view.cells.root());
    let kid = cluster.nodes[0].view.signer.as_ref().expect("ready").kid.clone();
    restart(&mut cluster, 0).expect("its disk is sound");
    cluster.run_ms(10);
    let view = &cluster.nodes[0].view;
    assert_eq!(view.cells.root(), root);
    assert!(view.client(&ids[0]).is_none() && ids[1..].iter().all(|id| view.client(id).is_some()));
    assert_eq!(view.revoked.len(), 1);
    assert_eq!(view.signer.as_ref().expect("ready").kid, kid, "a restart keeps the active key");
    assert!(incarnation(&cluster, 0) > before, "every boot takes a fresh incarnation");
    assert!(view.readiness.is_ready());
}

#[test]
fn a_disk_that_went_back_gets_its_ops_from_its_peers() {
    let mut cluster = Cluster::of(3);
    cluster.define(0, "early");
    let old = cluster.nodes[0].disk.clone();
    cluster.define(0, "late");
    let id = cluster.create_client(0);
    cluster.run_ms(100);
    cluster.kill(0);
    cluster.nodes[0].disk = old;
    cluster.nodes[0].facts.clear();
    cluster.boot(0).expect("an old disk is sound");
    cluster.define(0, "later");
    cluster.run_ms(10_000);
    for node in &cluster.nodes {
        assert!(["early", "late", "later"].iter().all(|scope| node.view.scope(scope).is_some()));
        assert!(node.view.client(&id).is_some());
    }
    assert!(cluster.nodes[0].facts.iter().any(|fact| matches!(fact, Fact::Restored { ops, .. } if *ops > 0)));
    cluster.assert_converged();
}

#[test]
fn a_lost_disk_catches_up_and_its_keys_are_answered_for() {
    let mut cluster = Cluster::of(3);
    cluster.define(1, "read");
    cluster.run_ms(5_000);
    let former = cluster.nodes[0].view.signer.as_ref().expect("ready").kid.clone();
    cluster.kill(0);
    cluster.nodes[0].disk.clear();
    cluster.boot(0).expect("an empty disk boots");
    cluster.seed_all();
    let known = |cluster: &Cluster| cluster.nodes.iter().all(|node| node.view.token_keys.contains_key(&former));
    for step in 0..100 {
        cluster.run_ms(100);
        for place in 1..3 {
            let keys = &cluster.nodes[place].view.token_keys;
            assert!(
                keys.contains_key(&former),
                "after {step} steps {place} has forgotten a key whose tokens are about"
            );
        }
    }
    assert!(known(&cluster), "it publishes its former key itself");
    assert_ne!(cluster.nodes[0].view.signer.as_ref().expect("ready").kid, former);
    assert!(cluster.nodes[0].view.scope("read").is_some());
    cluster.assert_converged();
    for _ in 0..50 {
        cluster.elapsed_ms += 3_600_000; // All sleep together: no clock moves against another.
        cluster.run_ms(10_000);
    }
    assert!(cluster.nodes.iter().all(|node| !node.view.token_keys.contains_key(&former)), "gone with its last token");
}

#[test]
fn a_lost_disk_and_a_clock_that_went_back_end_in_a_greater_life() {
    let mut cluster = Cluster::of(3);
    cluster.run_ms(60_000);
    let before = incarnation(&cluster, 0);
    cluster.kill(0);
    cluster.nodes[0].disk.clear();
    cluster.nodes[0].skew_ms = -50_000;
    cluster.boot(0).expect("an empty disk boots");
    cluster.seed_all();
    cluster.run_ms(2_000);
    cluster.nodes[0].skew_ms = 0;
    cluster.run_ms(60_000);
    assert!(incarnation(&cluster, 0) > before);
    let stopped = cluster.nodes[0].facts.iter().any(|fact| matches!(fact, Fact::Superseded { stops: true, .. }));
    assert!(!stopped, "two peers that say the same are no clone");
    cluster.define(0, "again");
    cluster.run_ms(10_000);
    cluster.assert_converged();
}

#[test]
fn of_two_clones_one_stops() {
    let mut cluster = Cluster::of(2);
    let clone = cluster.add("clone");
    cluster.kill(clone);
    cluster.nodes[clone].keys = cluster.nodes[0].keys.clone();
    cluster.nodes[clone].disk = cluster.nodes[0].disk.clone();
    cluster.run_ms(1_000);
    cluster.boot(clone).expect("a copied disk is sound");
    cluster.run_ms(120_000);
    let stopped: Vec<usize> = (0..3)
        .filter(|place| {
            cluster.nodes[*place].facts.iter().any(|fact| matches!(fact, Fact::Superseded { stops: true, .. }))
        })
        .collect();
    assert!(stopped == [0] || stopped == [clone], "{stopped:?}");
    assert!(!cluster.nodes[stopped[0]].view.readiness.is_ready());
}

#[test]
fn a_store_that_is_not_what_was_written_is_not_booted_from() {
    let mut cluster = Cluster::of(2);
    cluster.define(0, "read");
    cluster.run_ms(1_000);
    let sound = cluster.nodes[0].disk.clone();
    let mut boot = |change: &dyn Fn(&mut common::cluster::Disk)| {
        cluster.kill(0);
        cluster.nodes[0].disk = sound.clone();
        change(&mut cluster.nodes[0].disk);
        cluster.boot(0)
    };
    assert_eq!(boot(&|_| {}), Ok(()));
    let first =
        |disk: &common::cluster::Disk, table| disk.keys().find(|(of, _)| *of == table).expect("a row").clone();
    let lost_cell = boot(&|disk| {
        disk.remove(&first(disk, Table::Cells));
    });
    assert_eq!(lost_cell, Err(BootError::Unsound));
    let lost_meta = boot(&|disk| {
        disk.remove(&first(disk, Table::Meta));
    });
    assert_eq!(lost_meta, Err(BootError::Unsound));
    let own = cluster_own(&sound);
    let lost_mark = boot(&|disk| {
        let foreign =
            disk.keys().find(|(of, key)| *of == Table::Marks && !contains(key, &own)).expect("a row").clone();
        disk.remove(&foreign);
    });
    assert_eq!(lost_mark, Err(BootError::Unsound));
    let garbage = boot(&|disk| {
        let row = first(disk, Table::Cells);
        disk.insert(row, vec![0x83, 1, 0xff]);
    });
    assert!(matches!(garbage, Err(BootError::BadRow { table: "cells", .. })), "{garbage:?}");
    let newer = boot(&|disk| {
        let row = first(disk, Table::Records);
        disk.insert(row, vec![0x83, 2, 0xff]);
    });
    assert_eq!(newer, Err(BootError::NewerStore { found: 2, known: 1 }));
}

/// The node of the one mark that has no signature yet: the disk's own.
fn cluster_own(disk: &common::cluster::Disk) -> Vec<u8> {
    let (key, _) =
        disk.iter().find(|((table, _), _)| *table == Table::Secrets).map_or((None, ()), |_| (Some(()), ()));
    assert!(key.is_some(), "a node has private keys");
    let record = symbolon_core::wire::row::read_mark;
    let own = disk.iter().find(|((table, _), value)| {
        *table == Table::Marks && record(value).is_ok_and(|(seq, signed)| signed.is_none_or(|(reach, _)| reach < seq))
    });
    let key = &own.expect("own writes are not signed before they are sent").0.1;
    symbolon_core::wire::row::read_mark_key(key).expect("a mark").node.0.to_vec()
}

fn contains(key: &[u8], node: &[u8]) -> bool {
    key.windows(node.len()).any(|window| window == node)
}

#[test]
fn nothing_leaves_before_it_is_durable() {
    let mut cluster = Cluster::of(2);
    cluster.run_ms(5_000);
    let before = cluster.nodes[0].view.cells.root();
    cluster.nodes[0].disk_blocked = true;
    let scope = Scope { description: String::new() };
    let call = cluster.begin(0, Request::DefineScope { name: "read".into(), scope }, None);
    cluster.define(1, "other");
    cluster.run_ms(60_000);
    assert!(!cluster.answers.contains_key(&call), "no answer");
    assert_eq!(cluster.nodes[0].view.cells.root(), before, "the view does not move");
    assert!(cluster.nodes[1].view.scope("read").is_none(), "no frame mentions it");
    cluster.unblock(0);
    cluster.run_ms(10_000);
    assert!(cluster.answers.contains_key(&call));
    cluster.assert_converged();
}

#[test]
fn a_failed_write_is_the_end_of_a_life() {
    let mut cluster = Cluster::of(2);
    cluster.run_ms(5_000);
    cluster.nodes[0].disk_blocked = true;
    let scope = || Scope { description: String::new() };
    let call = cluster.begin(0, Request::DefineScope { name: "read".into(), scope: scope() }, None);
    cluster.handle(0, Event::WriteFailed { reason: "no space".into() });
    cluster.run_ms(1);
    let unavailable = |reply: Option<Reply>| matches!(reply, Some(Reply::Refused(Refusal::Unavailable(_))));
    assert!(unavailable(cluster.answers.remove(&call)));
    let later = cluster.begin(0, Request::DefineScope { name: "other".into(), scope: scope() }, None);
    assert!(unavailable(cluster.answers.remove(&later)));
    assert_eq!(cluster.nodes[0].view.readiness.reasons.first().map(|(name, _)| *name), Some("store"));
    let message = cluster.message(1, 0);
    assert_eq!(cluster.say(1, 0, message), Err(Reject::Unavailable));
    let wakes = cluster.nodes[0].wakes;
    cluster.run_ms(60_000);
    assert!(cluster.nodes[0].wakes - wakes < 200, "it is over, and does not spin");
    cluster.nodes[0].disk_blocked = false;
    restart(&mut cluster, 0).expect("its disk is sound");
    cluster.run_ms(40_000);
    assert!(cluster.nodes[0].view.readiness.is_ready());
    assert!(cluster.nodes.iter().all(|node| node.view.scope("read").is_none()), "it was never promised");
    cluster.define(0, "again");
    cluster.run_ms(10_000);
    cluster.assert_converged();
}

#[test]
fn the_ledger_has_a_bound() {
    let mut cluster = Cluster::of(2);
    cluster.run_ms(5_000);
    cluster.nodes[0].disk_blocked = true;
    let mut busy = 0;
    for n in 0..MAX_WAITING {
        let scope = Scope { description: String::new() };
        let call = cluster.begin(0, Request::DefineScope { name: format!("s{n}"), scope }, None);
        busy += usize::from(matches!(cluster.answers.get(&call), Some(Reply::Refused(Refusal::Busy))));
    }
    assert!(busy > 0);
    let message = cluster.message(1, 0);
    assert_eq!(cluster.say(1, 0, message), Err(Reject::Busy), "peers wait in it too");
    cluster.unblock(0);
    assert_eq!(cluster.answers.len(), MAX_WAITING, "each was answered");
    cluster.define(0, "again");
}

#[test]
fn before_its_first_write_a_replica_says_nothing() {
    let mut cluster = Cluster::of(2);
    cluster.kill(0);
    cluster.nodes[0].disk_blocked = true;
    cluster.frames.clear();
    cluster.boot(0).expect("its disk is sound");
    let wakes = cluster.nodes[0].wakes;
    cluster.run_ms(30_000);
    assert!(cluster.frames.iter().all(|(from, _, _)| *from != 0));
    assert!(cluster.nodes[0].wakes - wakes < 100, "and does not spin");
}

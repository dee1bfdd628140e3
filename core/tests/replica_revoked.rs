//! Conversations about revocations: their union, how what got lost is found, and how they leave.

mod common {
    pub mod cluster;
}

use std::time::Duration;

use common::cluster::Cluster;
use symbolon_core::config::MAX_ARRIVALS_PER_FRAME;
use symbolon_core::crdt::{EPOCH_MS, MAX_ARRIVALS_AT_ONCE};
use symbolon_core::replica::{Reply, Request, WriteConcern};
use symbolon_core::state::RevokedId;

fn session(n: u64) -> RevokedId {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&n.to_be_bytes());
    RevokedId::Session(id)
}

fn revoke(cluster: &mut Cluster, place: usize, ids: std::ops::Range<u64>, within: Duration) {
    let expiry = cluster.now(place).wall.after(within);
    cluster.ask(place, Request::Revoke(ids.map(|n| (session(n), expiry)).collect()));
}

fn held(cluster: &Cluster) -> Vec<usize> {
    cluster.nodes.iter().map(|node| node.view.revoked.len()).collect()
}

#[test]
fn what_is_revoked_anywhere_is_revoked_everywhere() {
    let mut cluster = Cluster::of(3);
    for place in 0..3 {
        revoke(&mut cluster, place, place as u64 * 10..place as u64 * 10 + 10, Duration::from_secs(600));
    }
    cluster.run_ms(1_000);
    assert_eq!(held(&cluster), [30, 30, 30]);
}

#[test]
fn an_epoch_larger_than_a_frame_arrives_whole_after_losses() {
    let mut cluster = Cluster::of(2);
    cluster.run_ms(5_000);
    cluster.split(0, 1, true);
    let many = 3 * MAX_ARRIVALS_PER_FRAME as u64;
    revoke(&mut cluster, 0, 0..many, Duration::from_secs(3_000));
    revoke(&mut cluster, 1, many..many + 5, Duration::from_secs(3_000));
    cluster.split(0, 1, false);
    // Replies alone are lost, so what was presumed to have arrived did not.
    cluster.silent.insert((0, 1));
    cluster.run_ms(60_000);
    cluster.silent.clear();
    cluster.run_ms(120_000);
    assert_eq!(held(&cluster), [many as usize + 5; 2]);
}

#[test]
fn a_revocation_that_only_a_lost_reply_carried_is_not_said_to_be_held() {
    let mut cluster = Cluster::of(2);
    cluster.run_ms(5_000);
    // The first can be asked, but neither its questions nor its answers arrive.
    cluster.silent.insert((0, 1));
    let expiry = cluster.now(0).wall.after(Duration::from_secs(600));
    let concern = WriteConcern { peers: 1, within: Duration::from_secs(70) };
    let call = cluster.begin(0, Request::Revoke(vec![(session(1), expiry)]), Some(concern));
    cluster.run_ms(69_000);
    assert!(!cluster.answers.contains_key(&call));
    cluster.run_ms(2_000);
    let Some(Reply::Done(receipt)) = cluster.answers.remove(&call) else { panic!("its time is over") };
    assert!(!receipt.concern_met && receipt.held_by.is_empty(), "{receipt:?}");
}

#[test]
fn they_leave_by_each_nodes_own_clock_and_for_ever() {
    let mut cluster = Cluster::of(2);
    revoke(&mut cluster, 0, 0..5, Duration::from_secs(60));
    cluster.run_ms(1_000);
    let expiry = cluster.nodes[0].view.revoked.iter().next().expect("held").0;
    assert_eq!(held(&cluster), [5, 5]);
    cluster.run_ms(2 * EPOCH_MS);
    assert_eq!(held(&cluster), [0, 0]);
    assert!(cluster.nodes.iter().all(|node| node.view.revoked.is_expired_for_ever(expiry)));
    assert!(cluster.nodes[0].disk.keys().all(|(table, _)| *table != symbolon_core::replica::Table::Expiring));
    // A clock that went back over a boot revives nothing.
    cluster.kill(0);
    cluster.nodes[0].skew_ms = -(2 * EPOCH_MS as i64);
    cluster.boot(0).expect("its disk is sound");
    assert!(cluster.nodes[0].view.revoked.is_expired_for_ever(expiry));
    assert!(cluster.nodes[0].view.has_expired(expiry, cluster.now(0).wall));
}

#[test]
fn equal_nodes_stay_quiet_while_revocations_leave() {
    let mut cluster = Cluster::of(3);
    for n in 0..30 {
        revoke(&mut cluster, n % 3, n as u64 * 10..n as u64 * 10 + 10, Duration::from_secs(60 + 60 * n as u64));
    }
    cluster.run_ms(30_000);
    cluster.frames.clear();
    cluster.run_ms(5 * EPOCH_MS);
    assert_eq!(held(&cluster), [0, 0, 0]);
    let bytes: usize = cluster.frames.iter().map(|(_, _, frame)| frame.len()).sum();
    let rate = 2 * bytes / 3 / (5 * EPOCH_MS as usize / 1000);
    assert!(rate < 400, "{rate} bytes a second and node");
}

#[test]
fn all_sessions_of_a_user_end_and_the_next_one_begins() {
    let mut cluster = Cluster::of(2);
    let login = |cluster: &mut Cluster, place| {
        let password = "alice123".to_owned().into();
        match cluster.ask(place, Request::Login { username: "alice".into(), password }) {
            Reply::LoggedIn { cookie, .. } => cookie,
            other => panic!("{other:?}"),
        }
    };
    let is_open = |cluster: &Cluster, place: usize, cookie: &str| {
        let node = &cluster.nodes[place];
        let verdict = symbolon_core::token::session::open(&node.view, &node.crypto, cookie, cluster.now(place).wall);
        matches!(verdict, symbolon_core::token::Verdict::Done(_))
    };
    cluster.run_ms(5_000);
    // The second node's clock runs ahead, within the budget.
    cluster.nodes[1].skew_ms = 8_000;
    let before = login(&mut cluster, 1);
    cluster.run_ms(100);
    assert!(is_open(&cluster, 1, &before));
    cluster.ask(0, Request::RevokeUserSessions { user: "alice".into() });
    cluster.run_ms(100);
    assert!(!is_open(&cluster, 1, &before), "a clock that runs ahead saves no session");
    for place in 0..2 {
        let after = login(&mut cluster, place);
        assert!(is_open(&cluster, 0, &after) && is_open(&cluster, 1, &after), "a new one is good at once");
    }
}

#[test]
fn who_comes_back_empty_hears_of_all_at_once() {
    let mut cluster = Cluster::of(2);
    let many = 5 * MAX_ARRIVALS_AT_ONCE as u64;
    revoke(&mut cluster, 1, 0..many, Duration::from_secs(3_000));
    cluster.run_ms(5_000);
    assert_eq!(held(&cluster), [many as usize; 2]);
    cluster.kill(0);
    cluster.lose_disk(0);
    cluster.run_ms(1);
    cluster.nodes[0].disk_blocked = true;
    cluster.boot(0).expect("it knows its peer");
    cluster.run_ms(1); // What is sent in the millisecond of a boot is stale to the one that boots.
    cluster.unblock(0);
    cluster.run_ms(100);
    assert_eq!(held(&cluster), [many as usize; 2], "it asked, and went on until it had them");
}

//! Conversations with callers who wait for peers: write concern, reading one's own writes, and what is asked too often.

mod common {
    pub mod cluster;
}

use std::time::Duration;

use common::cluster::Cluster;
use symbolon_core::config::{MAX_PULLS, PULL_BURST, PULL_NEGATIVE_TTL, PULL_PEERS, PULL_TIMEOUT};
use symbolon_core::replica::{Actor, CallId, Event, Receipt, Reply, Request, Wanted, WriteConcern};
use symbolon_core::state::Scope;

fn define(cluster: &mut Cluster, peers: usize, within_ms: u64) -> CallId {
    let scope = Scope { description: String::new() };
    let name = format!("s{}", cluster.elapsed_ms);
    let concern = WriteConcern { peers, within: Duration::from_millis(within_ms) };
    cluster.begin(0, Request::DefineScope { name, scope }, Some(concern))
}

fn receipt(cluster: &mut Cluster, call: CallId) -> Option<Receipt> {
    match cluster.answers.remove(&call)? {
        Reply::Done(receipt) => Some(receipt),
        other => panic!("{other:?}"),
    }
}

fn pull(cluster: &mut Cluster, place: usize, address: &str, client: &str) -> CallId {
    pull_any(cluster, place, address, Wanted::Client(client.into()))
}

fn pull_any(cluster: &mut Cluster, place: usize, address: &str, wanted: Wanted) -> CallId {
    let call = CallId(1_000_000 + cluster.frames.len() as u64 * 10_000 + cluster.answers.len() as u64);
    let actor = Actor::Anonymous(address.into());
    let request = Request::Pull(wanted);
    cluster.handle(place, Event::Ask { call, actor, request, concern: None });
    cluster.run_ms(0);
    call
}

#[test]
fn a_write_concern_is_met_and_names_who_holds_the_change() {
    let mut cluster = Cluster::of(3);
    let call = define(&mut cluster, 2, 5_000);
    cluster.run_ms(50);
    let receipt = receipt(&mut cluster, call).expect("both have acknowledged");
    assert!(receipt.concern_met && receipt.changed);
    assert_eq!((receipt.held_by.len(), receipt.peers), (2, 2));
}

#[test]
fn a_write_concern_that_is_not_met_ends_in_time() {
    let mut cluster = Cluster::of(3);
    cluster.split(0, 2, true);
    cluster.split(1, 2, true);
    let call = define(&mut cluster, 2, 700);
    cluster.run_ms(699);
    assert_eq!(receipt(&mut cluster, call), None);
    cluster.run_ms(2);
    let receipt = receipt(&mut cluster, call).expect("its time is over");
    assert!(!receipt.concern_met);
    assert_eq!(receipt.held_by, [cluster.nodes[1].keys.node()]);
}

#[test]
fn a_lone_node_answers_at_once() {
    let mut cluster = Cluster::strangers(1);
    cluster.run_ms(10);
    let call = define(&mut cluster, 1, 5_000);
    assert!(!receipt(&mut cluster, call).expect("nobody is waited for").concern_met);
    let call = pull(&mut cluster, 0, "10.0.0.1", "nobody");
    assert!(matches!(cluster.answers.remove(&call), Some(Reply::Pulled)));
}

#[test]
fn a_node_asks_for_what_was_just_created_elsewhere() {
    let mut cluster = Cluster::of(3);
    assert_eq!(cluster.nodes.len() - 1, PULL_PEERS - 1, "all peers are asked");
    cluster.run_ms(3_000);
    cluster.split(0, 1, true);
    cluster.split(0, 2, true);
    let id = cluster.create_client(0);
    cluster.run_ms(1_000);
    cluster.split(0, 1, false);
    assert!(cluster.nodes[1].view.client(&id).is_none());
    let call = pull(&mut cluster, 1, "10.0.0.1", &id);
    assert!(cluster.answers.contains_key(&call), "it is answered within a round trip");
    assert!(cluster.nodes[1].view.client(&id).is_some(), "and the answer was merged before");
}

/// Whoever is asked for a key may not know which records are held there, so the question says it.
#[test]
fn a_node_asks_for_a_key_that_its_peer_has_from_somebody_else() {
    let mut cluster = Cluster::of(3);
    cluster.run_ms(3_000);
    cluster.split(1, 2, true);
    cluster.ask(1, Request::RotateSigningKey); // Its own record changes: what its peer knew of its list is void.
    cluster.run_ms(20);
    cluster.ask(2, Request::RotateSigningKey);
    cluster.run_ms(20);
    let author = cluster.nodes[2].keys.node();
    let newest =
        |cluster: &Cluster, place: usize| cluster.nodes[place].view.nodes[&author].token_keys.last().cloned();
    let kid = newest(&cluster, 2).expect("it has keys").kid;
    assert_eq!(newest(&cluster, 0).expect("it was told").kid, kid);
    assert!(!cluster.nodes[1].view.token_keys.contains_key(&kid));
    let call = pull_any(&mut cluster, 1, "10.0.0.1", Wanted::TokenKey(kid.to_string()));
    assert!(cluster.answers.contains_key(&call), "it is answered within a round trip");
    assert!(cluster.nodes[1].view.token_keys.contains_key(&kid), "and the answer was merged before");
}

#[test]
fn what_nobody_has_is_not_asked_for_again_at_once() {
    let mut cluster = Cluster::of(2);
    cluster.run_ms(3_000);
    let asked = |cluster: &mut Cluster| {
        cluster.frames.clear();
        let call = pull(cluster, 1, "10.0.0.1", "nobody");
        assert!(matches!(cluster.answers.remove(&call), Some(Reply::Pulled)), "no longer than a round trip");
        !cluster.frames.is_empty()
    };
    assert!(asked(&mut cluster));
    assert!(!asked(&mut cluster), "it is believed for a while that nobody has it");
    cluster.run_ms(PULL_NEGATIVE_TTL.as_millis() as u64);
    assert!(asked(&mut cluster));
}

#[test]
fn garbage_drains_the_budget_of_its_own_address() {
    let mut cluster = Cluster::of(2);
    cluster.run_ms(3_000);
    let mut asked = 0;
    for n in 0..2 * PULL_BURST {
        cluster.frames.clear();
        pull(&mut cluster, 1, "10.0.0.1", &format!("garbage-{n}"));
        asked += u32::from(!cluster.frames.is_empty());
    }
    assert_eq!(asked, PULL_BURST);
    cluster.frames.clear();
    pull(&mut cluster, 1, "10.0.0.2", "another");
    assert!(!cluster.frames.is_empty(), "another address has a budget of its own");
}

#[test]
fn nobody_waits_longer_than_the_timeout_and_no_more_than_so_many() {
    let mut cluster = Cluster::of(2);
    cluster.run_ms(3_000);
    cluster.silent.extend([(0, 1), (1, 0)]);
    let first = cluster.begin(1, Request::Pull(Wanted::Client("c".into())), None);
    for n in 0..MAX_PULLS {
        cluster.begin(1, Request::Pull(Wanted::Client(format!("c{n}"))), None);
    }
    assert_eq!(cluster.answers.len(), 1, "the last one is not waited for");
    cluster.run_ms(PULL_TIMEOUT.as_millis() as u64 - 1);
    assert!(!cluster.answers.contains_key(&first));
    cluster.run_ms(1);
    assert_eq!(cluster.answers.len(), MAX_PULLS + 1);
}

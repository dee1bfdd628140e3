//! Conversations about deltas: what was removed stays removed, what is long arrives in parts, what got lost is found.

mod common {
    pub mod cluster;
    pub mod forger;
}

use std::time::Duration;

use common::cluster::{Cluster, Weather};
use symbolon_core::config::{MAX_PART_BYTES, MAX_PART_CELLS};
use symbolon_core::replica::{Event, Fact, Reply, Request};
use symbolon_core::state::{Collection, Key, Scope};

fn define_many(cluster: &mut Cluster, place: usize, names: std::ops::Range<usize>) {
    for n in names {
        let request = Request::DefineScope {
            name: format!("scope-{n:06}"),
            scope: Scope { description: format!("scope {n}") },
        };
        cluster.begin(place, request, None);
    }
}

fn remove(cluster: &mut Cluster, place: usize, name: &str) {
    let reply = cluster.ask(place, Request::RemoveScope { name: name.into() });
    assert!(matches!(reply, Reply::Done(_)), "{reply:?}");
}

fn isolate(cluster: &mut Cluster, place: usize, apart: bool) {
    for other in (0..cluster.nodes.len()).filter(|other| *other != place) {
        cluster.split(place, other, apart);
    }
}

fn empties(cluster: &Cluster, place: usize) -> usize {
    cluster.nodes[place].view.cells.len() - cluster.nodes[place].view.cells.live_len()
}

#[test]
fn removed_cells_leave_when_all_have_acknowledged_them() {
    let mut cluster = Cluster::of(3);
    for n in 0..20 {
        cluster.define(0, &format!("s{n}"));
    }
    cluster.run_ms(50);
    for n in 0..20 {
        remove(&mut cluster, n % 3, &format!("s{n}"));
    }
    cluster.run_ms(70_000);
    for place in 0..3 {
        assert_eq!(empties(&cluster, place), 0, "{place}");
    }
    cluster.assert_converged();
}

#[test]
fn what_was_denied_and_removed_while_a_peer_was_away_stays_so() {
    for horizon_passes in [false, true] {
        let mut cluster = Cluster::of(3);
        let id = cluster.create_client(0);
        cluster.define(0, "read");
        cluster.run_ms(1_000);
        isolate(&mut cluster, 2, true);
        // The one that is away edits what the others delete.
        let edited = symbolon_core::state::Client { name: "renamed".into(), ..common::cluster::shop() };
        cluster.ask(2, Request::UpdateClient { id: id.clone(), client: edited });
        cluster.define(2, "written-while-away");
        cluster.ask(0, Request::DeleteClient { id: id.clone() });
        remove(&mut cluster, 1, "read");
        if horizon_passes {
            let mut config = (*cluster.nodes[0].config).clone();
            config.gossip.remove_horizon = Duration::from_secs(60);
            for place in 0..2 {
                cluster.reconfigure(place, config.clone());
            }
            cluster.run_ms(120_000);
            assert_eq!(empties(&cluster, 0), 0, "dropped by the horizon");
            assert!(!cluster.nodes[0].view.cells.floor().is_empty());
        } else {
            cluster.run_ms(120_000);
            assert!(empties(&cluster, 0) > 0, "kept for the one that is away");
        }
        isolate(&mut cluster, 2, false);
        cluster.nodes[2].facts.clear();
        cluster.run_ms(120_000);
        let deep = cluster.nodes[2].facts.iter().any(|fact| matches!(fact, Fact::Merged { deep: true, .. }));
        assert_eq!(deep, horizon_passes);
        for node in &cluster.nodes {
            assert!(node.view.client(&id).is_none() && node.view.client_is_denied(&id), "deny wins everywhere");
            assert!(node.view.scope("read").is_none(), "what was removed stays removed");
            assert!(node.view.scope("written-while-away").is_some());
            assert!(node.view.readiness.is_ready());
        }
        cluster.assert_converged();
    }
}

#[test]
fn a_joiner_catches_up_in_parts_while_all_write_on() {
    const SCOPES: usize = 9_000;
    let mut cluster = Cluster::strangers(1);
    cluster.run_ms(10);
    define_many(&mut cluster, 0, 0..SCOPES);
    const { assert!(SCOPES > 2 * MAX_PART_CELLS, "more than two parts") };
    cluster.add("n2");
    cluster.frames.clear();
    cluster.seed_all();
    for n in 0..20 {
        cluster.define(0, &format!("more-{n}"));
        cluster.define(1, &format!("joined-{n}"));
        cluster.run_ms(20);
    }
    cluster.run_ms(20_000);
    cluster.assert_converged();
    assert!(cluster.nodes[1].view.scopes().count() >= SCOPES + 40);
    let greatest = cluster.frames.iter().map(|(_, _, frame)| frame.len()).max().unwrap_or(0);
    assert!(greatest < 2 * MAX_PART_BYTES, "{greatest} bytes");
    let sent: usize = cluster.frames.iter().map(|(_, _, frame)| frame.len()).sum();
    let content = SCOPES * 110;
    assert!(sent < 3 * content, "{sent} bytes for about {content} of content");
}

#[test]
fn a_transfer_that_breaks_at_every_part_goes_on_where_it_broke() {
    const SCOPES: usize = 13_000;
    let mut cluster = Cluster::strangers(1);
    cluster.run_ms(10);
    define_many(&mut cluster, 0, 0..SCOPES);
    cluster.add("n2");
    cluster.frames.clear();
    cluster.seed_all();
    // Of the frames on the way to the joiner every third is lost without a word, so each part breaks sooner or later.
    cluster.weather = Some(Weather::new(3, 330, 0, 5));
    for n in 0..30 {
        cluster.define(0, &format!("more-{n}"));
        cluster.run_ms(5_000);
    }
    cluster.weather = None;
    cluster.run_ms(40_000);
    cluster.assert_converged();
    let large = cluster.frames.iter().filter(|(_, _, frame)| frame.len() > 50_000).count();
    assert!(large < 40, "{large} large frames: the parts that had arrived were not sent again and again");
}

#[test]
fn a_unit_whose_receiver_vanished_is_given_up_and_cut_anew() {
    let mut cluster = Cluster::strangers(1);
    cluster.run_ms(10);
    define_many(&mut cluster, 0, 0..9_000);
    cluster.add("n2");
    cluster.seed_all();
    cluster.run_ms(2);
    cluster.split(0, 1, true);
    cluster.run_ms(300_000);
    define_many(&mut cluster, 0, 9_000..9_010);
    cluster.split(0, 1, false);
    cluster.run_ms(60_000);
    cluster.assert_converged();
}

#[test]
fn a_lost_push_and_a_lost_reply_are_found_within_a_heartbeat() {
    for link in [(0, 1), (1, 0)] {
        let mut cluster = Cluster::of(2);
        cluster.run_ms(10_000);
        cluster.silent.insert(link);
        let expiry = cluster.now(0).wall.after(Duration::from_secs(600));
        cluster.define(0, "pushed");
        cluster.ask(0, Request::Revoke(vec![(symbolon_core::state::RevokedId::Session([1; 16]), expiry)]));
        cluster.run_ms(50);
        cluster.silent.clear();
        cluster.run_ms(cluster.nodes[0].config.gossip.heartbeat.as_millis() as u64);
        assert!(cluster.nodes[1].view.scope("pushed").is_some(), "{link:?}");
        assert_eq!(cluster.nodes[1].view.revoked.len(), 1, "{link:?}");
        cluster.assert_converged();
    }
}

#[test]
fn whatever_the_weather_all_end_equal_and_quiet() {
    for seed in 0..12 {
        let mut cluster = Cluster::of(3);
        cluster.weather = Some(Weather::new(seed, 150, 100, 40));
        for n in 0..25 {
            let up = if cluster.nodes[2].replica.is_some() { 3 } else { 2 };
            let place = (n + usize::from(seed)) % up;
            cluster.define(place, &format!("s{}", n % 7));
            if n % 4 == 0 {
                let other = (place + 1) % up;
                let call = cluster.begin(other, Request::RemoveScope { name: format!("s{}", n % 5) }, None);
                cluster.answers.remove(&call);
            }
            if n == 12 {
                cluster.kill(2);
            }
            if n == 18 {
                cluster.boot(2).expect("its disk is sound");
            }
            cluster.run_ms(300);
        }
        cluster.weather = None;
        cluster.run_ms(90_000);
        cluster.assert_converged();
        cluster.frames.clear();
        cluster.run_ms(10_000);
        let spoken = cluster.frames.len();
        assert!(spoken <= 12, "seed {seed}: {spoken} frames in ten quiet seconds");
        let stats =
            cluster.nodes.iter().any(|node| node.facts.iter().any(|fact| matches!(fact, Fact::Diverged { .. })));
        assert!(!stats, "seed {seed}: a false alarm");
    }
}

#[test]
fn the_same_script_gives_the_same_frames() {
    let play = || {
        let mut cluster = Cluster::of(3);
        cluster.weather = Some(Weather::new(9, 100, 50, 20));
        for n in 0..10 {
            cluster.create_client(n % 3);
            cluster.run_ms(500);
        }
        cluster.frames
    };
    assert!(play() == play());
}

#[test]
fn what_this_build_cannot_read_is_passed_on_and_kept_bit_for_bit() {
    use symbolon_core::crdt::{Cell, Dot, Hlc, Op};
    use symbolon_core::wire::{message, value};
    let mut cluster = Cluster::of(3);
    cluster.run_ms(3_000);
    cluster.split(0, 2, true);
    // The first node speaks a later version: a collection that nobody knows, and a client with a field that nobody knows.
    let client = b"\xa3\x00\x64shop\x01\x64none\x18\x63\x82\x01\x02";
    let seq = cluster.nodes[0].view.cells.vector().get(cluster.replica_id(0));
    let raws = [(Collection(200), &b"whatever"[..]), (Collection::CLIENT, &client[..])];
    let hlc = Hlc::at(cluster.now(0).wall);
    let cells = raws.iter().zip(1..).map(|((collection, raw), n)| {
        let dot = Dot { replica: cluster.replica_id(0), seq: seq + n };
        let op = Op { dot, hlc, value: Some(value::decode(*collection, raw)) };
        (Key::new(*collection, "new"), Cell::from_ops(vec![op]).expect("one op"))
    });
    let cells = cells.collect();
    let mut message = cluster.message(0, 1);
    message.changes.push((cluster.replica_id(0), seq + 2));
    let marks = vec![cluster.mark(0, seq + 2)];
    message.part = Some(message::Part { cells, ..common::forger::part(0, true, marks) });
    cluster.kill(0);
    cluster.say(0, 1, message).expect("a later version may say more");
    cluster.run_ms(40_000);
    cluster.kill(2);
    cluster.boot(2).expect("its disk is sound");
    cluster.run_ms(1_000);
    for (collection, raw) in raws {
        let view = &cluster.nodes[2].view;
        let (_, cell) =
            view.cells.iter().find(|(key, _)| key.collection == collection && &*key.id == "new").expect("here");
        assert_eq!(cell.siblings().next().expect("live").value.raw(), raw);
    }
    assert_eq!(cluster.nodes[2].view.client("new").map(|client| client.name.as_str()), Some("shop"));
    cluster.handle(1, Event::Tick);
}

//! What is known of one peer, and what follows from it for the next round. Nobody is there: what the peer says is made up.

mod common {
    pub mod cluster;
}

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use common::cluster::Cluster;
use symbolon_core::config::MAX_RECORDS_PER_FRAME;
use symbolon_core::crdt::{Digest, Incarnation, NodeId};
use symbolon_core::gossip::{Gossip, Incoming, Local, PUSH_PEERS, Peer, Sent};
use symbolon_core::state::{NodeRecord, View};
use symbolon_core::time::Tick;
use symbolon_core::wire::message::Message;

const THEIRS: NodeId = NodeId([7; 16]);
const LIFE: Incarnation = Incarnation(1);

fn records_of(_: &View) -> Digest {
    Digest([1; 16])
}

/// A node that has some state of its own, its gossip, and a peer of which nothing is known.
fn acquainted() -> (Cluster, Gossip) {
    let mut cluster = Cluster::strangers(1);
    cluster.define(0, "first");
    let mut gossip = Gossip::new([1; 32], &cluster.nodes[0].config.gossip, Tick(0));
    gossip.meet(THEIRS, &"https://them".into(), Tick(0));
    (cluster, gossip)
}

/// What the peer says, who holds exactly this view and knows of our record.
fn says(view: &View, number: u64) -> Message {
    let own = view.nodes.get(&view.identity.node).expect("a node has a record");
    Message {
        number,
        your_life: view.identity.incarnation,
        changes: view.cells.vector().iter().collect(),
        digest: view.cells.root(),
        record_digest: records_of(view),
        your_record: own.version,
        ..Message::default()
    }
}

fn hear(peer: &mut Peer, view: &View, message: Message) {
    let own = view.identity.incarnation;
    peer.receive(Incoming { incarnation: LIFE, own, message, now: Tick(0) }).expect("it contradicts nothing");
}

/// A round is opened, and comes back; whether another follows at once.
fn round(gossip: &mut Gossip, held: &Arc<View>, view: &View, meanwhile: impl FnOnce(&mut Gossip)) -> bool {
    round_of(gossip, held, view, false, meanwhile)
}

fn round_of(
    gossip: &mut Gossip,
    held: &Arc<View>,
    view: &View,
    eager: bool,
    meanwhile: impl FnOnce(&mut Gossip),
) -> bool {
    let exchange = gossip.depart(THEIRS, Sent::default(), [0; 16], held, Tick(0));
    meanwhile(gossip);
    let flight = gossip.arrived(THEIRS, exchange, Tick(0)).expect("it is in flight");
    let peer = gossip.peers.get_mut(&THEIRS).expect("it is known");
    peer.goes_on(&flight, view, records_of(view), eager)
}

#[test]
fn rounds_that_bring_nothing_come_to_an_end_but_news_goes_on() {
    let (cluster, mut gossip) = acquainted();
    let view = cluster.nodes[0].view.clone();
    let goes_on = |gossip: &mut Gossip| round(gossip, &view, &view, |_| {});
    let times = (0..10).take_while(|_| goes_on(&mut gossip)).count();
    assert_eq!(times, 3, "it never says that it holds what we hold");
    assert!(!goes_on(&mut gossip));

    let news = |gossip: &mut Gossip| {
        gossip.push_within(Duration::ZERO, Tick(0));
        assert!(gossip.due(&view, records_of(&view), Tick(0)).is_empty(), "a round is in flight");
    };
    assert!(round(&mut gossip, &view, &view, news), "what is new here by now waits for nothing");
    assert!(!goes_on(&mut gossip), "once");
}

#[test]
fn what_came_while_a_round_was_under_way_is_left_to_its_author() {
    let mut cluster = Cluster::of(2);
    let mut gossip = Gossip::new([1; 32], &cluster.nodes[0].config.gossip, Tick(0));
    gossip.meet(THEIRS, &"https://them".into(), Tick(0));
    let before = cluster.nodes[0].view.clone();
    cluster.define(1, "theirs");
    cluster.run_ms(100);
    let after = cluster.nodes[0].view.clone();
    assert!(after.scope("theirs").is_some());
    let goes_on = |gossip: &mut Gossip, held: &Arc<View>, eager| {
        hear(gossip.peers.get_mut(&THEIRS).expect("it is known"), &after, says(&before, 1));
        round_of(gossip, held, &after, eager, |_| {})
    };
    assert!(!goes_on(&mut gossip, &before, false), "it holds what was held when the round was opened");
    assert!(goes_on(&mut gossip, &after, false), "here it does not");
    assert!(goes_on(&mut gossip, &before, true), "unless its author cannot reach everybody");
    assert!(!gossip.peers[&THEIRS].is_equal(&after, records_of(&after)), "and is asked again in an interval");
}

#[test]
fn what_was_written_here_meanwhile_goes_on_even_if_a_reply_carried_it() {
    let (mut cluster, mut gossip) = acquainted();
    let before = cluster.nodes[0].view.clone();
    cluster.define(0, "second");
    let after = cluster.nodes[0].view.clone();
    let exchange = gossip.depart(THEIRS, Sent::default(), [0; 16], &before, Tick(0));
    let peer = gossip.peers.get_mut(&THEIRS).expect("it is known");
    hear(peer, &after, says(&before, 1)); // What it said before it could hear of our change.
    let flight = gossip.arrived(THEIRS, exchange, Tick(0)).expect("it is in flight");
    let peer = gossip.peers.get_mut(&THEIRS).expect("it is known");
    assert!(peer.goes_on(&flight, &after, records_of(&after), false));
}

/// Whether a round goes on after which the peer lists these versions; it was told ours, or not.
fn goes_on_after(view: &Arc<View>, listed: bool, versions: Vec<(NodeId, u64)>) -> bool {
    let mut gossip = Gossip::new([1; 32], &view.config.gossip, Tick(0));
    gossip.meet(THEIRS, &"https://them".into(), Tick(0));
    let exchange = gossip.depart(THEIRS, Sent { listed, ..Sent::default() }, [0; 16], view, Tick(0));
    let lists = Message { record_versions: versions, record_digest: Digest([2; 16]), ..says(view, 1) };
    hear(gossip.peers.get_mut(&THEIRS).expect("it is known"), view, lists);
    let flight = gossip.arrived(THEIRS, exchange, Tick(0)).expect("it is in flight");
    gossip.peers.get_mut(&THEIRS).expect("it is known").goes_on(&flight, view, records_of(view), false)
}

#[test]
fn a_list_that_lacks_what_was_held_is_answered_and_one_that_shows_more_is_asked() {
    let cluster = Cluster::of(2);
    let view = cluster.nodes[0].view.clone();
    let all: Vec<(NodeId, u64)> = view.nodes.values().map(|record| (record.node, record.version)).collect();
    assert!(!goes_on_after(&view, true, all.clone()), "both hold the same, whatever the digest was a moment ago");
    assert!(goes_on_after(&view, false, all[..1].to_vec()), "it lacks one");
    let newer: Vec<_> = all.iter().map(|(node, version)| (*node, version + 1)).collect();
    assert!(goes_on_after(&view, true, newer.clone()), "it was told which ones we have, and has newer ones");
    assert!(!goes_on_after(&view, false, newer), "it does not know what to send: that takes an interval");
}

/// Whoever waits for many goes to a few at one time, and to none of them again within the interval.
#[test]
fn hurry_goes_to_a_few_at_one_time() {
    let (cluster, mut gossip) = acquainted();
    let view = cluster.nodes[0].view.clone();
    let interval = cluster.nodes[0].config.gossip.interval;
    (0..3 * PUSH_PEERS as u8).for_each(|n| gossip.meet(NodeId([100 + n; 16]), &"https://them".into(), Tick(0)));
    gossip.peers.values_mut().for_each(|peer| peer.urgent = false);
    let urgent = |gossip: &Gossip| -> Vec<NodeId> {
        gossip.peers.values().filter(|peer| peer.urgent).map(|peer| peer.node).collect()
    };
    gossip.hurry(|_| false, interval, Tick(0));
    assert!(urgent(&gossip).is_empty(), "nobody is lacking");
    gossip.hurry(|_| true, interval, Tick(0));
    let first = urgent(&gossip);
    assert_eq!(first.len(), PUSH_PEERS);
    let opened: Vec<_> =
        first.iter().map(|node| (*node, gossip.depart(*node, Sent::default(), [0; 16], &view, Tick(0)))).collect();
    gossip.hurry(|_| true, interval, Tick(0));
    assert!(urgent(&gossip).is_empty(), "so many rounds are open");
    for (node, exchange) in opened {
        gossip.arrived(node, exchange, Tick(1)).expect("it is in flight");
        gossip.peers.get_mut(&node).expect("it is known").last_exchange = Some(Tick(1));
    }
    gossip.hurry(|_| true, interval, Tick(2));
    let second = urgent(&gossip);
    assert_eq!(second.len(), PUSH_PEERS);
    assert!(second.iter().all(|node| !first.contains(node)), "those were just heard");
}

#[test]
fn records_that_are_not_taken_do_not_stand_before_the_others() {
    let (cluster, mut gossip) = acquainted();
    let mut view = View::clone(&cluster.nodes[0].view);
    let own: Arc<NodeRecord> = view.nodes.get(&view.identity.node).expect("a node has a record").clone();
    let count = MAX_RECORDS_PER_FRAME + 10;
    for n in 0..count {
        let node = NodeId([n as u8 + 10; 16]);
        view.nodes.insert(node, Arc::new(NodeRecord { node, ..NodeRecord::clone(&own) }));
    }
    let peer = gossip.peers.get_mut(&THEIRS).expect("it is known");
    let marks = imbl::OrdMap::new();
    let local = Local {
        view: &view,
        number: 1,
        record_digest: records_of(&view),
        expiring: Digest::default(),
        marks: &marks,
        alarmed: false,
        now: Tick(0),
    };
    let mut offered = BTreeSet::new();
    for number in 1..=3 {
        let has_none = Message {
            record_versions: vec![(THEIRS, 1)],
            record_digest: Digest([2; 16]),
            ..says(&cluster.nodes[0].view, number)
        };
        hear(peer, &view, has_none);
        let (_, sent) = peer.compose(&local);
        offered.extend(sent.records.into_iter().map(|(node, _)| node));
    }
    assert_eq!(offered.len(), count + 1, "it took none, and was offered all");
}

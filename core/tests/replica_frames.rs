//! Conversations about frames that are not to be believed: each is refused for its own reason, and changes nothing.

mod common {
    pub mod cluster;
    pub mod forger;
}

use std::sync::Arc;
use std::time::Duration;

use common::cluster::Cluster;
use common::forger::part;
use symbolon_core::config::{
    FRAME_WINDOW, MAX_ARRIVALS_PER_FRAME, MAX_FRAME_BYTES, MAX_RECORDS_PER_FRAME, MAX_STAGED_CELLS,
};
use symbolon_core::crdt::{Cell, Dot, Hlc, Incarnation, Op};
use symbolon_core::crypto::soft::{self, SeededRandom};
use symbolon_core::envelope::{Letter, Purpose};
use symbolon_core::fault::Reject;
use symbolon_core::replica::{Event, Fact, IdentityKeys, Request};
use symbolon_core::state::{Body as Meaning, Collection, Key, RevokedId, Scope};
use symbolon_core::time::Wall;
use symbolon_core::wire::message::{self, Body, Message};
use symbolon_core::wire::{record, value};

/// Two nodes that know each other and are at rest.
fn pair() -> Cluster {
    let mut cluster = Cluster::of(2);
    cluster.run_ms(5_000);
    cluster
}

/// The frame is refused for this reason, counted, and nothing has changed. Whether it counts for the peer that it names.
fn refused(cluster: &mut Cluster, frame: Vec<u8>, reason: Reject, counts_for_peer: bool) {
    let before = cluster.fingerprint(0);
    let counted = cluster.rejects(0, 1, reason);
    let facts = cluster.nodes[0].facts.len();
    let outcome = cluster.inject(0, frame);
    match reason {
        Reject::ClockDrift | Reject::Stale | Reject::Superseded => {
            assert!(outcome.is_ok(), "{reason} is told with a signature: {outcome:?}");
        }
        _ => assert_eq!(outcome.err(), Some(reason)),
    }
    assert_eq!(cluster.fingerprint(0), before, "{reason}");
    let (all, of_peer) = cluster.rejects(0, 1, reason);
    assert_eq!((all, of_peer), (counted.0 + 1, counted.1 + u64::from(counts_for_peer)), "{reason}");
    let noted = &cluster.nodes[0].facts[facts..];
    assert!(noted.iter().any(|fact| matches!(fact, Fact::Rejected { reason: noted, .. } if *noted == reason)));
}

fn body(message: Message) -> Vec<u8> {
    message::encode(&Body::Message(Box::new(message)))
}

/// An honest letter from the second node to the first.
fn letter(cluster: &Cluster) -> Letter {
    cluster.letter(1, 0, body(cluster.message(1, 0)))
}

#[test]
fn an_honest_frame_is_taken_once() {
    let mut cluster = pair();
    let frame = cluster.frame(1, 0, &letter(&cluster));
    assert!(cluster.inject(0, frame.clone()).is_ok());
    refused(&mut cluster, frame, Reject::Replayed, true);
}

#[test]
fn what_is_no_frame_is_refused() {
    let mut cluster = pair();
    let frame = cluster.frame(1, 0, &letter(&cluster));
    refused(&mut cluster, vec![0x30; MAX_FRAME_BYTES + 1], Reject::Oversized, false);
    refused(&mut cluster, Vec::new(), Reject::Malformed, false);
    for len in [1, 100, frame.len() / 2, frame.len() - 1] {
        refused(&mut cluster, frame[..len].to_vec(), Reject::Malformed, false);
    }
}

#[test]
fn no_flipped_bit_gets_through() {
    let mut cluster = pair();
    let frame = cluster.frame(1, 0, &letter(&cluster));
    let before = cluster.fingerprint(0);
    for bit in (0..frame.len() * 8).step_by(61) {
        let mut flipped = frame.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(cluster.inject(0, flipped).is_err(), "bit {bit}");
    }
    assert_eq!(cluster.fingerprint(0), before);
    assert!(cluster.inject(0, frame).is_ok(), "the frame itself was not used up");
}

#[test]
fn strangers_are_not_heard() {
    let mut cluster = pair();
    let stranger = IdentityKeys::generate(&soft::crypto(Arc::new(SeededRandom::new([99; 32]))));
    let mut foreign = letter(&cluster);
    foreign.sender = stranger.node().0;
    let frame = cluster.seal_as(&stranger, 0, &foreign);
    refused(&mut cluster, frame, Reject::UnknownSender, false);
}

#[test]
fn who_is_not_on_the_allowlist_is_not_heard() {
    let mut cluster = pair();
    let mut config = (*cluster.nodes[0].config).clone();
    config.allowed_nodes = ["n7".to_owned()].into();
    cluster.handle(0, Event::Reconfigure(Arc::new(config)));
    let frame = cluster.frame(1, 0, &letter(&cluster));
    refused(&mut cluster, frame, Reject::NotAdmitted, true);
    let second = cluster.nodes[1].keys.node();
    let keys = &cluster.nodes[0].view.token_keys;
    assert!(!keys.is_empty() && keys.values().all(|key| key.owner != second), "nor do its token keys count");
}

#[test]
fn a_letter_for_somebody_else_is_refused() {
    let mut cluster = pair();
    let id = [7; 16];
    for mismatched in [
        Letter { receiver: id, ..letter(&cluster) },
        Letter { sender: id, ..letter(&cluster) },
        Letter { cluster: id, ..letter(&cluster) },
        Letter { purpose: Purpose::SyncReply, ..letter(&cluster) },
    ] {
        let frame = cluster.frame(1, 0, &mismatched);
        refused(&mut cluster, frame, Reject::Mismatched, true);
    }
    let sealed_to_itself = cluster.seal_as(&cluster.nodes[1].keys, 1, &letter(&cluster));
    refused(&mut cluster, sealed_to_itself, Reject::NotForUs, true);
}

#[test]
fn a_refusal_is_no_question() {
    let mut cluster = pair();
    let refusal = message::Refusal { reason: Reject::ClockDrift, answers: [0; 16], record: None };
    let frame = cluster.frame(1, 0, &cluster.letter(1, 0, message::encode(&Body::Refusal(refusal))));
    refused(&mut cluster, frame, Reject::Mismatched, true);
}

#[test]
fn time_is_judged_both_ways() {
    let mut cluster = pair();
    let now = cluster.now(0).wall;
    let drift = cluster.nodes[0].config.gossip.max_clock_drift;
    let second = Duration::from_millis(1);
    for (sent, reason) in [
        (now.before(FRAME_WINDOW + second), Reject::Stale),
        (now.after(FRAME_WINDOW + second), Reject::Stale),
        (now.after(drift + second), Reject::ClockDrift),
        (now.before(drift + second), Reject::ClockDrift),
    ] {
        let frame = cluster.frame(1, 0, &Letter { sent, ..letter(&cluster) });
        refused(&mut cluster, frame, reason, true);
    }
    assert!(cluster.nodes[0].view.readiness.is_ready(), "a frame that was kept back says nothing about clocks");
}

#[test]
fn a_former_incarnation_is_told_so() {
    let mut cluster = pair();
    let incarnation = letter(&cluster).incarnation - 1;
    let frame = cluster.frame(1, 0, &Letter { incarnation, ..letter(&cluster) });
    refused(&mut cluster, frame, Reject::Superseded, true);
}

#[test]
fn another_version_and_garbage_have_their_own_names() {
    let mut cluster = pair();
    let mut newer = body(cluster.message(1, 0));
    newer[1] = 2;
    let frame = cluster.frame(1, 0, &cluster.letter(1, 0, newer));
    refused(&mut cluster, frame, Reject::Version, true);
    let frame = cluster.frame(1, 0, &cluster.letter(1, 0, b"garbage".to_vec()));
    refused(&mut cluster, frame, Reject::Malformed, true);
}

#[test]
fn a_message_for_a_former_life_is_heard_for_its_senders_state_alone() {
    let mut cluster = pair();
    let mut message = cluster.message(1, 0);
    message.your_life = Incarnation(1);
    message.part = Some(part(0, true, vec![cluster.mark(1, 500)]));
    message.changes.push((cluster.replica_id(1), 500));
    let before = cluster.nodes[0].view.cells.vector().clone();
    cluster.say(1, 0, message).expect("it is no offence to be late");
    assert_eq!(*cluster.nodes[0].view.cells.vector(), before);
}

/// A message whose vector claims that the second node has written more.
fn claiming(cluster: &Cluster, seq: u64) -> Message {
    let mut message = cluster.message(1, 0);
    message.changes.push((cluster.replica_id(1), seq));
    message
}

fn say_refused(cluster: &mut Cluster, message: Message, reason: Reject) {
    let frame = cluster.frame(1, 0, &cluster.letter(1, 0, body(message)));
    refused(cluster, frame, reason, true);
}

#[test]
fn a_vector_is_believed_as_far_as_its_marks() {
    let mut cluster = pair();
    let held = cluster.nodes[0].view.cells.vector().get(cluster.replica_id(1));
    let mut forged = cluster.mark(1, held + 5);
    forged.seq += 1;
    let own = cluster.mark(0, held + 5);
    for marks in [vec![], vec![cluster.mark(1, held + 4)], vec![forged], vec![own]] {
        let mut message = claiming(&cluster, held + 5);
        message.part = Some(part(0, true, marks));
        say_refused(&mut cluster, message, Reject::Forged);
    }
    let mut message = claiming(&cluster, held + 5);
    message.part = Some(part(0, true, vec![cluster.mark(1, held + 5)]));
    cluster.say(1, 0, message).expect("a member may claim what it signed");
    assert_eq!(cluster.nodes[0].view.cells.vector().get(cluster.replica_id(1)), held + 5);
}

fn cell(cluster: &Cluster, seq: u64, hlc: Hlc) -> (Key, Cell<symbolon_core::state::Value>) {
    let value = value::encode(Meaning::Scope(Arc::new(Scope { description: String::new() })));
    let op = Op { dot: Dot { replica: cluster.replica_id(1), seq }, hlc, value: Some(value) };
    (Key::new(Collection::SCOPE, format!("s{seq}")), Cell::from_ops(vec![op]).expect("one op"))
}

#[test]
fn a_unit_that_contradicts_itself_is_refused_whole() {
    let mut cluster = pair();
    let held = cluster.nodes[0].view.cells.vector().get(cluster.replica_id(1));
    let now = Hlc::at(cluster.now(1).wall);
    let mark = cluster.mark(1, held + 9);

    let mut beyond = claiming(&cluster, held + 1);
    beyond.part = Some(part(0, true, vec![mark.clone()]));
    beyond.part.as_mut().expect("just set").cells = vec![cell(&cluster, held + 2, now)];
    say_refused(&mut cluster, beyond, Reject::Forged);

    let mut twice = claiming(&cluster, held + 1);
    twice.part = Some(part(0, true, vec![mark.clone()]));
    let one = cell(&cluster, held + 1, now);
    twice.part.as_mut().expect("just set").cells = vec![one.clone(), one];
    say_refused(&mut cluster, twice, Reject::Forged);

    let mut future = claiming(&cluster, held + 1);
    future.part = Some(part(0, true, vec![mark.clone()]));
    let ahead = Hlc::at(cluster.now(0).wall.after(Duration::from_secs(11)));
    future.part.as_mut().expect("just set").cells = vec![cell(&cluster, held + 1, ahead)];
    let before = cluster.fingerprint(0);
    cluster.say(1, 0, future).expect("it is told with a signature");
    assert_eq!(cluster.fingerprint(0), before, "ops from the future are not merged");
}

#[test]
fn parts_of_one_unit_must_agree() {
    let mut cluster = pair();
    let held = cluster.nodes[0].view.cells.vector().get(cluster.replica_id(1));
    let mark = cluster.mark(1, held + 9);
    let begin = |cluster: &mut Cluster, number| {
        let mut first = Message { number, ..claiming(cluster, held + 1) };
        first.part = Some(part(0, false, vec![mark.clone()]));
        cluster.say(1, 0, first).expect("the unit has begun");
    };
    begin(&mut cluster, 1 << 41);
    let mut deep = Message { number: 1 << 41, ..claiming(&cluster, held + 1) };
    deep.part = Some(message::Part { deep: true, ..part(1, true, Vec::new()) });
    say_refused(&mut cluster, deep, Reject::Forged);

    begin(&mut cluster, 1 << 42);
    let mut more = Message { number: 1 << 42, ..claiming(&cluster, held + 2) };
    more.part = Some(part(1, true, Vec::new()));
    say_refused(&mut cluster, more, Reject::Forged);
}

#[test]
fn a_unit_is_staged_only_up_to_its_bound() {
    const { assert!(MAX_STAGED_CELLS >= 1_000_000, "a store of a million cells fits into one unit") };
    let mut staging = symbolon_core::gossip::Staging::bounded(3);
    let vector = symbolon_core::crdt::VersionVector::new();
    let cluster = Cluster::strangers(2);
    let two = |index| {
        let cells = (1..=2).map(|seq| cell(&cluster, seq, Hlc(1))).collect();
        message::Part { cells, ..part(index, false, Vec::new()) }
    };
    assert!(staging.take(&vector, two(0), Default::default()).is_ok());
    assert_eq!(staging.take(&vector, two(1), Default::default()), Err(Reject::Oversized));
}

#[test]
fn more_than_a_frame_may_carry_is_malformed() {
    let mut cluster = pair();
    let expiry = cluster.now(0).wall.after(Duration::from_secs(3600));
    let arrival = |n: u64| {
        let mut id = [0; 16];
        id[..8].copy_from_slice(&n.to_be_bytes());
        (expiry, RevokedId::Session(id))
    };
    let with = |cluster: &Cluster, count: usize| {
        let mut message = cluster.message(1, 0);
        message.arrivals = (0..count as u64).map(arrival).collect();
        message
    };
    let too_many = with(&cluster, MAX_ARRIVALS_PER_FRAME + 1);
    say_refused(&mut cluster, too_many, Reject::Malformed);
    let enough = with(&cluster, MAX_ARRIVALS_PER_FRAME);
    cluster.say(1, 0, enough).expect("as many as may be");
    assert_eq!(cluster.nodes[0].view.revoked.len(), MAX_ARRIVALS_PER_FRAME);

    let own = cluster.nodes[1].view.nodes.values().next().expect("it knows records").clone();
    let mut message = cluster.message(1, 0);
    message.records = vec![(own.raw.clone(), own.signature); MAX_RECORDS_PER_FRAME + 1];
    say_refused(&mut cluster, message, Reject::Malformed);
}

#[test]
fn an_absurd_expiry_is_not_kept() {
    let mut cluster = pair();
    let mut message = cluster.message(1, 0);
    message.arrivals = vec![(Wall(u64::MAX), RevokedId::Session([1; 16]))];
    cluster.say(1, 0, message).expect("it is passed over");
    assert!(cluster.nodes[0].view.revoked.is_empty());
    cluster.ask(0, Request::Revoke(vec![(RevokedId::Session([1; 16]), Wall(u64::MAX))]));
    assert!(cluster.nodes[0].view.revoked.is_empty());
}

#[test]
fn a_record_counts_in_its_nodes_hand_alone() {
    let mut cluster = pair();
    let first = cluster.nodes[0].keys.node();
    let second = cluster.nodes[1].view.nodes.get(&cluster.nodes[1].keys.node()).expect("its own").clone();
    let (key, id) = {
        let crypto = soft::crypto(Arc::new(SeededRandom::new([98; 32])));
        (crypto.generate_signing_key().1, common::forger::cluster_id("test"))
    };
    let mut wrong_hand = (*second).clone();
    wrong_hand.version += 1;
    let wrong_hand = record::sign(wrong_hand, &*key, &id);
    let mut wrong_id = (*second).clone();
    wrong_id.gossip_key = key.public();
    wrong_id.node = first;
    let wrong_id = record::sign(wrong_id, &*key, &id);
    for forged in [wrong_hand, wrong_id] {
        let mut message = cluster.message(1, 0);
        message.arrivals = vec![(cluster.now(0).wall.after(Duration::from_secs(60)), RevokedId::Session([1; 16]))];
        message.records = vec![(forged.raw.clone(), forged.signature)];
        say_refused(&mut cluster, message, Reject::Forged);
    }
}

#[test]
fn only_the_nodes_own_hand_makes_it_give_way() {
    let mut cluster = pair();
    let before = cluster.nodes[0].view.identity.incarnation;
    let own = cluster.nodes[1].view.nodes.get(&cluster.nodes[0].keys.node()).expect("known").clone();
    let key = soft::crypto(Arc::new(SeededRandom::new([97; 32]))).generate_signing_key().1;
    let mut later = (*own).clone();
    later.incarnation = Incarnation(u64::MAX);
    let later = record::sign(later, &*key, &common::forger::cluster_id("test"));
    let mut message = cluster.message(1, 0);
    message.records = vec![(later.raw.clone(), later.signature)];
    say_refused(&mut cluster, message, Reject::Forged);
    assert_eq!(cluster.nodes[0].view.identity.incarnation, before);
}

#[test]
fn a_record_that_its_node_did_not_write_in_this_life_is_outdone_at_once() {
    let mut cluster = pair();
    let own = |cluster: &Cluster, place: usize| {
        cluster.nodes[place].view.nodes.get(&cluster.nodes[0].keys.node()).expect("known").clone()
    };
    // Somebody with its keys, and with its memory, went on far in its name.
    let scalar = symbolon_core::crypto::Secret32::new(
        cluster.nodes[0].keys.to_bytes()[..32].try_into().expect("the scalar comes first"),
    );
    let key = cluster.nodes[0].crypto.ecdsa.signing_key(&scalar).expect("an identity holds a valid scalar");
    let mut twin = (*own(&cluster, 0)).clone();
    twin.version += 1_000;
    let twin = record::sign(twin, &*key, &common::forger::cluster_id("test"));
    let mut message = cluster.message(1, 0);
    message.records = vec![(twin.raw.clone(), twin.signature)];
    cluster.say(1, 0, message).expect("it is in its own hand");
    cluster.run_ms(3_000);
    let outdone = own(&cluster, 0);
    assert!(outdone.version > twin.version, "{} against {}", outdone.version, twin.version);
    assert_eq!(own(&cluster, 1).raw, outdone.raw);
}

#[test]
fn nothing_that_is_noted_carries_a_secret() {
    let mut cluster = pair();
    cluster.ask(0, Request::SetClusterKey { key: symbolon_core::crypto::Secret32::new([0xab; 32]) });
    cluster.run_ms(5_000);
    let said = format!("{:?}", cluster.nodes.iter().map(|node| &node.facts).collect::<Vec<_>>());
    for secret in ["abababab", "171, 171, 171", "q6urq6ur"] {
        assert!(!said.contains(secret));
    }
}

//! Conversations about an alarm: equal vectors, other cells. It is raised, measured by the buckets, and lifted; nothing is repaired.

mod common {
    pub mod cluster;
}

use common::cluster::Cluster;
use imbl::OrdMap;
use symbolon_core::crdt::{BUCKETS, Digest, Incarnation};
use symbolon_core::gossip::{Incoming, Local, Peer};
use symbolon_core::state::View;
use symbolon_core::time::Tick;
use symbolon_core::wire::message::Message;

const OWN: Incarnation = Incarnation(7);

/// What a peer says that holds what this view holds.
fn said(view: &View, digest: Digest, buckets: &[Digest]) -> Message {
    Message {
        number: 1,
        your_life: OWN,
        changes: view.cells.vector().iter().collect(),
        digest,
        buckets: buckets.to_vec(),
        purge_mark: view.revoked.mark(),
        ..Message::default()
    }
}

fn hear(peer: &mut Peer, view: &View, message: Message) -> bool {
    let marks = OrdMap::new();
    let local = Local {
        view,
        number: 1,
        record_digest: Digest::default(),
        expiring: Digest::default(),
        marks: &marks,
        alarmed: false,
        now: Tick(0),
    };
    let incoming = Incoming { incarnation: Incarnation(3), own: OWN, message, now: Tick(0) };
    let heard = peer.receive(incoming).expect("it contradicts nothing");
    peer.compare(&local, &heard.after)
}

#[test]
fn other_cells_under_equal_vectors_are_an_alarm_that_names_how_much_differs() {
    let mut cluster = Cluster::of(1);
    for _ in 0..20 {
        cluster.create_client(0);
    }
    let view = cluster.nodes[0].view.clone();
    let node = cluster.nodes[0].keys.node();
    let mut peer = Peer::new(node, "https://peer".into(), Tick(0));
    let ours = view.cells.buckets();
    assert!(!hear(&mut peer, &view, said(&view, view.cells.root(), &[])));

    assert!(hear(&mut peer, &view, said(&view, Digest([9; 16]), &[])), "the roots differ");
    assert_eq!(peer.stats.diverging_buckets, None, "it has not said its buckets yet");
    let mut theirs = ours.to_vec();
    assert_eq!(theirs.len(), BUCKETS);
    theirs[3] = Digest([1; 16]);
    theirs[200] = Digest([2; 16]);
    assert!(hear(&mut peer, &view, said(&view, Digest([9; 16]), &theirs)));
    assert_eq!(peer.stats.diverging_buckets, Some(2));

    assert!(!hear(&mut peer, &view, said(&view, view.cells.root(), &[])), "the same again");
    assert_eq!(peer.stats.diverging_buckets, None);
}

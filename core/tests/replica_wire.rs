//! Bytes on the wire and on the disk: the same for ever, whatever they are they panic nothing, and what is new is skipped.

use std::collections::BTreeSet;
use std::sync::Arc;

use proptest::prelude::*;
use symbolon_core::config::{MAX_ADDRESS_BYTES, MAX_ID_BYTES, MAX_TOKEN_KEYS, MAX_VALUE_BYTES};
use symbolon_core::crdt::{Cell, Digest, Dot, Epoch, Hlc, Incarnation, NodeId, Op, ReplicaId};
use symbolon_core::crypto::soft::{self, SeededRandom};
use symbolon_core::crypto::{Secret32, node_id};
use symbolon_core::fault::Reject;
use symbolon_core::state::{
    Body as Meaning, Client, ClientAuthMethod, ClientSecret, Collection, Grant, Key, KeyStage, NodeRecord,
    PublishedKey, RevokedId, RingKeyId, RingKeyMeta, Scope, Standing, Value,
};
use symbolon_core::time::Wall;
use symbolon_core::wire::mark::Mark;
use symbolon_core::wire::message::{self, Body, Message, Part, Refusal};
use symbolon_core::wire::row::{self, Meta};
use symbolon_core::wire::{record, value};

const CLUSTER: [u8; 16] = *b"cluster of tests";

fn replica(n: u8) -> ReplicaId {
    ReplicaId { node: NodeId([n; 16]), incarnation: Incarnation(u64::from(n) << 20) }
}

fn client() -> Client {
    Client {
        name: "shop".into(),
        auth_method: ClientAuthMethod::SecretBasic,
        grants: [Grant::ClientCredentials].into(),
        scopes: BTreeSet::from(["read".to_owned()]),
        redirect_uris: vec!["https://shop.example/cb".into()],
        audience: vec!["https://api.example".into()],
        access_token_ttl_s: Some(300),
        created: Wall(1_800_000_000_000),
    }
}

fn values() -> Vec<(Collection, Value)> {
    let secret = ClientSecret { current: [1; 32], former: Some(([2; 32], Wall(9))) };
    vec![
        (Collection::CLIENT, value::encode(Meaning::Client(Arc::new(client())))),
        (Collection::CLIENT_SECRET, value::encode(Meaning::ClientSecret(Arc::new(secret)))),
        (Collection::CLIENT_STANDING, value::encode(Meaning::Standing(Standing::Denied))),
        (Collection::KEY_STANDING, value::encode(Meaning::Standing(Standing::Reinstated))),
        (Collection::SCOPE, value::encode(Meaning::Scope(Arc::new(Scope { description: "read".into() })))),
        (Collection::RING_KEY, value::encode(Meaning::RingKey(RingKeyMeta { created: Wall(7) }))),
        (Collection::SESSION_CUTOFF, value::encode(Meaning::Cutoff(Wall(8)))),
    ]
}

fn cell() -> Cell<Value> {
    let op = |n: u8, value| Op {
        dot: Dot { replica: replica(n), seq: u64::from(n) },
        hlc: Hlc(u64::from(n) << 16),
        value,
    };
    Cell::from_ops(vec![op(1, Some(values()[0].1.clone())), op(2, None)]).expect("two authors")
}

fn signed_record() -> NodeRecord {
    let crypto = soft::crypto(Arc::new(SeededRandom::new([1; 32])));
    let (_, key) = crypto.generate_signing_key();
    let point = key.public();
    let published = |stage| PublishedKey { kid: "kid".into(), point, published: Wall(5), stage };
    let unsigned = NodeRecord {
        node: NodeId(node_id(&point)),
        version: 3,
        name: "n1".into(),
        incarnation: Incarnation(4),
        address: "https://n1".into(),
        gossip_key: point,
        kem_key: Box::new([6; 1184]),
        token_keys: vec![published(KeyStage::Active), published(KeyStage::Retiring(Wall(9)))],
        ring: vec![RingKeyId([7; 16])],
        signed: Wall(0),
        raw: [].into(),
        signature: [0; 64],
    };
    record::sign(unsigned, &*key, &CLUSTER)
}

fn full_message() -> Message {
    let mark = Mark { replica: replica(1), seq: 5, signature: [3; 64] };
    Message {
        number: 9,
        base: 8,
        your_life: Incarnation(7),
        heard: 6,
        resync: true,
        changes: vec![(replica(1), 5), (replica(2), 6)],
        digest: Digest([1; 16]),
        buckets: vec![Digest([2; 16]); 2],
        part: Some(Part {
            index: 0,
            last: true,
            deep: true,
            floor: vec![(replica(2), 1)],
            marks: vec![mark],
            cells: vec![(Key::new(Collection::CLIENT, "shop"), cell())],
        }),
        want: Some((4, 3)),
        records: vec![(signed_record().raw, [4; 64])],
        record_digest: Digest([5; 16]),
        record_versions: vec![(NodeId([6; 16]), 7)],
        your_record: 8,
        arrivals: vec![(Wall(9), RevokedId::Session([1; 16]))],
        expiring: Digest([7; 16]),
        purge_mark: Wall(10),
        epochs: Some(vec![(Epoch(11), Digest([8; 16]))]),
        answers: Some([9; 16]),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The bytes are those of the file, which is kept for ever. `UPDATE_GOLDEN=1` writes it: for a new version alone.
fn is_golden(name: &str, bytes: &[u8]) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, hex(bytes) + "\n").expect("the golden file is written");
    }
    let golden = std::fs::read_to_string(&path).expect("the golden file is there");
    assert_eq!(hex(bytes), golden.trim(), "{name}: other nodes and disks have these bytes");
}

#[test]
fn messages_are_what_they_always_were() {
    let bytes = message::encode(&Body::Message(Box::new(full_message())));
    is_golden("message-v1.hex", &bytes);
    assert_eq!(message::decode(&bytes), Ok(Body::Message(Box::new(full_message()))));
    let refusal =
        Refusal { reason: Reject::Superseded, answers: [1; 16], record: Some((signed_record().raw, [2; 64])) };
    let bytes = message::encode(&Body::Refusal(refusal.clone()));
    is_golden("refusal-v1.hex", &bytes);
    assert_eq!(message::decode(&bytes), Ok(Body::Refusal(refusal)));
    let mut later = message::encode_ring_question(&[RingKeyId([1; 16]), RingKeyId([3; 16])]);
    later[1] = message::VERSION + 1;
    assert_eq!(message::decode_ring_question(&later), Err(Reject::Version));
    assert_eq!(message::decode(&later), Err(Reject::Version));
    is_golden("ring-question-v1.hex", &message::encode_ring_question(&[RingKeyId([1; 16]), RingKeyId([3; 16])]));
    is_golden("ring-answer-v1.hex", &message::encode_ring_answer(&[&Secret32::new([2; 32])]));
}

#[test]
fn records_marks_and_values_are_what_they_always_were() {
    let signed = signed_record();
    is_golden("record-v1.hex", &[&signed.raw[..], &signed.signature].concat());
    assert_eq!(record::decode(&signed.raw, signed.signature), Ok(signed));
    let key = soft::crypto(Arc::new(SeededRandom::new([1; 32]))).generate_signing_key().1;
    is_golden("mark-v1.hex", &Mark::sign(&*key, &CLUSTER, replica(1), 5).signature);
    for (collection, known) in values() {
        is_golden(&format!("value-{}-v1.hex", collection.0), known.raw());
        assert_eq!(value::decode(collection, known.raw()).body(), known.body());
    }
}

#[test]
fn rows_are_what_they_always_were() {
    let key = Key::new(Collection::CLIENT, "shop");
    is_golden("row-cell-v1.hex", &[row::cell_key(&key), row::cell(&cell())].concat());
    assert_eq!(row::read_cell_row(Collection::CLIENT, &row::cell(&cell())), Ok(cell()));
    let mark = row::mark(5, Some((6, [7; 64])));
    is_golden("row-mark-v1.hex", &[row::mark_key(replica(1)), mark.clone()].concat());
    assert_eq!(row::read_mark(&mark), Ok((5, Some((6, [7; 64])))));
    is_golden("row-record-v1.hex", &row::record(&signed_record()));
    is_golden("row-expiring-v1.hex", &[row::revoked_key(RevokedId::Session([1; 16])), row::expiry(Wall(2))].concat());
    let meta = Meta {
        incarnation: Incarnation(1),
        clock: Hlc(2),
        floor: vec![(replica(1), 3)],
        digest: Digest([4; 16]),
        purge_mark: Wall(5),
    };
    is_golden("row-meta-v1.hex", &row::meta(&meta));
    assert_eq!(row::read_meta(&row::meta(&meta)), Ok(meta));
}

#[test]
fn what_a_later_version_adds_is_skipped() {
    let Ok(Body::Refusal(_)) = message::decode(&message::encode(&Body::Refusal(Refusal {
        reason: Reject::ClockDrift,
        answers: [0; 16],
        record: None,
    }))) else {
        panic!("a refusal");
    };
    let minimal = Message {
        resync: false,
        changes: Vec::new(),
        buckets: Vec::new(),
        part: None,
        want: None,
        records: Vec::new(),
        record_versions: Vec::new(),
        arrivals: Vec::new(),
        epochs: None,
        answers: None,
        ..full_message()
    };
    let mut bytes = message::encode(&Body::Message(Box::new(minimal.clone())));
    let map = bytes.iter().position(|byte| *byte == 0xa9).expect("nine fields are always there");
    bytes[map] = 0xaa;
    bytes.extend([0x18, 99, 0x82, 0x01, 0xa1, 0x02, 0x41, 0x03]);
    assert_eq!(message::decode(&bytes), Ok(Body::Message(Box::new(minimal))));
}

#[test]
fn limits_of_the_encodings_are_reached() {
    let long = |count: usize| "x".repeat(count);
    let with = |change: &dyn Fn(&mut NodeRecord)| {
        let crypto = soft::crypto(Arc::new(SeededRandom::new([1; 32])));
        let (_, key) = crypto.generate_signing_key();
        let mut unsigned = signed_record();
        change(&mut unsigned);
        let signed = record::sign(unsigned, &*key, &CLUSTER);
        record::decode(&signed.raw, signed.signature).is_ok()
    };
    assert!(with(&|record| record.address = long(MAX_ADDRESS_BYTES).into()));
    assert!(!with(&|record| record.address = long(MAX_ADDRESS_BYTES + 1).into()));
    assert!(with(&|record| record.name = long(MAX_ID_BYTES).into()));
    assert!(!with(&|record| record.name = long(MAX_ID_BYTES + 1).into()));
    let keys = |count: usize| vec![signed_record().token_keys[0].clone(); count];
    assert!(with(&|record| record.token_keys = keys(MAX_TOKEN_KEYS)));
    assert!(!with(&|record| record.token_keys = keys(MAX_TOKEN_KEYS + 1)));
    let reads = |bytes: usize| {
        let op = Op {
            dot: Dot { replica: replica(1), seq: 1 },
            hlc: Hlc(1),
            value: Some(value::decode(Collection(99), &vec![0; bytes])),
        };
        let cell = row::cell(&Cell::from_ops(vec![op]).expect("one op"));
        row::read_cell_row(Collection(99), &cell).is_ok()
    };
    assert!(reads(MAX_VALUE_BYTES) && !reads(MAX_VALUE_BYTES + 1));
}

/// Every decoder of bytes that come from elsewhere.
fn decode_all(bytes: &[u8]) {
    let _ = message::decode(bytes);
    let _ = message::decode_ring_question(bytes);
    let _ = message::decode_ring_answer(bytes);
    let _ = record::decode(&bytes.into(), [0; 64]);
    let _ = row::read_cell_key(bytes);
    let _ = row::read_mark_key(bytes);
    let _ = row::read_mark(bytes);
    let _ = row::read_record(bytes);
    let _ = row::read_revoked_key(bytes);
    let _ = row::read_expiry(bytes);
    let _ = row::read_pinned(bytes);
    let _ = row::read_meta(bytes);
    let _ = row::version(bytes);
    for collection in 0..=20 {
        let _ = row::read_cell_row(Collection(collection), bytes);
        assert_eq!(value::decode(Collection(collection), bytes).raw(), bytes, "a value keeps its author's bytes");
    }
}

proptest! {
    #[test]
    fn no_bytes_panic_a_decoder(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        decode_all(&bytes);
    }

    #[test]
    fn no_change_of_good_bytes_panics_a_decoder(at in any::<prop::sample::Index>(), new in any::<u8>(), cut in any::<prop::sample::Index>()) {
        let good = [
            message::encode(&Body::Message(Box::new(full_message()))),
            row::cell(&cell()),
            row::record(&signed_record()),
            values()[0].1.raw().to_vec(),
        ];
        for mut bytes in good {
            let place = at.index(bytes.len());
            bytes[place] = new;
            decode_all(&bytes);
            decode_all(&bytes[..cut.index(bytes.len())]);
        }
    }
}

#[test]
fn a_claimed_length_takes_no_memory() {
    // Arrays and texts of four thousand million items, of which none follows: a decoder that believed them would not return.
    for head in [
        &[0x84, 1, 0, 0x9a, 0xff, 0xff, 0xff, 0xff][..],
        &[0x83, 1, 0x9a, 0x00, 0x00, 0xff, 0xff],
        &[0xba, 0xff, 0xff, 0xff, 0xff],
    ] {
        decode_all(head);
    }
    assert_eq!(message::decode(&[0x84, 1, 0, 0x9a, 0xff, 0xff, 0xff, 0xff]), Err(Reject::Malformed));
}

//! Stories about the dotted store: races, removes and members that come back, what is sent and what is refused.

mod crdt_common;

use crdt_common::{Dice, Key, Store, Value, hlc, live, replica, sync, whole};
use symbolon_core::crdt::{
    Cell, Hlc, HybridClock, MAX_SEQ, MAX_SIBLINGS, NodeId, Op, Unit, UnitFault, VersionVector, latest,
};
use symbolon_core::time::Wall;

const ADA: Key = Key(1);
const BOB: Key = Key(2);

fn values(store: &Store, key: Key) -> Vec<u64> {
    store.get(&key).into_iter().flat_map(|cell| cell.siblings().map(|s| s.value.0)).collect()
}

fn fill(store: &mut Store, keys: u8, value: u64) {
    for key in 0..keys {
        store.write(replica(0, 1), Key(key), Value(value), hlc(value));
    }
}

#[test]
fn a_deny_and_a_concurrent_edit_are_both_kept_until_somebody_saw_both() {
    let (mut a, mut b) = (Store::new(), Store::new());
    a.write(replica(0, 1), ADA, Value(1), hlc(1));
    sync(&a, &mut b);
    a.write(replica(0, 1), ADA, Value(2), hlc(2));
    b.write(replica(1, 1), ADA, Value(3), hlc(3));
    sync(&a, &mut b);
    sync(&b, &mut a);
    assert_eq!(values(&a, ADA), [2, 3]);
    assert_eq!(live(&a), live(&b));
    let cell = a.get(&ADA).expect("written");
    assert_eq!(latest(cell.siblings()).map(|s| s.value.0), Some(3));

    b.write(replica(1, 1), ADA, Value(4), hlc(4));
    sync(&b, &mut a);
    assert_eq!(values(&a, ADA), [4]);
}

/// Three members hold ADA and BOB; C goes away; ADA is removed.
fn removed_while_c_is_away() -> (Store, Store, Store) {
    let (mut a, mut b, mut c) = (Store::new(), Store::new(), Store::new());
    a.write(replica(0, 1), ADA, Value(1), hlc(1));
    a.write(replica(0, 1), BOB, Value(2), hlc(2));
    sync(&a, &mut b);
    sync(&a, &mut c);
    assert!(b.remove(replica(1, 1), &ADA, hlc(3)).is_some());
    sync(&b, &mut a);
    (a, b, c)
}

#[test]
fn a_remove_reaches_a_member_that_was_away() {
    let (mut a, b, mut c) = removed_while_c_is_away();
    assert!(a.drop_empty(&[b.vector(), c.vector()]).is_empty(), "c has not acknowledged the remove");
    assert!(!a.cut(c.vector()).is_deep());
    sync(&c, &mut a);
    sync(&a, &mut c);
    assert_eq!(values(&c, ADA), [0; 0]);
    assert_eq!(a.drop_empty(&[b.vector(), c.vector()]), [ADA]);
    assert!(!a.cut(c.vector()).is_deep(), "whoever acknowledged the remove is above the floor");
    sync(&c, &mut a);
    assert_eq!(a.len(), 1, "the dropped cell stays away though c still has it");
}

#[test]
fn a_member_that_was_away_beyond_the_horizon_resurrects_nothing() {
    let (mut a, mut b, mut c) = removed_while_c_is_away();
    assert!(a.drop_before_horizon(hlc(3)).is_empty(), "the remove is not older than the horizon");
    assert_eq!(a.drop_before_horizon(hlc(4)), [ADA]);
    assert_eq!(b.drop_before_horizon(hlc(4)), [ADA]);
    // C edits BOB meanwhile, and speaks first.
    c.write(replica(2, 1), BOB, Value(5), hlc(9));
    sync(&c, &mut a);
    assert_eq!(values(&a, ADA), [0; 0]);
    let cut = a.cut(c.vector());
    assert!(cut.is_deep());
    let changes = c.merge(cut.unit()).expect("honest");
    assert_eq!(changes.died, [ADA]);
    assert_eq!(values(&c, BOB), [5]);
    assert!(c.floor().covers(a.floor()));
    sync(&c, &mut b);
    assert_eq!(live(&b), live(&c));
    [&a, &b, &c].iter().for_each(|store| store.assert_sound());
}

#[test]
fn a_remove_of_nothing_takes_no_dot() {
    let mut a = Store::new();
    assert_eq!(a.remove(replica(0, 1), &ADA, hlc(1)), None);
    a.write(replica(0, 1), ADA, Value(1), hlc(1));
    assert!(a.remove(replica(0, 1), &ADA, hlc(2)).is_some());
    assert_eq!(a.remove(replica(0, 1), &ADA, hlc(3)), None);
    assert_eq!((a.len(), a.live_len()), (1, 0));
    assert_eq!(a.drop_empty(&[]), [ADA], "a lone member waits for nobody");
    assert!(a.is_empty());
}

#[test]
fn a_cut_keeps_its_view_and_produces_its_parts_again() {
    let mut a = Store::new();
    fill(&mut a, 10, 1);
    let mut cut = a.cut(&VersionVector::new());
    fill(&mut a, 10, 2);
    let mut parts = Vec::new();
    while let Some(part) = cut.next_part(4, |key, _| if key.0 == 5 { 100 } else { 10 }, 50) {
        parts.push(part);
    }
    let sizes: Vec<usize> = parts.iter().map(|part| part.cells.len()).collect();
    assert_eq!(sizes, [4, 1, 1, 4], "four cells at most, fifty bytes at most, but a large cell alone");
    assert!(parts.iter().all(|part| part.last == (part.index == 3)));
    assert!(parts.iter().all(|part| cut.part(part.index).as_ref() == Some(part)));
    assert!(cut.part(4).is_none());
    let cells: Vec<_> = parts.into_iter().flat_map(|part| part.cells).collect();
    assert_eq!(cells, cut.unit().cells);
    assert!(cells.iter().all(|(_, cell)| cell.siblings().all(|s| s.value.0 == 1)));
    assert_eq!(cut.vector().get(replica(0, 1)), 10);
}

#[test]
fn a_cut_for_an_equal_peer_is_empty_and_still_ends() {
    let mut a = Store::new();
    a.write(replica(0, 1), ADA, Value(1), hlc(1));
    let mut cut = a.cut(a.vector());
    assert!(cut.is_empty());
    let part = cut.next_part(10, |_, _| 1, 10).expect("each cut has a last part");
    assert!(part.last && part.cells.is_empty());
    assert_eq!(cut.next_part(10, |_, _| 1, 10), None);
}

#[test]
fn a_delta_carries_what_changed_and_nothing_else() {
    let mut a = Store::new();
    fill(&mut a, 200, 1);
    let mut b = Store::new();
    sync(&a, &mut b);
    b.write(replica(1, 1), Key(7), Value(2), hlc(2));
    b.remove(replica(1, 1), &Key(9), hlc(2));
    let cut = b.cut(a.vector());
    let keys: Vec<Key> = cut.unit().cells.into_iter().map(|(key, _)| key).collect();
    assert_eq!(keys, [Key(7), Key(9)]);
    assert_eq!((cut.cell_count(), cut.base()), (2, a.vector()));
}

fn op(node: u8, seq: u64, value: Option<u64>) -> Op<Value> {
    Op { dot: replica(node, 1).dot(seq), hlc: hlc(1), value: value.map(Value) }
}

fn cell(node: u8, seq: u64) -> Cell<Value> {
    Cell::from_ops(vec![op(node, seq, Some(1))]).expect("one good op")
}

#[test]
fn what_no_honest_peer_would_send_is_refused_whole() {
    use UnitFault::*;
    assert_eq!(Cell::<Value>::from_ops(vec![]), Err(EmptyContext));
    assert_eq!(Cell::from_ops(vec![op(1, 0, None)]), Err(SequenceOutOfRange));
    assert_eq!(Cell::from_ops(vec![op(1, MAX_SEQ + 1, None)]), Err(SequenceOutOfRange));
    assert_eq!(Cell::from_ops(vec![op(1, 1, None), op(1, 2, Some(1))]), Err(RepeatedReplica));
    let crowd = |count: usize| {
        let author = |at: usize| symbolon_core::crdt::ReplicaId { node: NodeId([9; 16]), ..replica(9, at as u64) };
        Cell::from_ops((0..count).map(|at| Op { dot: author(at).dot(1), ..op(1, 1, Some(1)) }).collect())
    };
    assert!(crowd(MAX_SIBLINGS).is_ok());
    assert_eq!(crowd(MAX_SIBLINGS + 1), Err(TooManySiblings));

    let vector: VersionVector = [(replica(1, 1), 3)].into_iter().collect();
    let beyond: VersionVector = [(replica(1, 1), 4)].into_iter().collect();
    let wild: VersionVector = [(replica(1, 1), MAX_SEQ + 1)].into_iter().collect();
    let good = Unit { cells: vec![(ADA, cell(1, 3))], vector: vector.clone(), floor: vector.clone(), deep: false };
    let cases = [
        (Unit { vector: wild, ..good.clone() }, SequenceOutOfRange),
        (Unit { floor: beyond, ..good.clone() }, FloorBeyondVector),
        (Unit { cells: vec![(ADA, cell(1, 4))], ..good.clone() }, ContextBeyondVector),
        (Unit { cells: vec![(ADA, cell(2, 1))], ..good.clone() }, ContextBeyondVector),
        (Unit { cells: vec![(ADA, cell(1, 1)), (ADA, cell(1, 2))], ..good.clone() }, RepeatedKey),
        (Unit { cells: vec![(ADA, cell(1, 2)), (BOB, cell(1, 2))], ..good.clone() }, RepeatedDot),
    ];
    let mut store = Store::new();
    for (unit, fault) in cases {
        assert_eq!(unit.validate(), Err(fault));
        assert_eq!(store.merge(unit), Err(fault));
        assert!(store.is_empty() && store.vector().is_empty());
    }
    assert!(store.merge(good).is_ok());
}

#[test]
fn a_dot_that_a_liar_used_for_two_keys_hides_neither() {
    let mut store = Store::new();
    store.write(replica(2, 1), ADA, Value(1), hlc(1));
    store.write(replica(2, 1), BOB, Value(1), hlc(1));
    for key in [ADA, BOB] {
        let vector = [(replica(1, 1), 3)].into_iter().collect();
        let unit = Unit { cells: vec![(key, cell(1, 3))], vector, floor: VersionVector::new(), deep: false };
        store.merge(unit).expect("each lie alone is well formed");
    }
    store.assert_sound();
    let behind: VersionVector = [(replica(1, 1), 2), (replica(2, 1), 2)].into_iter().collect();
    let keys: Vec<Key> = store.cut(&behind).unit().cells.into_iter().map(|(key, _)| key).collect();
    assert_eq!(keys, [ADA, BOB]);
}

#[test]
fn a_store_is_rebuilt_from_its_rows() {
    let (mut a, _, _) = removed_while_c_is_away();
    a.drop_before_horizon(Hlc(u64::MAX));
    a.write(replica(0, 2), ADA, Value(7), hlc(8));
    a.remove(replica(0, 2), &BOB, hlc(9));
    let rows = whole(&a);
    let b = Store::load(rows.vector.clone(), rows.floor.clone(), rows.cells.clone()).expect("our own rows");
    b.assert_sound();
    assert_eq!(whole(&b), whole(&a));
    assert_eq!(b.root(), a.root());
    let torn = Store::load(VersionVector::new(), VersionVector::new(), rows.cells);
    assert_eq!(torn.err(), Some(UnitFault::ContextBeyondVector));
}

#[test]
fn digests_are_equal_exactly_if_the_live_states_are() {
    let mut dice = Dice::new(1);
    let mut states: Vec<Store> = vec![Store::new(); 3];
    let mut shown: Vec<Store> = Vec::new();
    for at in 0..300 {
        let who = dice.below(3);
        let key = Key(dice.below(4) as u8);
        match dice.below(5) {
            0 | 1 => {
                states[who].write(replica(who as u8, 1), key, Value(dice.below(2) as u64), hlc(at));
            }
            2 => {
                states[who].remove(replica(who as u8, 1), &key, hlc(at));
            }
            3 => {
                states[who].drop_before_horizon(hlc(at));
            }
            _ => {
                let from = states[dice.below(3)].clone();
                sync(&from, &mut states[who]);
            }
        }
        assert_eq!(states[who].buckets(), states[who].recompute());
        shown.push(states[who].clone());
    }
    for a in &shown {
        for b in &shown {
            assert_eq!(live(a) == live(b), a.root() == b.root());
            assert_eq!(live(a) == live(b), a.buckets() == b.buckets());
        }
    }
}

#[test]
fn the_hybrid_clock_only_moves_forward() {
    let mut clock = HybridClock::default();
    let first = clock.stamp(Wall(1000));
    assert_eq!((first.wall(), first.counter()), (Wall(1000), 0));
    let stepped_back = clock.stamp(Wall(10));
    assert_eq!((stepped_back.wall(), stepped_back.counter()), (Wall(1000), 1));
    clock.observe(Hlc(Hlc::at(Wall(2000)).0 + u64::from(u16::MAX)));
    let carried = clock.stamp(Wall(1500));
    assert_eq!((carried.wall(), carried.counter()), (Wall(2001), 0), "a full counter carries into the millisecond");
    clock.observe(Hlc(u64::MAX));
    assert_eq!(clock.stamp(Wall(u64::MAX)), Hlc(u64::MAX));
}

#[test]
fn a_node_id_is_read_as_it_is_shown() {
    let id = NodeId([0xab; 16]);
    assert_eq!(id.to_string(), "ab".repeat(16));
    assert_eq!(id.to_string().parse(), Ok(id));
    assert_eq!("AB".repeat(16).parse(), Ok(id));
    assert!("ab".repeat(15).parse::<NodeId>().is_err());
    assert!("zz".repeat(16).parse::<NodeId>().is_err());
    assert!("é".repeat(16).parse::<NodeId>().is_err());
}

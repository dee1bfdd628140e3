//! Version vectors against a naive map of marks, and what they say of a few authors.

mod crdt_common;

use std::collections::BTreeMap;

use crdt_common::{Dice, replica};
use symbolon_core::crdt::{ReplicaId, VersionVector};

/// Marks as anybody would write them down; none is 0.
type Marks = BTreeMap<ReplicaId, u64>;

fn marks(vector: &VersionVector) -> Marks {
    vector.iter().collect()
}

/// Entries in no order, with authors that come twice and marks of nothing. Most vectors speak of the same few authors.
fn entries(dice: &mut Dice) -> Vec<(ReplicaId, u64)> {
    let count = dice.below(9);
    (0..count).map(|_| (replica(dice.below(5) as u8, 1 + dice.below(2) as u64), dice.below(6) as u64)).collect()
}

fn greatest(marks: &mut Marks, entries: &[(ReplicaId, u64)]) {
    for (author, seq) in entries.iter().filter(|(_, seq)| *seq > 0) {
        let mark = marks.entry(*author).or_default();
        *mark = (*mark).max(*seq);
    }
}

fn mark(marks: &Marks, author: &ReplicaId) -> u64 {
    marks.get(author).copied().unwrap_or_default()
}

#[test]
fn a_vector_joins_covers_and_tells_its_changes() {
    let (a, b) = (replica(1, 1), replica(2, 1));
    let mut vector: VersionVector = [(a, 2), (b, 5), (a, 1)].into_iter().collect();
    assert_eq!((vector.get(a), vector.len()), (2, 2));
    vector.raise(replica(3, 1), 0);
    assert_eq!(vector.len(), 2, "nothing held is no entry");
    let base: VersionVector = [(a, 2), (b, 3)].into_iter().collect();
    assert_eq!(vector.changes_since(&base), [(b, 5)]);
    assert!(vector.covers(&base) && !base.covers(&vector));
    let mut joined = base.clone();
    joined.extend(vector.changes_since(&base));
    assert_eq!(joined, vector);
    assert!(vector.knows(b.dot(5)) && !vector.knows(b.dot(6)));
}

#[test]
fn a_vector_is_what_a_map_of_marks_is() {
    let mut dice = Dice::new(11);
    let (mut covered, mut apart) = (0, 0);
    for _ in 0..20_000 {
        let (ours, theirs) = (entries(&mut dice), entries(&mut dice));
        let (mut one, mut other) = (Marks::new(), Marks::new());
        greatest(&mut one, &ours);
        greatest(&mut other, &theirs);
        let left: VersionVector = ours.iter().copied().collect();
        let mut right: VersionVector = theirs.iter().copied().collect();
        assert_eq!((marks(&left), marks(&right)), (one.clone(), other.clone()), "{ours:?} {theirs:?}");
        assert_eq!((left.len(), left.is_empty()), (one.len(), one.is_empty()));

        let covers = other.iter().all(|(author, seq)| mark(&one, author) >= *seq);
        assert_eq!(left.covers(&right), covers, "{one:?} {other:?}");
        *(if covers { &mut covered } else { &mut apart }) += 1;
        let beyond =
            one.iter().filter(|(author, seq)| mark(&other, author) < **seq).map(|(author, seq)| (*author, *seq));
        assert_eq!(left.changes_since(&right), beyond.collect::<Vec<_>>(), "{one:?} {other:?}");

        let (mut joined, mut met, mut extended, before) = (left.clone(), left.clone(), left.clone(), left.clone());
        joined.join(&right);
        met.meet(&right);
        extended.extend(theirs.iter().copied());
        let mut union = one.clone();
        greatest(&mut union, &theirs);
        let both = one.iter().map(|(author, seq)| (*author, (*seq).min(mark(&other, author))));
        assert_eq!((marks(&joined), marks(&extended)), (union.clone(), union), "{one:?} {other:?}");
        assert_eq!(marks(&met), both.filter(|(_, seq)| *seq > 0).collect::<Marks>(), "{one:?} {other:?}");

        for (author, seq) in &ours {
            right.raise(*author, *seq);
        }
        assert_eq!(right, joined, "one by one is the same as at once");
        assert_eq!(left, before, "what shares its marks is left alone");
    }
    assert!(covered > 1_000 && apart > 1_000, "{covered} and {apart}");
}

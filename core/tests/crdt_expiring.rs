//! Stories about expiring sets: union in any order, clocks that step forward and back around the purge mark, epochs that mend
//! what the fast path lost.

mod crdt_common;

use crdt_common::{Dice, Key};
use symbolon_core::crdt::{Cursor, EPOCH_MS, Epoch, ExpiringSet, MAX_ARRIVALS, MAX_ARRIVALS_AT_ONCE};
use symbolon_core::time::Wall;

type Set = ExpiringSet<Key>;

fn items(set: &Set) -> Vec<(Wall, Key)> {
    set.iter().map(|(expiry, item)| (expiry, *item)).collect()
}

fn union(a: &Set, b: &Set) -> Set {
    let mut both = a.clone();
    both.merge(items(b));
    both
}

fn drawn(dice: &mut Dice) -> Set {
    let mut set = Set::new(Wall(0));
    for _ in 0..20 {
        set.insert(Wall(1 + dice.below(5 * EPOCH_MS as usize) as u64), Key(dice.below(12) as u8));
    }
    set
}

#[test]
fn union_commutes_associates_and_adds_nothing_twice() {
    let mut dice = Dice::new(7);
    for _ in 0..200 {
        let (a, b, c) = (drawn(&mut dice), drawn(&mut dice), drawn(&mut dice));
        assert_eq!(items(&union(&a, &b)), items(&union(&b, &a)));
        assert_eq!(items(&union(&union(&a, &b), &c)), items(&union(&a, &union(&b, &c))));
        let mut both = union(&a, &b);
        assert!(both.merge(items(&b)).is_empty());
        assert_eq!(both.epoch_digests(), union(&b, &a).epoch_digests());
        assert_eq!(items(&a) == items(&b), a.epoch_digests() == b.epoch_digests());
    }
}

#[test]
fn the_later_expiry_wins() {
    let mut set = Set::new(Wall(0));
    assert!(set.insert(Wall(50), Key(1)));
    assert!(!set.insert(Wall(40), Key(1)));
    assert!(!set.insert(Wall(50), Key(1)));
    assert!(set.insert(Wall(60), Key(1)));
    assert_eq!(items(&set), [(Wall(60), Key(1))]);
}

#[test]
fn a_clock_that_steps_forward_and_back_revives_nothing() {
    let mut set = Set::new(Wall(0));
    set.insert(Wall(100), Key(1));
    set.insert(Wall(200), Key(2));
    assert_eq!(set.purge(Wall(150)), [(Wall(100), Key(1))], "the clock stepped forward");
    assert!(set.purge(Wall(50)).is_empty(), "and back");
    assert_eq!(set.mark(), Wall(150));
    assert!(set.is_expired_for_ever(Wall(100)) && set.is_expired_for_ever(Wall(150)));
    assert!(!set.is_expired_for_ever(Wall(151)));
    assert!(!set.insert(Wall(150), Key(3)), "what expires at the mark is over");
    assert!(!set.contains(&Key(3)));
    assert!(set.insert(Wall(151), Key(1)), "a later expiry is another matter");

    let reborn = Set::new(set.mark());
    assert!(reborn.is_expired_for_ever(Wall(100)), "the mark survives a restart");
}

#[test]
fn whatever_was_inserted_is_held_or_over_whatever_the_clocks_do() {
    let mut dice = Dice::new(3);
    for _ in 0..200 {
        let mut sets = [Set::new(Wall(0)), Set::new(Wall(0))];
        let mut told: Vec<(usize, Wall, Key)> = Vec::new();
        for _ in 0..60 {
            let who = dice.below(2);
            let now = Wall(dice.below(300) as u64);
            match dice.below(4) {
                0 | 1 => {
                    let (expiry, item) = (Wall(1 + dice.below(300) as u64), Key(dice.below(8) as u8));
                    sets[who].insert(expiry, item);
                    told.push((who, expiry, item));
                }
                2 => {
                    sets[who].purge(now);
                }
                _ => {
                    let sent = items(&sets[1 - who]);
                    told.extend(sent.iter().map(|(expiry, item)| (who, *expiry, *item)));
                    sets[who].merge(sent);
                }
            }
            for (who, expiry, item) in &told {
                assert!(sets[*who].contains(item) || sets[*who].is_expired_for_ever(*expiry));
            }
        }
    }
}

#[test]
fn arrivals_are_followed_in_bounded_steps() {
    let mut set: ExpiringSet<Wide> = ExpiringSet::new(Wall(0));
    let total = MAX_ARRIVALS as u64 + 10;
    for at in 0..total {
        set.insert(Wall(1000 + at), Wide(at));
    }
    let mut cursor = Cursor::default();
    let mut followed = Vec::new();
    loop {
        let (items, next) = set.arrivals_since(cursor);
        assert!(items.len() <= MAX_ARRIVALS_AT_ONCE);
        if next == cursor {
            break;
        }
        followed.extend(items);
        cursor = next;
    }
    assert_eq!(followed.len(), MAX_ARRIVALS, "the oldest were forgotten");
    assert_eq!(cursor, set.arrivals_end());
    set.insert(Wall(5), Wide(total));
    set.insert(Wall(5000), Wide(total + 1));
    set.purge(Wall(5));
    assert_eq!(set.arrivals_since(cursor).0, [(Wall(5000), Wide(total + 1))], "what is over is not sent");
    assert!(set.arrivals_since(Cursor(u64::MAX)).0.is_empty());
}

#[test]
fn epochs_mend_what_the_fast_path_lost() {
    let mut dice = Dice::new(11);
    for _ in 0..100 {
        let (mut a, mut b) = (drawn(&mut dice), drawn(&mut dice));
        a.purge(Wall(dice.below(2 * EPOCH_MS as usize) as u64));
        let mark = a.mark().max(b.mark());
        // An item whose expiry differs moves to its later epoch on one side first, so it takes two rounds.
        for _ in 0..2 {
            for epoch in a.differing_epochs(&b.epoch_digests(), b.mark()) {
                assert!(epoch.start() > mark);
                let (ours, theirs): (Vec<_>, Vec<_>) = (epoch_of(&a, epoch), epoch_of(&b, epoch));
                a.merge(theirs);
                b.merge(ours);
            }
        }
        assert!(a.differing_epochs(&b.epoch_digests(), b.mark()).is_empty());
        let above =
            |set: &Set| items(set).into_iter().filter(|(e, _)| Epoch::of(*e).start() > mark).collect::<Vec<_>>();
        assert_eq!(above(&a), above(&b));
    }
}

fn epoch_of(set: &Set, epoch: Epoch) -> Vec<(Wall, Key)> {
    set.epoch_items(epoch).map(|(expiry, item)| (expiry, *item)).collect()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Wide(u64);

impl symbolon_core::crdt::Fingerprint for Wide {
    fn fingerprint(&self, sink: &mut dyn FnMut(&[u8])) {
        sink(&self.0.to_be_bytes());
    }
}

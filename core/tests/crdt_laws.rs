//! Every history of a small scope, to a bounded depth: merge commutes, associates, and adds nothing twice; a delta does what
//! the whole state does; nothing ever goes back.

mod crdt_common;

use std::collections::{BTreeSet, VecDeque};

use crdt_common::{Key, Live, Store, Value, hlc, live, replica, sync, whole};
use symbolon_core::crdt::{Dot, Hlc, Unit, VersionVector};

/// A handful of stores, and at most one delta on its way.
#[derive(Clone)]
struct Scope {
    stores: Vec<Store>,
    flying: Option<(usize, Unit<Key, Value>)>,
}

#[derive(Clone, Copy, Debug)]
enum Act {
    Write(usize, Key),
    Remove(usize, Key),
    Send(usize, usize),
    Hold(usize, usize),
    Land,
    Forget(usize),
}

/// What tells two states apart: every cell with its ops, vectors, floors, and what is on its way.
type Shape = (Vec<(Vec<(Key, Vec<(Dot, bool)>)>, Vec<u64>, Vec<u64>)>, Option<(usize, Vec<u64>, Vec<Key>, bool)>);

impl Scope {
    fn new(nodes: usize) -> Scope {
        Scope { stores: vec![Store::new(); nodes], flying: None }
    }

    fn acts(&self, keys: u8) -> Vec<Act> {
        let nodes = 0..self.stores.len();
        let mut acts = vec![Act::Land];
        for node in nodes.clone() {
            acts.push(Act::Forget(node));
            acts.extend((0..keys).flat_map(|key| [Act::Write(node, Key(key)), Act::Remove(node, Key(key))]));
            let others = nodes.clone().filter(|other| *other != node);
            acts.extend(others.flat_map(|other| [Act::Send(node, other), Act::Hold(node, other)]));
        }
        acts
    }

    fn play(&mut self, act: Act, at: u64) {
        match act {
            Act::Write(who, key) => {
                self.stores[who].write(replica(who as u8, 1), key, Value(at), hlc(at));
            }
            Act::Remove(who, key) => {
                self.stores[who].remove(replica(who as u8, 1), &key, hlc(at));
            }
            Act::Send(from, to) => {
                let unit = self.stores[from].cut(self.stores[to].vector()).unit();
                self.merge(to, unit);
            }
            Act::Hold(from, to) => {
                let unit = self.stores[from].cut(self.stores[to].vector()).unit();
                self.flying = Some((to, unit));
            }
            Act::Land => {
                if let Some((to, unit)) = self.flying.take() {
                    self.merge(to, unit);
                }
            }
            Act::Forget(who) => {
                self.stores[who].drop_before_horizon(Hlc(u64::MAX));
            }
        }
    }

    /// Merges, and holds the receiver to its word: it never goes back.
    fn merge(&mut self, to: usize, unit: Unit<Key, Value>) {
        let store = &mut self.stores[to];
        let before = store.clone();
        store.merge(unit).expect("an honest unit");
        assert!(store.vector().covers(before.vector()) && store.floor().covers(before.floor()));
        let (old, new) = (dots(&live(&before)), dots(&live(store)));
        let returned: Vec<&Dot> = new.difference(&old).filter(|dot| before.vector().knows(**dot)).collect();
        assert!(returned.is_empty(), "what was seen and is gone came back: {returned:?}");
    }

    fn shape(&self) -> Shape {
        let marks = |vector: &VersionVector| {
            (0..self.stores.len()).map(|node| vector.get(replica(node as u8, 1))).collect::<Vec<_>>()
        };
        let stores = self.stores.iter().map(|store| {
            let cells = store.iter().map(|(key, cell)| {
                (*key, cell.ops().iter().map(|op| (op.dot, op.value.is_some())).collect::<Vec<_>>())
            });
            (cells.collect::<Vec<_>>(), marks(store.vector()), marks(store.floor()))
        });
        let flying = self.flying.as_ref().map(|(to, unit)| {
            (*to, marks(&unit.vector), unit.cells.iter().map(|(key, _)| *key).collect(), unit.deep)
        });
        (stores.collect(), flying)
    }
}

fn dots(live: &Live) -> BTreeSet<Dot> {
    live.values().flat_map(|siblings| siblings.keys()).copied().collect()
}

fn joined(store: &Store, others: &[&Store]) -> Store {
    let mut store = store.clone();
    others.iter().for_each(|other| sync(other, &mut store));
    store
}

fn assert_same(a: &Store, b: &Store, law: &str) {
    assert_eq!(live(a), live(b), "{law}");
    assert_eq!(a.vector(), b.vector(), "{law}");
    assert_eq!(a.root(), b.root(), "{law}");
}

fn check_laws(scope: &Scope) {
    for a in &scope.stores {
        a.assert_sound();
        for b in &scope.stores {
            let ab = joined(a, &[b]);
            assert_same(&ab, &joined(b, &[a]), "merge commutes");

            let mut twice = ab.clone();
            let again = twice.merge(b.cut(a.vector()).unit()).expect("an honest unit");
            assert!(again.put.is_empty() && !again.advanced, "merge is idempotent");

            let mut full = a.clone();
            full.merge(whole(b)).expect("an honest unit");
            assert_same(&ab, &full, "a delta does what the whole state does");
        }
    }
    if let [a, b, c] = &scope.stores[..] {
        assert_same(&joined(&joined(a, &[b]), &[c]), &joined(a, &[&joined(b, &[c])]), "merge associates");
    }
}

/// Visits every state that `nodes` replicas can reach with `keys` keys in `depth` acts; how many there were.
fn explore(nodes: usize, keys: u8, depth: usize) -> usize {
    let mut seen = BTreeSet::from([Scope::new(nodes).shape()]);
    let mut frontier = VecDeque::from([(Scope::new(nodes), 0)]);
    while let Some((scope, at)) = frontier.pop_front() {
        check_laws(&scope);
        if at == depth {
            continue;
        }
        for act in scope.acts(keys) {
            let mut next = scope.clone();
            next.play(act, at as u64 + 1);
            if seen.insert(next.shape()) {
                frontier.push_back((next, at + 1));
            }
        }
    }
    println!("{nodes} replicas, {keys} keys, {depth} acts: {} states", seen.len());
    seen.len()
}

#[test]
fn two_replicas_and_one_key() {
    assert!(explore(2, 1, 7) > 5000);
}

#[test]
fn two_replicas_and_two_keys() {
    assert!(explore(2, 2, 5) > 5000);
}

#[test]
fn three_replicas_and_one_key() {
    assert!(explore(3, 1, 5) > 5000);
}

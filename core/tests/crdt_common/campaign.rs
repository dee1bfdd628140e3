//! Random histories of a small cluster, with an oracle: interleaved and broken transfers, dropped cells, crashes, disks that
//! go back or are lost, members that are away. A mistake can be planted in it; the oracle has to find it.

use std::collections::{BTreeMap, BTreeSet};

use symbolon_core::crdt::{Cell, Cut, Dot, HybridClock, Part, ReplicaId, Unit, VersionVector};
use symbolon_core::time::Wall;

use super::{Dice, Key, Store, Value, live, replica};

/// One rule that is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mistake {
    /// A peer below the floor gets cells, but lets go of nothing.
    NoDeepPath,
    /// The vector is taken with the first part.
    VectorCommitsEarly,
    /// Whoever touches a key, in vain or not, keeps no more context than what it replaces.
    ShallowContext,
    /// A boot keeps the incarnation of the disk.
    IncarnationKept,
    /// Parts are read from the store as it moves on.
    MovingView,
    /// The vector is read when the last part goes out.
    LateVector,
    /// Parts are applied as they come, the vector with the last.
    #[cfg(feature = "zoo")]
    PartsAsTheyCome,
    /// The store itself leaves out a rule.
    #[cfg(feature = "zoo")]
    Planted(symbolon_core::zoo::Bug),
}

/// How one history went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wrong {
    Refused(symbolon_core::crdt::UnitFault),
    LiveDiffers,
    VectorsDiffer,
    DigestsDiffer,
    CameBack(BTreeSet<Dot>),
    Lost(BTreeSet<Dot>),
}

/// The size of one history.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    pub seed: u64,
    pub steps: usize,
    pub nodes: usize,
    pub keys: usize,
}

impl Shape {
    pub fn of(seed: u64) -> Shape {
        let draw = seed as usize;
        Shape { seed, steps: 50 + draw % 150, nodes: 2 + draw % 4, keys: 1 + draw % 3 }
    }
}

#[derive(Clone)]
struct Member {
    id: ReplicaId,
    store: Store,
    clock: HybridClock,
    acknowledged: BTreeMap<usize, VersionVector>,
    /// For the oracle alone: every op that reached this disk.
    truth: BTreeSet<Dot>,
}

struct Entry {
    key: Key,
    value: Option<Value>,
    replaced: Vec<Dot>,
}

struct Transfer {
    from: usize,
    to: usize,
    cut: Cut<Key, Value>,
    staged: Vec<Part<Key, Value>>,
    truth: BTreeSet<Dot>,
}

struct World {
    shape: Shape,
    mistake: Option<Mistake>,
    dice: Dice,
    members: Vec<Member>,
    log: BTreeMap<Dot, Entry>,
    away: BTreeSet<usize>,
    backups: BTreeMap<usize, Member>,
    transfers: Vec<Transfer>,
    boots: Vec<u64>,
    wounds: usize,
}

/// Plays one history to its end; `None` if the oracle has nothing to say.
pub fn run(shape: Shape, mistake: Option<Mistake>) -> Option<Wrong> {
    #[cfg(feature = "zoo")]
    symbolon_core::zoo::plant(match mistake {
        Some(Mistake::Planted(bug)) => Some(bug),
        _ => None,
    });
    let mut world = World::new(shape, mistake);
    for at in 0..shape.steps {
        if let Err(wrong) = world.step(at as u64) {
            return Some(wrong);
        }
    }
    world.settle().err()
}

impl Member {
    fn new(node: usize, incarnation: u64) -> Member {
        let store = Store::new();
        let (clock, acknowledged, truth) = Default::default();
        Member { id: replica(node as u8, incarnation), store, clock, acknowledged, truth }
    }

    fn boot(&mut self, incarnation: u64, mistake: Option<Mistake>) {
        self.acknowledged.clear();
        if mistake != Some(Mistake::IncarnationKept) {
            self.id.incarnation.0 = incarnation;
        }
    }

    fn write(&mut self, key: Key, value: Option<Value>, now: Wall, mistake: Option<Mistake>) -> Option<(Dot, Entry)> {
        if mistake == Some(Mistake::ShallowContext) {
            self.forget_context(key);
        }
        let cell = self.store.get(&key);
        let replaced: Vec<Dot> = cell.into_iter().flat_map(Cell::siblings).map(|sibling| sibling.dot).collect();
        if value.is_none() && replaced.is_empty() {
            return None;
        }
        let stamp = self.clock.stamp(now);
        let dot = match value {
            Some(value) => self.store.write(self.id, key, value, stamp),
            None => self.store.remove(self.id, &key, stamp).expect("a sibling is live"),
        };
        self.truth.insert(dot);
        Some((dot, Entry { key, value, replaced }))
    }

    /// Rebuilds the store with a cell that remembers no op but its siblings.
    fn forget_context(&mut self, key: Key) {
        let shallow = |cell: &Cell<Value>| cell.ops().iter().filter(|op| op.value.is_some()).cloned().collect();
        let cells = self.store.iter().filter_map(|(at, cell)| {
            let cell = if *at == key { Cell::from_ops(shallow(cell)).ok()? } else { cell.clone() };
            Some((*at, cell))
        });
        let (vector, floor) = (self.store.vector().clone(), self.store.floor().clone());
        self.store = Store::load(vector, floor, cells.collect::<Vec<_>>()).expect("no context grew");
    }
}

impl World {
    fn new(shape: Shape, mistake: Option<Mistake>) -> World {
        World {
            shape,
            mistake,
            dice: Dice::new(shape.seed),
            members: (0..shape.nodes).map(|node| Member::new(node, 1)).collect(),
            log: BTreeMap::new(),
            away: BTreeSet::new(),
            backups: BTreeMap::new(),
            transfers: Vec::new(),
            boots: vec![1; shape.nodes],
            wounds: 0,
        }
    }

    fn step(&mut self, at: u64) -> Result<(), Wrong> {
        let who = self.dice.below(self.shape.nodes);
        match self.dice.percent() {
            0..28 => self.write(who, Some(Value(at)), at),
            28..40 => self.write(who, None, at),
            40..62 => self.open_transfer(who),
            62..85 => return self.move_transfer(),
            85..92 => self.forget(who, at),
            92..94 => {
                if !self.away.remove(&who) {
                    self.away.insert(who);
                }
            }
            94..96 => {
                self.backups.insert(who, self.members[who].clone());
            }
            96..98 => self.reboot(who, None),
            _ => self.wound(who),
        }
        Ok(())
    }

    fn write(&mut self, who: usize, value: Option<Value>, at: u64) {
        let key = Key(self.dice.below(self.shape.keys) as u8);
        // Each node's clock is off by a second more than the one before.
        let now = Wall(at + 1000 * who as u64);
        self.log.extend(self.members[who].write(key, value, now, self.mistake));
    }

    fn open_transfer(&mut self, from: usize) {
        let to = self.dice.below(self.shape.nodes);
        if to == from || self.away.contains(&from) || self.away.contains(&to) {
            return;
        }
        self.transfers.push(self.transfer(from, to));
    }

    fn transfer(&self, from: usize, to: usize) -> Transfer {
        let cut = self.members[from].store.cut(self.members[to].store.vector());
        Transfer { from, to, cut, staged: Vec::new(), truth: self.members[from].truth.clone() }
    }

    fn move_transfer(&mut self) -> Result<(), Wrong> {
        if self.transfers.is_empty() {
            return Ok(());
        }
        let chosen = self.dice.below(self.transfers.len());
        let mut transfer = self.transfers.swap_remove(chosen);
        // One in twelve connections breaks, and what was staged is gone.
        if self.dice.percent() >= 8 && !self.deliver(&mut transfer)? {
            self.transfers.push(transfer);
        }
        Ok(())
    }

    /// One part arrives and is staged; the last one applies them all, and both sides learn where the other stands.
    fn deliver(&mut self, transfer: &mut Transfer) -> Result<bool, Wrong> {
        let most = 1 + self.dice.below(2);
        let mut part = transfer.cut.next_part(most, |_, _| 1, 2).expect("a transfer ends with its last part");
        if self.dice.percent() < 10 {
            let again = transfer.cut.part(part.index);
            assert_eq!(again, Some(part.clone()), "a lost part is produced again as it was");
        }
        if self.mistake == Some(Mistake::MovingView) {
            let now = &self.members[transfer.from].store;
            part.cells = part.cells.iter().filter_map(|(key, _)| Some((*key, now.get(key)?.clone()))).collect();
        }
        let last = part.last;
        if self.mistake == Some(Mistake::VectorCommitsEarly) && part.index == 0 {
            let vector = transfer.cut.vector().clone();
            self.merge(transfer.to, Unit { cells: Vec::new(), vector, floor: VersionVector::new(), deep: false })?;
        }
        #[cfg(feature = "zoo")]
        if self.mistake == Some(Mistake::PartsAsTheyCome) {
            self.apply_at_once(transfer, &mut part)?;
        }
        transfer.staged.push(part);
        if last {
            self.finish(transfer)?;
        }
        Ok(last)
    }

    fn finish(&mut self, transfer: &mut Transfer) -> Result<(), Wrong> {
        let cut = &transfer.cut;
        let late = self.mistake == Some(Mistake::LateVector);
        let vector = if late { self.members[transfer.from].store.vector() } else { cut.vector() }.clone();
        let deep = cut.is_deep() && self.mistake != Some(Mistake::NoDeepPath);
        assert!(
            self.members[transfer.to].store.vector().covers(cut.base()) || self.mistake.is_some(),
            "a transfer does not outlive the boot of its receiver"
        );
        let cells = transfer.staged.drain(..).flat_map(|part| part.cells).collect();
        self.merge(transfer.to, Unit { cells, vector, floor: cut.floor().clone(), deep })?;
        self.members[transfer.to].truth.extend(&transfer.truth);
        self.hear(transfer.from, transfer.to);
        self.hear(transfer.to, transfer.from);
        Ok(())
    }

    fn merge(&mut self, to: usize, unit: Unit<Key, Value>) -> Result<(), Wrong> {
        let member = &mut self.members[to];
        unit.cells.iter().for_each(|(_, cell)| member.clock.observe(cell.touched()));
        let before = live(&member.store);
        let changes = member.store.merge(unit).map_err(Wrong::Refused)?;
        if self.mistake.is_none() {
            let after = live(&member.store);
            let born = after.keys().filter(|key| !before.contains_key(key));
            let died = before.keys().filter(|key| !after.contains_key(key));
            assert!(changes.born.iter().collect::<BTreeSet<_>>() == born.collect(), "what became live is told");
            assert!(changes.died.iter().collect::<BTreeSet<_>>() == died.collect(), "what died is told");
        }
        Ok(())
    }

    fn hear(&mut self, who: usize, from: usize) {
        let vector = self.members[from].store.vector().clone();
        self.members[who].acknowledged.insert(from, vector);
    }

    fn forget(&mut self, who: usize, at: u64) {
        let horizon = (self.dice.percent() < 20).then(|| self.dice.below(3) as u64);
        let member = &mut self.members[who];
        let all: Vec<_> = member.acknowledged.values().collect();
        match horizon {
            Some(0) => member.store.drop_before_horizon(super::hlc(at)),
            Some(_) => member.store.drop_before_horizon(super::hlc(u64::MAX >> 16)),
            None if all.len() + 1 == self.shape.nodes => member.store.drop_empty(&all),
            None => Vec::new(),
        };
    }

    fn reboot(&mut self, who: usize, disk: Option<Member>) {
        self.transfers.retain(|transfer| transfer.from != who && transfer.to != who);
        self.boots[who] += 1;
        if let Some(disk) = disk {
            self.members[who] = disk;
        }
        self.members[who].boot(self.boots[who], self.mistake);
    }

    /// A disk goes back to its backup, or is lost.
    fn wound(&mut self, who: usize) {
        if self.wounds == 3 {
            return;
        }
        self.wounds += 1;
        let backup = if self.dice.percent() < 60 { self.backups.get(&who).cloned() } else { None };
        let disk = backup.unwrap_or_else(|| Member::new(who, 1));
        self.reboot(who, Some(disk));
    }

    /// Everybody exchanges with everybody until all news has gone round; then the oracle speaks.
    fn settle(&mut self) -> Result<(), Wrong> {
        self.transfers.clear();
        for _ in 0..8 {
            let before: Vec<_> = self.members.iter().map(|member| member.store.vector().clone()).collect();
            for from in 0..self.shape.nodes {
                for to in (0..self.shape.nodes).filter(|to| *to != from) {
                    let mut transfer = self.transfer(from, to);
                    while !self.deliver(&mut transfer)? {}
                }
            }
            if self.mistake.is_none() && self.members.iter().map(|member| member.store.vector()).eq(&before) {
                break;
            }
        }
        self.verdict()
    }

    fn verdict(&self) -> Result<(), Wrong> {
        let first = &self.members[0].store;
        let got = live(first);
        for member in &self.members {
            if live(&member.store) != got {
                return Err(Wrong::LiveDiffers);
            }
            if member.store.vector() != first.vector() {
                return Err(Wrong::VectorsDiffer);
            }
            if member.store.root() != first.root() || member.store.buckets() != first.buckets() {
                return Err(Wrong::DigestsDiffer);
            }
            if self.mistake.is_none() {
                member.store.assert_sound();
            }
        }
        // What reached a surviving disk survived; what it replaced is dead, and so is what that had replaced.
        let survived: BTreeSet<Dot> = self.members.iter().flat_map(|member| &member.truth).copied().collect();
        let mut dead = BTreeSet::new();
        let mut todo: Vec<Dot> = survived.iter().flat_map(|dot| &self.log[dot].replaced).copied().collect();
        while let Some(dot) = todo.pop() {
            if dead.insert(dot) {
                todo.extend(&self.log[&dot].replaced);
            }
        }
        let got: BTreeSet<(Key, Dot)> =
            got.iter().flat_map(|(key, siblings)| siblings.keys().map(|dot| (*key, *dot))).collect();
        let came_back: BTreeSet<Dot> = got.iter().map(|(_, dot)| *dot).filter(|dot| dead.contains(dot)).collect();
        if !came_back.is_empty() {
            return Err(Wrong::CameBack(came_back));
        }
        let owed = survived.difference(&dead).filter(|dot| self.log[dot].value.is_some());
        let lost: BTreeSet<Dot> = owed.filter(|dot| !got.contains(&(self.log[dot].key, **dot))).copied().collect();
        if lost.is_empty() { Ok(()) } else { Err(Wrong::Lost(lost)) }
    }

    /// Merges the cells of one part at once, and leaves the vector to the last one.
    #[cfg(feature = "zoo")]
    fn apply_at_once(&mut self, transfer: &Transfer, part: &mut Part<Key, Value>) -> Result<(), Wrong> {
        use symbolon_core::zoo::{Bug, beside};
        let cut = &transfer.cut;
        let (vector, floor) = (cut.vector().clone(), cut.floor().clone());
        let cells = if cut.is_deep() { part.cells.clone() } else { std::mem::take(&mut part.cells) };
        let unit = Unit { cells, vector, floor, deep: cut.is_deep() };
        beside(Bug::VectorHeldBack, true, || self.merge(transfer.to, unit))?;
        let arrived: BTreeSet<Key> =
            cut.part(part.index).into_iter().flat_map(|part| part.cells).map(|c| c.0).collect();
        let truth = transfer.truth.iter().filter(|dot| arrived.contains(&self.log[dot].key));
        self.members[transfer.to].truth.extend(truth);
        Ok(())
    }
}

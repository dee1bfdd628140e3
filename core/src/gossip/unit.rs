//! Deltas under way: what is being sent to a peer, and what is being staged from it. A delta is applied as a whole or not at
//! all; here nothing is applied.

use std::time::Duration;

use imbl::OrdMap;

use crate::config::{MAX_PART_BYTES, MAX_PART_CELLS, MAX_STAGED_CELLS};
use crate::crdt::{Cell, Cut, Digest, ReplicaId, Unit, VersionVector};
use crate::fault::Reject;
use crate::state::{Key, Value};
use crate::time::Tick;
use crate::wire::cell_size;
use crate::wire::mark::Mark;
use crate::wire::message;
use crate::zoo::{self, Bug};

/// A unit that has not moved for so long is given up by either side, so that a peer that vanished pins no memory.
pub const UNIT_PATIENCE: Duration = Duration::from_secs(120);

/// What became of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It was not the awaited one.
    Nothing,
    /// It is staged.
    Part,
    /// It was the last one: the unit is complete.
    Last,
}

/// A delta that is being sent. It keeps the view that it was cut from, so any part can be sent again.
pub struct Outgoing {
    /// Names the unit: the number of the view.
    pub number: u64,
    /// The root digest of that view.
    pub digest: Digest,
    /// The part to send next.
    pub next: usize,
    /// The peer has every part before this one.
    confirmed: usize,
    /// When it last made progress.
    moved: Tick,
    /// What the peer was known to hold when this was cut: marks are needed for the rest.
    base: VersionVector,
    cut: Cut<Key, Value>,
}

impl Outgoing {
    /// A unit for a peer that holds `base`.
    pub fn new(number: u64, digest: Digest, cut: Cut<Key, Value>, base: VersionVector, now: Tick) -> Outgoing {
        Outgoing { number, digest, next: 0, confirmed: 0, moved: now, base, cut }
    }

    /// The vector of the view that this was cut from.
    pub fn vector(&self) -> &VersionVector {
        self.cut.vector()
    }

    /// Whether every part was sent at least once.
    pub fn is_sent(&self) -> bool {
        self.cut.is_finished() && self.next >= self.cut.produced()
    }

    /// The part to send now, of so many cells, and from then on the one after it; `None` when all were sent.
    pub fn part(&mut self, marks: &OrdMap<ReplicaId, Mark>, cells: usize) -> Option<message::Part> {
        let cells = cells.clamp(1, MAX_PART_CELLS);
        let mut fresh = None;
        while self.cut.produced() <= self.next {
            fresh = Some(self.cut.next_part(cells, cell_size, MAX_PART_BYTES)?);
        }
        let part = fresh.or_else(|| self.cut.part(self.next))?;
        let first = self.next == 0;
        let floor = if first && self.cut.is_deep() { self.cut.floor().iter().collect() } else { Vec::new() };
        let news = if first { self.cut.vector().changes_since(&self.base) } else { Vec::new() };
        let marks = news.into_iter().map(|(replica, seq)| {
            let mark = marks.get(&replica).filter(|mark| mark.seq >= seq);
            mark.cloned().expect("every vector entry has a mark that reaches as far")
        });
        let index = self.next as u32;
        self.next += 1;
        Some(message::Part {
            index,
            last: part.last,
            deep: self.cut.is_deep(),
            floor,
            marks: marks.collect(),
            cells: part.cells,
        })
    }

    /// The peer awaits this part: go on from there. Tells whether that is progress.
    pub fn resume(&mut self, next: u32, now: Tick) -> bool {
        let next = next as usize;
        if next > self.cut.produced() {
            return false;
        }
        let progress = next > self.confirmed;
        if progress {
            self.moved = now;
        }
        self.next = next;
        self.confirmed = next;
        progress
    }

    /// Whether the view behind it has been kept for long enough.
    pub fn is_stuck(&self, now: Tick) -> bool {
        now.since(self.moved) >= UNIT_PATIENCE
    }
}

/// A delta that is being received.
pub struct Staging {
    /// Names the unit, by its sender.
    pub number: u64,
    /// The part that is awaited.
    pub next: u32,
    begun: Tick,
    moved: Tick,
    vector: VersionVector,
    floor: VersionVector,
    deep: bool,
    marks: Vec<Mark>,
    cells: Vec<(Key, Cell<Value>)>,
    bound: usize,
}

/// A delta that came in part, and was let go of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BrokenOff {
    /// The parts that had come.
    pub parts: u32,
    /// When the first one did.
    pub begun: Tick,
}

/// A delta that is complete, not yet judged.
pub struct Complete {
    /// The delta.
    pub unit: Unit<Key, Value>,
    /// The marks that came with it.
    pub marks: Vec<Mark>,
}

impl Staging {
    /// A staging place for the unit of this number and vector.
    pub fn new(number: u64, vector: VersionVector, now: Tick) -> Staging {
        Staging {
            number,
            next: 0,
            begun: now,
            moved: now,
            vector,
            floor: VersionVector::new(),
            deep: false,
            marks: Vec::new(),
            cells: Vec::new(),
            bound: MAX_STAGED_CELLS,
        }
    }

    /// The same for the empty vector, with a smaller bound on its cells: for tests of that bound.
    pub fn bounded(bound: usize) -> Staging {
        Staging { bound, ..Staging::new(0, VersionVector::new(), Tick::default()) }
    }

    /// Takes a part, if it is the awaited one.
    ///
    /// # Errors
    /// [`Reject::Oversized`] if the unit grows beyond [`MAX_STAGED_CELLS`]; [`Reject::Forged`] if its parts contradict each other.
    pub fn take(&mut self, vector: &VersionVector, part: message::Part, now: Tick) -> Result<Taken, Reject> {
        if *vector != self.vector {
            return Err(Reject::Forged);
        }
        if part.index != self.next {
            return Ok(Taken::Nothing);
        }
        if part.index == 0 {
            self.deep = part.deep;
            self.floor = part.floor.into_iter().collect();
            self.marks = part.marks;
        } else if part.deep != self.deep {
            return Err(Reject::Forged);
        }
        if self.cells.len() + part.cells.len() > self.bound {
            return Err(Reject::Oversized);
        }
        self.cells.extend(part.cells);
        self.next += 1;
        self.moved = now;
        Ok(if part.last { Taken::Last } else { Taken::Part })
    }

    /// Whether the sender has let it lie for long enough.
    pub fn is_stuck(&self, now: Tick) -> bool {
        now.since(self.moved) >= UNIT_PATIENCE
    }

    /// Whether it brings nothing to one who holds this.
    pub fn is_covered_by(&self, held: &VersionVector) -> bool {
        held.covers(&self.vector)
    }

    /// What is merged before the last part is here: nothing.
    pub(super) fn too_early(&mut self) -> Option<Complete> {
        let cells = match () {
            () if zoo::on(Bug::PartsAsTheyCome) => std::mem::take(&mut self.cells),
            () if zoo::on(Bug::VectorCommitsEarly) && self.next == 1 => Vec::new(),
            () => return None,
        };
        let (vector, floor) = (self.vector.clone(), VersionVector::new());
        Some(Complete { unit: Unit { cells, vector, floor, deep: false }, marks: self.marks.clone() })
    }

    /// What is lost if it is let go of now: its parts, if any came.
    pub fn broken_off(&self) -> Option<BrokenOff> {
        (self.next > 0).then_some(BrokenOff { parts: self.next, begun: self.begun })
    }

    /// The whole unit.
    pub fn complete(self) -> Complete {
        let Staging { vector, floor, deep, marks, cells, .. } = self;
        Complete { unit: Unit { cells, vector, floor, deep }, marks }
    }
}

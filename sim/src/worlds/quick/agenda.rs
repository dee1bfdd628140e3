//! What is going to happen, by time and then by insertion. It lets nothing happen.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::world::Happening;

/// Happenings are large and times are small, so what is sorted is times alone, each with the place of its happening.
#[derive(Default)]
pub(super) struct Agenda {
    due: BinaryHeap<Reverse<(u64, u64, usize)>>,
    places: Vec<Option<Happening>>,
    free: Vec<usize>,
    inserted: u64,
}

impl Agenda {
    /// Enters a happening, behind those of the same time.
    pub(super) fn insert(&mut self, at_ms: u64, happening: Happening) {
        self.inserted += 1;
        let place = self.free.pop().unwrap_or_else(|| {
            self.places.push(None);
            self.places.len() - 1
        });
        self.places[place] = Some(happening);
        self.due.push(Reverse((at_ms, self.inserted, place)));
    }

    /// When the next one is due.
    pub(super) fn next_ms(&self) -> Option<u64> {
        self.due.peek().map(|Reverse((at_ms, _, _))| *at_ms)
    }

    /// Takes the next one out, with its time.
    pub(super) fn pop(&mut self) -> Option<(u64, Happening)> {
        let Reverse((at_ms, _, place)) = self.due.pop()?;
        self.free.push(place);
        Some((at_ms, self.places[place].take().expect("what is due has its place")))
    }
}

//! The trace of a run: a hash over all that happened. It tells nothing else.

use std::fmt::Write as _;

use symbolon_core::replica::Fact;

use crate::worlds::Step;

/// The end of a frame is its signature, which speaks for all of it.
const FRAME_TAIL: usize = 64;

/// What is kept of a run.
pub(super) struct Trace {
    hasher: blake3::Hasher,
    text: String,
    steps: Option<Vec<Step>>,
}

impl Trace {
    /// With every step, or without.
    pub(super) fn new(steps: bool) -> Trace {
        Trace { hasher: blake3::Hasher::new(), text: String::new(), steps: steps.then(Vec::new) }
    }

    pub(super) fn fact(&mut self, at_ms: u64, node: usize, fact: &Fact) {
        self.text.clear();
        let _ = write!(self.text, "{at_ms} {node} {fact:?}");
        self.hasher.update(self.text.as_bytes());
        if self.steps.is_some() {
            self.step(at_ms, node, format!("{fact:?}"));
        }
    }

    pub(super) fn frame(&mut self, at_ms: u64, node: usize, frame: &[u8]) {
        self.hasher.update(&at_ms.to_le_bytes());
        self.hasher.update(&[node as u8]);
        let tail = &frame[frame.len().saturating_sub(FRAME_TAIL)..];
        self.hasher.update(tail);
        if self.steps.is_some() {
            let name = &blake3::hash(tail).to_hex()[..8];
            self.step(at_ms, node, format!("sends frame {name} of {} bytes", frame.len()));
        }
    }

    fn step(&mut self, at_ms: u64, node: usize, what: String) {
        let hash = *self.hasher.finalize().as_bytes();
        let what = format!("{:>4}.{:03} n{} {what}", at_ms / 1000, at_ms % 1000, node + 1);
        self.steps.get_or_insert_default().push(Step { what, hash });
    }

    pub(super) fn finish(self) -> ([u8; 32], Vec<Step>) {
        (*self.hasher.finalize().as_bytes(), self.steps.unwrap_or_default())
    }
}

//! The trace of a run: a hash over all that happened. It tells nothing else.

use std::hash::{Hash as _, Hasher};

use symbolon_core::replica::Fact;

use crate::worlds::Step;

/// The end of a frame is its signature, which speaks for all of it.
const FRAME_TAIL: usize = 64;

/// What is kept of a run.
pub(super) struct Trace {
    hasher: Folded,
    steps: Option<Vec<Step>>,
}

impl Trace {
    /// With every step, or without.
    pub(super) fn new(steps: bool) -> Trace {
        Trace { hasher: Folded::default(), steps: steps.then(Vec::new) }
    }

    pub(super) fn fact(&mut self, at_ms: u64, node: usize, fact: &Fact) {
        (at_ms, node as u64, fact).hash(&mut self.hasher);
        if self.steps.is_some() {
            self.step(at_ms, node, format!("{fact:?}"));
        }
    }

    pub(super) fn frame(&mut self, at_ms: u64, node: usize, frame: &[u8]) {
        let tail = &frame[frame.len().saturating_sub(FRAME_TAIL)..];
        (at_ms, node as u64, tail).hash(&mut self.hasher);
        if self.steps.is_some() {
            let name = &blake3::hash(tail).to_hex()[..8];
            self.step(at_ms, node, format!("sends frame {name} of {} bytes", frame.len()));
        }
    }

    fn step(&mut self, at_ms: u64, node: usize, what: String) {
        let hash = self.hasher.so_far();
        let what = format!("{:>4}.{:03} n{} {what}", at_ms / 1000, at_ms % 1000, node + 1);
        self.steps.get_or_insert_default().push(Step { what, hash });
    }

    pub(super) fn finish(mut self) -> ([u8; 32], Vec<Step>) {
        (self.hasher.so_far(), self.steps.unwrap_or_default())
    }
}

/// BLAKE3 over whatever is hashed, a block at a time: fields and variants, no text of them.
#[derive(Default)]
struct Folded {
    hasher: blake3::Hasher,
    block: Vec<u8>,
}

/// How much is gathered before it is hashed.
const BLOCK_BYTES: usize = 16 * 1024;

impl Folded {
    fn so_far(&mut self) -> [u8; 32] {
        self.hasher.update(&self.block);
        self.block.clear();
        *self.hasher.finalize().as_bytes()
    }
}

impl Hasher for Folded {
    fn write(&mut self, bytes: &[u8]) {
        if self.block.len() + bytes.len() > BLOCK_BYTES {
            self.hasher.update(&self.block);
            self.block.clear();
        }
        self.block.extend_from_slice(bytes);
    }

    /// The whole hash is told by [`Folded::so_far`] alone.
    fn finish(&self) -> u64 {
        0
    }
}

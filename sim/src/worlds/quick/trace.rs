//! The trace of a run: a hash over all that happened. It tells nothing else.

use std::fmt::Write as _;

use symbolon_core::replica::Fact;

/// The end of a frame is its signature, which speaks for all of it.
const FRAME_TAIL: usize = 64;

/// What is kept of a run.
#[derive(Default)]
pub(super) struct Trace {
    hasher: blake3::Hasher,
    text: String,
}

impl Trace {
    pub(super) fn fact(&mut self, at_ms: u64, node: usize, fact: &Fact) {
        self.text.clear();
        let _ = write!(self.text, "{at_ms} {node} {fact:?}");
        self.hasher.update(self.text.as_bytes());
    }

    pub(super) fn frame(&mut self, at_ms: u64, node: usize, frame: &[u8]) {
        self.hasher.update(&at_ms.to_le_bytes());
        self.hasher.update(&[node as u8]);
        self.hasher.update(&frame[frame.len().saturating_sub(FRAME_TAIL)..]);
    }

    pub(super) fn finish(self) -> [u8; 32] {
        *self.hasher.finalize().as_bytes()
    }
}

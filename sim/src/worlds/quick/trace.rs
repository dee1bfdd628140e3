//! The trace of a run: a hash over all that happened, and, if asked for, a line for each fact, with a letter per distinct
//! state of each node.

use std::collections::BTreeMap;
use std::hash::{Hash as _, Hasher};

use symbolon_core::crdt::Digest;
use symbolon_core::replica::Fact;
use symbolon_core::state::View;

/// The end of a frame is its signature, which speaks for all of it.
const FRAME_TAIL: usize = 64;

/// What is kept of a run.
pub(super) struct Trace {
    hasher: Folded,
    lines: Option<Vec<Line>>,
    letters: BTreeMap<(Digest, usize, u64), usize>,
    states: Vec<Option<usize>>,
    names: Vec<(symbolon_core::crdt::NodeId, String)>,
}

/// One line of a timeline.
#[derive(Clone, Debug)]
pub struct Line {
    /// True time.
    pub at_ms: u64,
    /// The node's place.
    pub node: Option<usize>,
    /// What happened.
    pub what: String,
    /// The state of each node, as a number in the order of their appearance.
    pub states: Vec<Option<usize>>,
}

impl Trace {
    pub(super) fn new(names: Vec<(symbolon_core::crdt::NodeId, String)>, recording: bool) -> Trace {
        Trace {
            hasher: Folded::default(),
            lines: recording.then(Vec::new),
            letters: BTreeMap::new(),
            states: vec![None; names.len()],
            names,
        }
    }

    pub(super) fn fact(&mut self, at_ms: u64, node: usize, fact: &Fact, _view: Option<&View>) {
        (at_ms, node as u64, fact).hash(&mut self.hasher);
        if self.lines.is_some() {
            let mut what = format!("{fact:?}");
            for (id, name) in &self.names {
                what = what.replace(&format!("NodeId({id})"), name);
            }
            self.line(at_ms, Some(node), what);
        }
    }

    pub(super) fn frame(&mut self, at_ms: u64, node: usize, frame: &[u8]) {
        (at_ms, node as u64, &frame[frame.len().saturating_sub(FRAME_TAIL)..]).hash(&mut self.hasher);
    }

    pub(super) fn note(&mut self, at_ms: u64, node: Option<usize>, what: impl FnOnce() -> String) {
        if self.lines.is_some() {
            self.line(at_ms, node, what());
        }
    }

    pub(super) fn state(&mut self, node: usize, view: &View) {
        let held = view.cells.vector().iter().map(|(_, seq)| seq).sum();
        if self.lines.is_some() {
            let next = self.letters.len();
            let state = *self.letters.entry((view.cells.root(), view.revoked.len(), held)).or_insert(next);
            self.states[node] = Some(state);
        }
    }

    fn line(&mut self, at_ms: u64, node: Option<usize>, what: String) {
        let states = self.states.clone();
        if let Some(lines) = self.lines.as_mut() {
            lines.push(Line { at_ms, node, what, states });
        }
    }

    pub(super) fn finish(self) -> ([u8; 32], Vec<Line>) {
        (self.hasher.close(), self.lines.unwrap_or_default())
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
    fn close(mut self) -> [u8; 32] {
        self.hasher.update(&self.block);
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

    /// The whole hash is told by [`Folded::close`] alone.
    fn finish(&self) -> u64 {
        0
    }
}

//! The trace of a run: a hash over all that happened, and, if asked for, a line for each fact, with a letter per distinct
//! state of each node.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use symbolon_core::crdt::Digest;
use symbolon_core::replica::Fact;
use symbolon_core::state::View;

use crate::worlds::Step;

/// The end of a frame is its signature, which speaks for all of it.
const FRAME_TAIL: usize = 64;

/// What is kept of a run.
pub(super) struct Trace {
    hasher: blake3::Hasher,
    text: String,
    lines: Option<Vec<Line>>,
    steps: Option<Vec<Step>>,
    letters: BTreeMap<(Digest, usize, u64), usize>,
    states: Vec<Option<usize>>,
    names: Vec<(symbolon_core::crdt::NodeId, String)>,
}

/// What is kept beside the hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Recording {
    /// Nothing.
    Nothing,
    /// A timeline.
    Lines,
    /// Every step of the hash.
    Steps,
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
    pub(super) fn new(names: Vec<(symbolon_core::crdt::NodeId, String)>, recording: Recording) -> Trace {
        Trace {
            hasher: blake3::Hasher::new(),
            text: String::new(),
            lines: (recording == Recording::Lines).then(Vec::new),
            steps: (recording == Recording::Steps).then(Vec::new),
            letters: BTreeMap::new(),
            states: vec![None; names.len()],
            names,
        }
    }

    pub(super) fn fact(&mut self, at_ms: u64, node: usize, fact: &Fact, _view: Option<&View>) {
        self.text.clear();
        let _ = write!(self.text, "{at_ms} {node} {fact:?}");
        self.hasher.update(self.text.as_bytes());
        if self.steps.is_some() {
            self.step(at_ms, node, format!("{fact:?}"));
        }
        if self.lines.is_some() {
            let mut what = format!("{fact:?}");
            for (id, name) in &self.names {
                what = what.replace(&format!("NodeId({id})"), name);
            }
            self.line(at_ms, Some(node), what);
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

    pub(super) fn finish(self) -> ([u8; 32], Vec<Line>, Vec<Step>) {
        (*self.hasher.finalize().as_bytes(), self.lines.unwrap_or_default(), self.steps.unwrap_or_default())
    }
}

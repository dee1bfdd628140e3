//! What happened in a run, in order: a hash over all of it, and what the checks have yet to see. It judges nothing.

use std::sync::{Arc, Mutex, PoisonError};

use symbolon_core::replica::{Fact, Row};
use symbolon_core::state::View;
use symbolon_core::time::Wall;

use crate::checks::Continuity;
use crate::worlds::Step;

/// The end of a frame is its signature, which speaks for all of it.
const FRAME_TAIL: usize = 64;

/// Something that happened at a node.
pub(super) enum Seen {
    Booted {
        view: Arc<View>,
        disk: Continuity,
    },
    Ended,
    Wrote(Vec<Row>),
    Landed(Vec<Row>),
    Published {
        before: Arc<View>,
        after: Arc<View>,
        wall: Wall,
    },
    /// A frame leaves.
    Sent(Vec<u8>),
    /// The reply to a frame arrives.
    Returned(Vec<u8>),
    /// A frame was answered, and not with a frame.
    Refused,
    Noted(Fact),
    Secrets(Vec<[u8; 32]>),
}

/// When and where.
pub(super) struct Entry {
    pub at_ms: u64,
    pub node: usize,
    pub what: Seen,
}

/// The record of one run.
pub(super) struct Record(Mutex<Inner>);

struct Inner {
    hasher: blake3::Hasher,
    unseen: Vec<Entry>,
    /// Every step of the hash, if they are kept.
    steps: Option<Vec<Step>>,
}

impl Record {
    /// An empty one; it may keep every step of its hash.
    pub(super) fn new(recording: bool) -> Record {
        let (hasher, steps) = (blake3::Hasher::new(), recording.then(Vec::new));
        Record(Mutex::new(Inner { hasher, unseen: Vec::new(), steps }))
    }

    /// Every step of the hash, if they are kept.
    pub(super) fn steps(&self) -> Vec<Step> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).steps.clone().unwrap_or_default()
    }

    /// Something happened.
    pub(super) fn add(&self, at_ms: u64, node: usize, what: Seen) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &what {
            Seen::Noted(fact) => inner.tell(at_ms, node, format!("{fact:?}").as_bytes()),
            Seen::Sent(frame) | Seen::Returned(frame) => inner.tell(at_ms, node, tail(frame)),
            Seen::Ended => inner.tell(at_ms, node, b"ended"),
            Seen::Refused => inner.tell(at_ms, node, b"refused"),
            Seen::Booted { .. } | Seen::Wrote(_) | Seen::Landed(_) | Seen::Published { .. } | Seen::Secrets(_) => {}
        }
        inner.unseen.push(Entry { at_ms, node, what });
    }

    /// Something belongs into the hash alone.
    pub(super) fn tell(&self, at_ms: u64, node: usize, what: &[u8]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).tell(at_ms, node, what);
    }

    /// A frame belongs into the hash that the process of a node did not send.
    pub(super) fn tell_frame(&self, at_ms: u64, node: usize, frame: &[u8]) {
        self.tell(at_ms, node, tail(frame));
    }

    /// What nobody has looked at yet.
    pub(super) fn take(&self) -> Vec<Entry> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner).unseen)
    }

    /// Over everything so far.
    pub(super) fn hash(&self) -> [u8; 32] {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).hasher.finalize().as_bytes()
    }
}

fn tail(frame: &[u8]) -> &[u8] {
    &frame[frame.len().saturating_sub(FRAME_TAIL)..]
}

impl Inner {
    fn tell(&mut self, at_ms: u64, node: usize, what: &[u8]) {
        self.hasher.update(&at_ms.to_le_bytes());
        self.hasher.update(&(node as u64).to_le_bytes());
        self.hasher.update(&(what.len() as u64).to_le_bytes());
        self.hasher.update(what);
        if let Some(steps) = &mut self.steps {
            let words = std::str::from_utf8(what).map_or_else(|_| "frame".to_owned(), str::to_owned);
            let what = format!("{}.{:03} n{} {words}", at_ms / 1000, at_ms % 1000, node + 1);
            steps.push(Step { what, hash: *self.hasher.finalize().as_bytes() });
        }
    }
}

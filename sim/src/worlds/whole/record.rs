//! What happened in a run, in order: a hash over all of it, and what the checks have yet to see. It judges nothing.

use std::sync::{Arc, Mutex, PoisonError};

use symbolon_core::replica::{Fact, Row};
use symbolon_core::state::View;
use symbolon_core::time::Wall;

use crate::checks::Continuity;

/// The end of a frame is its signature, which speaks for all of it.
const FRAME_TAIL: usize = 64;

/// Something that happened at a node.
pub(super) enum Seen {
    Booted { view: Arc<View>, disk: Continuity },
    Ended,
    Wrote(Vec<Row>),
    Landed(Vec<Row>),
    Published { before: Arc<View>, after: Arc<View>, wall: Wall },
    Sent(Vec<u8>),
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
    frames: u64,
}

impl Default for Record {
    fn default() -> Record {
        Record(Mutex::new(Inner { hasher: blake3::Hasher::new(), unseen: Vec::new(), frames: 0 }))
    }
}

impl Record {
    /// Something happened.
    pub(super) fn add(&self, at_ms: u64, node: usize, what: Seen) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &what {
            Seen::Noted(fact) => inner.tell(at_ms, node, format!("{fact:?}").as_bytes()),
            Seen::Sent(frame) => {
                inner.frames += 1;
                inner.tell(at_ms, node, &frame[frame.len().saturating_sub(FRAME_TAIL)..]);
            }
            Seen::Ended => inner.tell(at_ms, node, b"ended"),
            Seen::Booted { .. } | Seen::Wrote(_) | Seen::Landed(_) | Seen::Published { .. } | Seen::Secrets(_) => {}
        }
        inner.unseen.push(Entry { at_ms, node, what });
    }

    /// Something belongs into the hash alone.
    pub(super) fn tell(&self, at_ms: u64, node: usize, what: &[u8]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).tell(at_ms, node, what);
    }

    /// What nobody has looked at yet.
    pub(super) fn take(&self) -> Vec<Entry> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner).unseen)
    }

    /// Frames that were sent so far.
    pub(super) fn frames(&self) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).frames
    }

    /// Over everything so far.
    pub(super) fn hash(&self) -> [u8; 32] {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).hasher.finalize().as_bytes()
    }
}

impl Inner {
    fn tell(&mut self, at_ms: u64, node: usize, what: &[u8]) {
        self.hasher.update(&at_ms.to_le_bytes());
        self.hasher.update(&(node as u64).to_le_bytes());
        self.hasher.update(&(what.len() as u64).to_le_bytes());
        self.hasher.update(what);
    }
}

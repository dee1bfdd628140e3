//! Digests are equal where, and only where, the live state is.

use std::collections::BTreeMap;

use symbolon_core::crdt::Digest;
use symbolon_core::state::View;

use super::{Check, End, Kinds, Moment, Sight};

/// One in so many views with other cells is looked at: the whole state is walked for each.
const SAMPLE: u64 = 8;

#[derive(Default)]
pub(super) struct Digests {
    seen: u64,
    by_root: BTreeMap<Digest, [u8; 32]>,
    by_state: BTreeMap<[u8; 32], Digest>,
}

impl Digests {
    fn compare(&mut self, view: &View) -> Result<(), String> {
        let (root, state) = (view.cells.root(), live(view));
        let same = *self.by_root.entry(root).or_insert(state) == state;
        let alike = *self.by_state.entry(state).or_insert(root) == root;
        if same && alike {
            Ok(())
        } else {
            Err(if same { "a state has two digests" } else { "a digest stands for two states" }.into())
        }
    }
}

impl Check for Digests {
    fn name(&self) -> &'static str {
        "digests"
    }

    fn watches(&self) -> Kinds {
        Kinds::PUBLISHED
    }

    fn see(&mut self, _: Moment<'_>, sight: &Sight<'_>) -> Result<(), String> {
        let Sight::Published { before, after, .. } = sight else { return Ok(()) };
        if before.cells.vector() == after.cells.vector() && before.cells.root() == after.cells.root() {
            return Ok(());
        }
        self.seen += 1;
        if self.seen.is_multiple_of(SAMPLE) { self.compare(after) } else { Ok(()) }
    }

    fn end(&mut self, end: &End<'_>) -> Result<(), String> {
        end.nodes.iter().try_for_each(|standing| self.compare(standing.view))
    }
}

/// A hash of all live siblings, over all their bytes at once, which is quicker than piece by piece.
fn live(view: &View) -> [u8; 32] {
    let mut bytes = Vec::with_capacity(256 * view.cells.len());
    for (key, cell) in view.cells.iter() {
        for sibling in cell.siblings() {
            bytes.push(key.collection.0);
            bytes.extend_from_slice(key.id.as_bytes());
            bytes.extend_from_slice(&sibling.dot.replica.node.0);
            bytes.extend_from_slice(&sibling.dot.replica.incarnation.0.to_be_bytes());
            bytes.extend_from_slice(&sibling.dot.seq.to_be_bytes());
            bytes.extend_from_slice(sibling.value.raw());
        }
    }
    *blake3::hash(&bytes).as_bytes()
}

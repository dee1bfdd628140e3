//! The laws, on states that were reached: a delta says what the whole state would, the order of merging does not matter, and
//! merging again changes nothing.

use std::sync::Arc;

use symbolon_core::crdt::{DottedStore, Unit};
use symbolon_core::state::{Key, Value, View};

use super::{Check, End, Kinds, Moment, Sight};
use crate::plan::Verb;

/// Views that are kept for the end.
const KEPT: usize = 2;

type Store = DottedStore<Key, Value>;

#[derive(Default)]
pub(super) struct Laws {
    seen: u64,
    kept: Vec<Arc<View>>,
}

impl Check for Laws {
    fn name(&self) -> &'static str {
        "laws"
    }

    fn watches(&self) -> Kinds {
        Kinds::PUBLISHED
    }

    /// Views are kept at the powers of three: some early, some late.
    fn see(&mut self, _: Moment<'_>, sight: &Sight<'_>) -> Result<(), String> {
        if let Sight::Published { after, .. } = sight {
            self.seen += 1;
            if self.seen == 3_u64.pow(3 + self.kept.len() as u32) && self.kept.len() < KEPT {
                self.kept.push(Arc::clone(after));
            }
        }
        Ok(())
    }

    fn end(&mut self, end: &End<'_>) -> Result<(), String> {
        if end.plan.steps().any(|step| matches!(step.verb, Verb::Equivocate(_))) {
            return Ok(()); // Where one name stands for two changes they cannot hold, and an alarm says so.
        }
        let last = end.nodes.first().map(|standing| standing.view);
        let states: Vec<&Store> = self.kept.iter().chain(last).map(|view| &view.cells).collect();
        for (at, one) in states.iter().enumerate() {
            states[..at].iter().try_for_each(|other| hold(one, other))?;
        }
        Ok(())
    }
}

fn hold(one: &Store, other: &Store) -> Result<(), String> {
    let merged = merge(one, other.cut(one.vector()).unit())?;
    let whole = merge(one, whole(other))?;
    let swapped = merge(other, one.cut(other.vector()).unit())?;
    let again = merge(&merged, other.cut(one.vector()).unit())?;
    for (law, left) in
        [("a delta and the whole", whole), ("one order and the other", swapped), ("once and twice", again)]
    {
        if left.root() != merged.root() || left.vector() != merged.vector() {
            return Err(format!("{law} are not the same"));
        }
    }
    Ok(())
}

fn merge(store: &Store, unit: Unit<Key, Value>) -> Result<Store, String> {
    let mut merged = store.clone();
    merged.merge(unit).map_err(|fault| format!("a unit is refused: {fault:?}"))?;
    Ok(merged)
}

fn whole(store: &Store) -> Unit<Key, Value> {
    Unit {
        cells: store.iter().map(|(key, cell)| (key.clone(), cell.clone())).collect(),
        vector: store.vector().clone(),
        floor: store.floor().clone(),
        deep: true,
    }
}

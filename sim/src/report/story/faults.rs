//! The faults that touched the nodes of a story, in the time of it.

use std::collections::BTreeSet;

use super::{Tale, words};
use crate::history::{Entry, Kind, Place};

/// The most faults that a story tells; the last ones count.
const MOST_FAULTS: usize = 7;

impl Tale<'_> {
    pub(super) fn faults(&mut self, items: &[Place]) {
        let history = self.history;
        let since_ms = items.iter().map(|item| history.items[*item].at_ms).min().unwrap_or(0);
        let since_ms = if items.is_empty() { 0 } else { since_ms.saturating_sub(1_000) };
        let mut nodes: BTreeSet<usize> = self.nodes.clone();
        nodes.extend(items.iter().map(|item| history.items[*item].author));
        let every = self.nodes.is_empty();
        let touches = |entry: &Entry| match (&entry.kind, entry.node) {
            (Kind::Cut { links, .. }, _) => {
                links.iter().any(|(from, to)| every || nodes.contains(from) || nodes.contains(to))
            }
            (_, Some(node)) => every || nodes.contains(&node),
            (_, None) => true,
        };
        let hidden = history.told_by_others();
        let mut places: Vec<Place> = Vec::new();
        for (place, entry) in history.entries[..self.end].iter().enumerate() {
            let late = entry.at_ms >= since_ms || is_standing(history, place, self.end, since_ms);
            let begins = matches!(entry.kind, Kind::Up { .. }) && entry.at_ms == 0;
            if late && !begins && touches(entry) && is_fault(&entry.kind) && hidden.binary_search(&place).is_err() {
                places.push(place);
            }
        }
        let last = places.len().saturating_sub(MOST_FAULTS);
        for (rank, place) in places.into_iter().skip(last).rev().enumerate() {
            let entry = &history.entries[place];
            let node = entry.node.map_or(String::new(), |node| format!("{}: ", history.node(node)));
            let text = format!("{}  {node}{}.", words::seconds(entry.at_ms), words::entry(history, entry));
            self.tell((entry.at_ms, place), 2 + rank as u32 / 3, text, vec![place], Vec::new());
        }
    }
}

fn is_fault(kind: &Kind) -> bool {
    match kind {
        Kind::Step { fault, .. } => *fault,
        Kind::Up { .. } | Kind::Down | Kind::Heal | Kind::Cut { .. } => true,
        Kind::Noted { alarm, .. } => *alarm,
        Kind::Clock { jumped, .. } => *jumped,
        _ => false,
    }
}

/// Whether a cut that began before is not over by then.
fn is_standing(history: &crate::history::History, place: Place, end: Place, since_ms: u64) -> bool {
    let Kind::Cut { cut, .. } = &history.entries[place].kind else {
        return false;
    };
    let ends = |entry: &&Entry| match &entry.kind {
        Kind::Mended { cut: Some(one) } => one == cut,
        Kind::Mended { cut: None } => true,
        _ => false,
    };
    history.entries[place..end].iter().find(ends).is_none_or(|entry| entry.at_ms >= since_ms)
}

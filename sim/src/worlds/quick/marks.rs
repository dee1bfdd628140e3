//! Rare situations of the quick world that no single fact tells. It counts, and changes nothing.

use symbolon_core::replica::{Fact, Request};
use symbolon_core::state::View;

use super::world::World;
use crate::checks::Continuity;
use crate::marks::Mark;

impl World<'_> {
    pub(super) fn mark_fact(&mut self, node: usize, fact: &Fact) {
        self.marks.note(fact);
        let is_cut = |link: &(usize, usize)| link.0 == node || link.1 == node;
        if let Fact::Dropped { .. } = fact {
            self.nodes[node].dropped_at = Some(self.at_ms);
            if self.cut.keys().any(is_cut) {
                self.marks.hit(Mark::DroppedWhileCut);
            }
        }
        if let Fact::BrokenOff { from, after_ms, .. } = fact {
            let begun_ms = self.at_ms.saturating_sub(*after_ms);
            let ends = self.nodes.iter().enumerate().filter(|(at, end)| *at == node || end.keys.node() == *from);
            if ends.filter_map(|(_, end)| end.dropped_at).any(|dropped_ms| dropped_ms >= begun_ms) {
                self.marks.hit(Mark::DroppedInTransfer);
            }
        }
    }

    pub(super) fn mark_request(&mut self, request: &Request) {
        if let Request::Pull(_) = request {
            self.marks.hit(Mark::PullOnMiss);
        }
    }

    pub(super) fn mark_boot(&mut self, node: usize, disk: Continuity, view: &View) {
        if self.at_ms > 0 && self.nodes[node].life == 1 {
            self.marks.hit(Mark::JoinedLate);
        }
        if disk == Continuity::Broken && view.cells.is_empty() {
            self.marks.hit(Mark::CameBackEmpty);
        }
    }

    /// The clock of a node was stepped, or set right.
    pub(super) fn mark_clock(&mut self, node: usize) {
        let wall = self.nodes[node].now(self.at_ms).wall;
        if self.view(node).is_some_and(|view| wall < view.revoked.mark()) {
            self.marks.hit(Mark::BehindPurgeMark);
        }
    }

    pub(super) fn mark_purge(&mut self, node: usize, before: &View, after: &View) {
        if self.nodes[node].step_ms > 0 && before.revoked.mark() < after.revoked.mark() {
            self.marks.hit(Mark::PurgedAhead);
        }
    }
}

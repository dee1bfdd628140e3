//! Faults of the plan, as they begin, and the heal that ends them.

use super::node::Rows;
use super::told;
use super::world::{Happening, World};
use crate::history::Kind;
use crate::plan::drawn::Deed;

/// After the heal, where the peers that could confirm a clock may be gone for ever, an operator does.
const VOUCH_MS: u64 = 1000;

impl World<'_> {
    /// A thing of the plan happens.
    pub(super) fn item(&mut self, index: usize) {
        let Some(item) = self.plan.items.get(index) else {
            return;
        };
        let node = item.on;
        if !item.deed.is_fault() {
            return self.call(node, &item.deed);
        }
        if self.healed {
            return;
        }
        self.counts.faults += 1;
        self.told(|recorder| told::step(recorder, node, &item.deed));
        self.fault(node, &item.deed);
    }

    fn fault(&mut self, node: usize, deed: &Deed) {
        let at_ms = self.at_ms;
        match deed {
            Deed::Crash { down_ms } => self.stop(node, *down_ms),
            Deed::LoseDisk { down_ms } => {
                self.stop(node, *down_ms);
                self.replace_disk(node, Rows::new());
            }
            Deed::RestoreDisk { down_ms, age_ms } => {
                self.stop(node, *down_ms);
                let taken = at_ms.saturating_sub(*age_ms);
                let rows = self.nodes[node].disk.copies.get(&taken).cloned().unwrap_or_default();
                self.replace_disk(node, rows);
            }
            Deed::FailDisk { .. } if self.nodes[node].replica.is_none() => {}
            Deed::FailDisk { down_ms } => {
                self.nodes[node].disk.fails = true;
                let life = self.nodes[node].life;
                self.schedule(at_ms + *down_ms + 500, Happening::Restarts { node, life });
            }
            Deed::SlowDisk { for_ms, by_ms } => {
                self.nodes[node].disk.slow_ms = *by_ms;
                self.schedule(at_ms + for_ms, Happening::Hastens { node });
            }
            Deed::Pause { for_ms } => {
                let place = &mut self.nodes[node];
                if place.replica.is_some() && place.paused.is_none() {
                    place.paused = Some(Default::default());
                    let life = place.life;
                    self.told(|recorder| recorder.entry(Some(node), Kind::Paused));
                    self.schedule(at_ms + for_ms, Happening::Resumes { node, life });
                }
            }
            Deed::Split { others, for_ms } => self.split(node, others, *for_ms),
            Deed::Cut { to, for_ms } => {
                let links = vec![(node, *to)];
                let cut = self.sever(&links);
                self.schedule(at_ms + for_ms, Happening::Mends { links, cut });
            }
            Deed::StepClock { by_ms, for_ms } => {
                let place = &mut self.nodes[node];
                place.steps += 1;
                place.step_ms = *by_ms;
                let step = place.steps;
                self.told_clock(node, true);
                self.schedule(at_ms + for_ms, Happening::Rights { node, step });
            }
            Deed::Replay { back, to } => self.replay(*back, *to),
            _ => {}
        }
    }

    /// The process ends now and begins again later.
    fn stop(&mut self, node: usize, down_ms: u64) {
        self.crash(node);
        self.schedule(self.at_ms + down_ms, Happening::Starts { node });
    }

    /// A supervisor starts a process anew that gave up.
    pub(super) fn restart(&mut self, node: usize, life: u64) {
        if self.nodes[node].life == life && self.nodes[node].replica.is_some() {
            self.crash(node);
            self.start(node);
        }
    }

    fn split(&mut self, node: usize, others: &[usize], for_ms: u64) {
        let near = (0..self.plan.nodes).filter(|place| *place == node || !others.contains(place));
        let mut links = Vec::new();
        for one in near {
            for other in others.iter().copied().filter(|other| *other != one) {
                links.extend([(one, other), (other, one)]);
            }
        }
        let cut = self.sever(&links);
        self.schedule(self.at_ms + for_ms, Happening::Mends { links, cut });
    }

    /// Somebody on the way sends an old frame again, or to another.
    fn replay(&mut self, back: u64, to: usize) {
        let old = self.heard.len().checked_sub(1 + back as usize).and_then(|at| self.heard.get(at)).cloned();
        if let Some((meant_for, bytes, message)) = old {
            let to = if back.is_multiple_of(2) { meant_for } else { to };
            let message = self.told_again(message, to);
            self.schedule(self.at_ms + 1, Happening::Arrives { from: to, to, bytes, reply_to: None, message });
        }
    }

    pub(super) fn right(&mut self, node: usize, step: u64) {
        let place = &mut self.nodes[node];
        if place.steps == step {
            place.step_ms = 0;
            self.told_clock(node, true);
        }
    }

    /// The storm is over: for those that heal at once and for good, for the others never.
    pub(super) fn heal(&mut self) {
        self.told(|recorder| recorder.entry(None, Kind::Heal));
        self.healed = true;
        self.cut.clear();
        let lost: Vec<usize> = (0..self.plan.nodes).filter(|node| !self.plan.heals(*node)).collect();
        for one in &lost {
            let others = (0..self.plan.nodes).filter(|other| other != one);
            let links: Vec<_> = others.flat_map(|other| [(*one, other), (other, *one)]).collect();
            self.sever(&links);
        }
        for node in (0..self.plan.nodes).filter(|node| self.plan.heals(*node)) {
            let place = &mut self.nodes[node];
            let jumps = std::mem::take(&mut place.step_ms) != 0;
            place.steps += 1;
            place.disk.slow_ms = 0;
            place.disk.fails = false;
            let life = place.life;
            if jumps {
                self.told_clock(node, true);
            }
            self.schedule(self.at_ms, Happening::Resumes { node, life });
            self.schedule(self.at_ms, Happening::Starts { node });
            if !self.plan.core.is_empty() {
                self.schedule(self.at_ms + VOUCH_MS, Happening::Vouches { node });
            }
        }
    }

    /// What the disks are copied for: those that will be restored.
    pub(super) fn plan_copies(&mut self) {
        for item in &self.plan.items {
            if let Deed::RestoreDisk { age_ms, .. } = item.deed {
                self.schedule(item.at_ms.saturating_sub(age_ms), Happening::Copies { node: item.on });
            }
        }
    }
}

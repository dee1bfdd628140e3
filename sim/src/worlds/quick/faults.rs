//! Steps of the plan as they begin: faults here, calls next door; and the heal that ends all faults.

use super::told;
use super::world::{Happening, World};
use crate::history::{Kind, MOST};
use crate::marks::Mark;
use crate::plan::Span;
use crate::plan::verb::{Forgery, Verb};
use crate::worlds::lies;
use crate::worlds::simulated::{OVERSIZED, VOUCH_MS};

impl World<'_> {
    /// A step begins, on all its nodes.
    pub(super) fn step(&mut self, nodes: &[usize], verb: &Verb) {
        if verb.is_fault() {
            self.counts.faults += 1;
        }
        match verb {
            Verb::Partition(partition) => {
                self.told(|recorder| told::step(recorder, None, verb));
                let links = partition.links(&self.plan.nodes);
                let cut = self.sever(&links);
                self.later(partition.lasts, Happening::Mends { links, cut });
            }
            Verb::Heal(_) => {
                self.told(|recorder| told::step(recorder, None, verb));
                self.mend_all();
            }
            _ => nodes.iter().for_each(|node| self.step_on(*node, verb)),
        }
    }

    fn later(&mut self, lasts: Option<Span>, happening: Happening) {
        if let Some(lasts) = lasts {
            self.schedule(self.at_ms + lasts.ms(), happening);
        }
    }

    fn step_on(&mut self, node: usize, verb: &Verb) {
        self.told(|recorder| told::step(recorder, Some(node), verb));
        match verb {
            Verb::Kill(kill) => self.stop(node, kill.lasts),
            Verb::Stop(stop) => self.stop(node, stop.lasts),
            Verb::Restart(_) => self.start(node),
            Verb::LoseDisk(lose) => {
                self.stop(node, lose.lasts);
                let pins = self.nodes[node].disk.pins();
                self.replace_disk(node, pins);
            }
            Verb::Backup(backup) => {
                let rows = self.nodes[node].disk.rows.clone();
                self.nodes[node].disk.copies.insert(backup.backup.clone(), rows);
            }
            Verb::RestoreBackup(restore) => match self.nodes[node].disk.copies.get(&restore.backup).cloned() {
                Some(rows) => {
                    self.stop(node, restore.lasts);
                    self.replace_disk(node, rows);
                }
                None => self.refused("there is no such backup"),
            },
            Verb::TearDisk(tear) => {
                self.stop(node, tear.lasts);
                self.tear_disk(node);
            }
            Verb::FailDisk(_) if self.nodes[node].replica.is_none() => {}
            Verb::FailDisk(fail) => {
                self.nodes[node].disk.fails = true;
                let life = self.nodes[node].life;
                self.later(fail.lasts, Happening::Restarts { node, life });
            }
            Verb::SlowDisk(slow) => {
                self.nodes[node].disk.slow_ms = slow.by.ms();
                self.later(slow.lasts, Happening::Hastens { node });
            }
            Verb::Pause(pause) => self.pause(node, pause.lasts),
            Verb::Resume(_) => self.resume(node, self.nodes[node].life),
            Verb::Cut(cut) => {
                let links: Vec<_> =
                    self.plan.place(&cut.to).filter(|to| *to != node).map(|to| (node, to)).into_iter().collect();
                let number = self.sever(&links);
                self.later(cut.lasts, Happening::Mends { links, cut: number });
            }
            Verb::Clog(clog) => {
                let links: Vec<_> = self.plan.place(&clog.to).map(|to| (node, to)).into_iter().collect();
                self.clog(&links);
                self.later(clog.lasts, Happening::Unclogs { links });
            }
            Verb::StepClock(by) => {
                self.nodes[node].step_ms = by.by.0;
                self.told_clock(node, true);
                let step = self.moved(node);
                self.later(by.lasts, Happening::Rights { node, step });
                self.mark_clock(node);
            }
            Verb::FreezeClock(freeze) => {
                let wall = self.nodes[node].now(self.at_ms).wall;
                self.nodes[node].frozen = Some(wall);
                let step = self.moved(node);
                self.later(freeze.lasts, Happening::Rights { node, step });
            }
            Verb::Replay(replay) => self.replay(replay.back, node),
            Verb::Forge(forge) => self.forge(forge.what, node),
            hostile if hostile.is_hostile() => lies::lie(self, node, hostile),
            call => self.call(node, call),
        }
    }

    fn moved(&mut self, node: usize) -> u64 {
        self.nodes[node].steps += 1;
        self.nodes[node].steps
    }

    /// The process ends now, and perhaps begins again later.
    fn stop(&mut self, node: usize, down: Option<Span>) {
        self.crash(node);
        self.later(down, Happening::Starts { node });
    }

    fn pause(&mut self, node: usize, lasts: Option<Span>) {
        let place = &mut self.nodes[node];
        if place.replica.is_some() && place.paused.is_none() {
            place.paused = Some(Default::default());
            let life = place.life;
            self.told(|recorder| recorder.entry(Some(node), Kind::Paused));
            self.later(lasts, Happening::Resumes { node, life });
        }
    }

    /// A supervisor starts a process anew that gave up.
    pub(super) fn restart(&mut self, node: usize, life: u64) {
        if self.nodes[node].life == life && self.nodes[node].replica.is_some() {
            self.crash(node);
            self.start(node);
        }
    }

    /// Somebody on the way sends an old frame again, perhaps to another.
    fn replay(&mut self, back: u64, to: usize) {
        let old = self.heard.len().checked_sub(1 + back as usize).and_then(|at| self.heard.get(at)).cloned();
        if let Some((_, bytes, message)) = old {
            let message = self.told_again(message, to);
            self.schedule(
                self.at_ms + 1,
                Happening::Arrives { from: to, to, bytes, name: None, reply_to: None, message },
            );
        }
    }

    /// Bytes of an attacker arrive.
    fn forge(&mut self, what: Forgery, to: usize) {
        let chance = self.chance.at(500).at(self.at_ms).at(to as u64);
        let last = || self.heard.back().map(|(_, bytes, _)| bytes.clone()).unwrap_or_default();
        let bytes = match what {
            Forgery::Noise => (0..chance.at(0).below(2000)).map(|at| chance.at(1).at(at).word() as u8).collect(),
            Forgery::Oversized => vec![0x30; OVERSIZED],
            Forgery::Truncated => {
                let mut bytes = last();
                bytes.truncate(chance.at(2).below(bytes.len() as u64) as usize);
                bytes
            }
            Forgery::Tampered => {
                let mut bytes = last();
                for n in 0..chance.at(3).between(1, 8) {
                    super::network::flip(&mut bytes, chance.at(4).at(n));
                }
                bytes
            }
        };
        self.schedule(
            self.at_ms + 1,
            Happening::Arrives { from: to, to, bytes, name: None, reply_to: None, message: MOST },
        );
    }

    pub(super) fn right(&mut self, node: usize, step: u64) {
        let place = &mut self.nodes[node];
        if place.steps == step {
            place.step_ms = 0;
            place.frozen = None;
            self.told_clock(node, true);
            self.mark_clock(node);
        }
    }

    /// The storm is over: for those that heal at once and for good, for the others never.
    pub(super) fn heal(&mut self) {
        self.told(|recorder| recorder.entry(None, Kind::Heal));
        self.healed = true;
        self.mend_all();
        for one in (0..self.plan.nodes.len()).filter(|node| !self.plan.heals(*node)) {
            self.marks.hit(Mark::NeverBack);
            let others = (0..self.plan.nodes.len()).filter(|other| *other != one);
            let links: Vec<_> = others.flat_map(|other| [(one, other), (other, one)]).collect();
            self.sever(&links);
        }
        for node in 0..self.plan.nodes.len() {
            if !self.plan.invites(node) {
                self.crash(node);
            } else if self.plan.heals(node) && self.nodes[node].life > 0 {
                self.heal_one(node);
            }
        }
    }

    fn heal_one(&mut self, node: usize) {
        let place = &mut self.nodes[node];
        let (step_ms, frozen) = (std::mem::take(&mut place.step_ms), place.frozen.take());
        let jumps = step_ms != 0 || frozen.is_some();
        place.steps += 1;
        place.disk.slow_ms = 0;
        place.disk.fails = false;
        let life = place.life;
        if jumps {
            self.told_clock(node, true);
        }
        self.schedule(self.at_ms, Happening::Resumes { node, life });
        self.schedule(self.at_ms, Happening::Starts { node });
        if !self.plan.heals.is_empty() {
            self.schedule(self.at_ms + VOUCH_MS, Happening::Vouches { node });
        }
    }
}

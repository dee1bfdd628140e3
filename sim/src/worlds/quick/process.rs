//! Processes and their disks: commits, crashes, restarts, pauses. A commit takes all that waits, as a group; a crash leaves a
//! prefix of what was under way.

use std::sync::Arc;

use symbolon_core::replica::{BootError, Effects, Event, Replica, Table};

use super::Planted;
use super::world::{Happening, World};
use crate::checks::{Continuity, Sight};
use crate::history::Kind;
use crate::plan::{Start, Verb};
use crate::worlds::simulated::{Rows, pins};

const DISK: u64 = 200;
const CRASH: u64 = 201;
const BOOT: u64 = 202;

impl World<'_> {
    /// Begins a commit of all that waits, unless one is under way.
    pub(super) fn commit(&mut self, node: usize) {
        let chance = self.chance.at(DISK).at(node as u64);
        let (at_ms, settings, life) = (self.at_ms, self.plan.weather.commit, self.nodes[node].life);
        let disk = &mut self.nodes[node].disk;
        if disk.failed == Some(life) {
            disk.waiting.clear();
        }
        if !disk.committing.is_empty() || disk.waiting.is_empty() {
            return;
        }
        disk.committing = std::mem::take(&mut disk.waiting);
        disk.commits += 1;
        let commit = disk.commits;
        let slow_ms = chance.at(commit).at(1).below(disk.slow_ms + 1);
        let span_ms = chance.at(commit).between(settings.min.ms(), settings.max.ms()) + slow_ms;
        if self.planted == Some(Planted::SendBeforeDurable) {
            let last = self.nodes[node].disk.committing.last().map(|(id, _)| *id);
            if let Some(id) = last {
                self.handle(node, Event::Written(id));
            }
        }
        self.schedule(at_ms + span_ms, Happening::Commits { node, life, commit });
    }

    pub(super) fn commits(&mut self, node: usize, life: u64, commit: u64) {
        let place = &mut self.nodes[node];
        if place.life != life || place.disk.commits != commit {
            return;
        }
        if std::mem::take(&mut place.disk.fails) {
            place.disk.failed = Some(life);
            place.disk.committing.clear();
            place.disk.waiting.clear();
            return self.handle(node, Event::WriteFailed { reason: "planned".into() });
        }
        let batches = std::mem::take(&mut place.disk.committing);
        let last = batches.last().map(|(id, _)| *id);
        batches.into_iter().for_each(|(_, batch)| self.land(node, batch));
        if let Some(id) = last.filter(|_| self.planted != Some(Planted::SendBeforeDurable)) {
            self.handle(node, Event::Written(id));
        }
        self.commit(node);
    }

    fn land(&mut self, node: usize, batch: Vec<symbolon_core::replica::Row>) {
        if self.planted == Some(Planted::LoseWrites) && self.chance.at(DISK).at(self.at_ms).permille(100) {
            return;
        }
        self.see(node, &Sight::Landed(&batch));
        self.nodes[node].disk.apply(batch);
    }

    /// The process ends. Of what was on its way to the disk a prefix got there.
    pub(super) fn crash(&mut self, node: usize) {
        let life = self.nodes[node].life;
        let draw = self.chance.at(CRASH).at(node as u64).at(life);
        let place = &mut self.nodes[node];
        place.replica = None;
        place.paused = None;
        place.tick_at = None;
        place.life += 1;
        place.disk.fails = false;
        let mut under_way = std::mem::take(&mut place.disk.committing);
        under_way.append(&mut place.disk.waiting);
        let kept = draw.below(under_way.len() as u64 + 1) as usize;
        under_way.into_iter().take(kept).for_each(|(_, batch)| self.land(node, batch));
        self.effects.retain(|(at, _, _)| *at != node);
        let cancelled: Vec<_> = self.pending.iter().filter(|(_, p)| p.node == node).map(|(call, _)| *call).collect();
        for call in cancelled {
            self.pending.remove(&call);
            self.answered_to_script(call, None);
        }
        self.see(node, &Sight::Ended);
        self.told(|recorder| recorder.down(node));
        self.down.insert(node);
    }

    /// The process ends of itself.
    pub(super) fn give_up(&mut self, node: usize, life: u64) {
        if self.nodes[node].life == life && self.nodes[node].replica.is_some() {
            self.crash(node);
        }
    }

    /// The process begins, on the disk as it is.
    pub(super) fn start(&mut self, node: usize) {
        if self.nodes[node].replica.is_some() {
            return;
        }
        let place = &mut self.nodes[node];
        place.step_ms = 0; // A process that begins finds its clock set.
        place.frozen = None;
        place.steps += 1;
        place.life += 1;
        let life = place.life;
        let draw = self.chance.at(BOOT).at(node as u64).at(life);
        let mut seed = [0; 32];
        seed.chunks_mut(8).enumerate().for_each(|(at, piece)| {
            piece.copy_from_slice(&draw.at(at as u64).word().to_le_bytes());
        });
        let Some((replica, effects)) = self.boot(node, seed) else {
            return;
        };
        let place = &mut self.nodes[node];
        place.began = place.now(self.at_ms).wall;
        let continuity = std::mem::replace(&mut place.broken, Continuity::Kept);
        let view = replica.view();
        place.replica = Some(replica);
        place.view = Some(view.clone());
        self.down.remove(&node);
        self.told(|recorder| recorder.up(node, &view, continuity == Continuity::Kept));
        self.told_clock(node, false);
        self.mark_boot(node, continuity, &view);
        self.see(node, &Sight::Booted { view: &view, disk: continuity });
        self.effects.extend(effects.into_iter().map(|effect| (node, life, effect)));
        self.carry_out();
        self.wake(node, self.at_ms);
        if self.plan.start != Start::Strangers {
            self.pin_peers(node);
        }
    }

    /// The pins of everybody lie on every disk.
    pub(super) fn acquaint(&mut self) {
        for node in 0..self.nodes.len() {
            self.nodes[node].disk.rows = pins(self.peers_of(node).map(|other| self.nodes[other].seed()));
        }
    }

    /// Boots a replica; where a write was torn, the data is set aside and the node comes back empty.
    fn boot(&mut self, node: usize, seed: [u8; 32]) -> Option<(Replica, Effects)> {
        let tears = self.plan.steps().any(|step| matches!(step.verb, Verb::TearDisk(_)));
        loop {
            let place = &mut self.nodes[node];
            let (now, recovered) = (place.now(self.at_ms), place.recovered());
            let (envelope, config) = (place.envelope.clone(), place.config.clone());
            let (crypto, keys) = (place.crypto.clone(), place.keys.clone());
            match Replica::boot_with((envelope, crypto), config, keys, recovered, seed, now) {
                Ok(booted) => return Some(booted),
                Err(BootError::Unsound | BootError::BadRow { .. }) if tears => {
                    self.told(|recorder| recorder.answer(node, "the data is unsound and set aside".into(), &[]));
                    let pins = self.nodes[node].disk.pins();
                    self.replace_disk(node, pins);
                }
                Err(error) => {
                    self.trouble = Some(format!("{} does not boot: {error}", self.plan.nodes[node]));
                    return None;
                }
            }
        }
    }

    /// Of one row only the first half is left.
    pub(super) fn tear_disk(&mut self, node: usize) {
        let draw = self.chance.at(CRASH).at(node as u64).at(self.nodes[node].life).at(1);
        let disk = &mut self.nodes[node].disk;
        let torn = |(table, _): &(Table, Vec<u8>)| matches!(table, Table::Cells | Table::Marks);
        let count = disk.rows.keys().filter(|key| torn(key)).count() as u64;
        let at = draw.below(count) as usize;
        if let Some((_, value)) = disk.rows.iter_mut().filter(|(key, _)| torn(key)).nth(at) {
            value.truncate(value.len() / 2);
        }
    }

    /// What happened while it was paused happens now, at once.
    pub(super) fn resume(&mut self, node: usize, life: u64) {
        let place = &mut self.nodes[node];
        if place.life != life {
            return;
        }
        let waiting = place.paused.take();
        if waiting.is_some() {
            self.told(|recorder| recorder.entry(Some(node), Kind::Resumed));
        }
        for event in waiting.unwrap_or_default() {
            self.handle(node, event);
        }
        self.nodes[node].tick_at = None;
        self.wake(node, self.at_ms);
    }

    /// The disk is exchanged while the process is down.
    pub(super) fn replace_disk(&mut self, node: usize, rows: Rows) {
        self.nodes[node].disk.rows = rows;
        self.nodes[node].broken = Continuity::Broken;
        if self.planted == Some(Planted::RewindEntropy) {
            self.nodes[node].source.rewind();
        }
    }

    pub(super) fn view(&self, node: usize) -> Option<Arc<symbolon_core::state::View>> {
        self.nodes[node].replica.as_ref().and(self.nodes[node].view.clone())
    }
}

//! Processes and their disks: commits, crashes, restarts, pauses. A commit takes all that waits, as a group; a crash leaves a
//! prefix of what was under way.

use std::sync::Arc;

use symbolon_core::replica::{Event, Replica};

use super::Planted;
use super::node::Rows;
use super::world::{Happening, World};
use crate::checks::{Continuity, Sight};
use crate::history::Kind;

const DISK: u64 = 200;
const CRASH: u64 = 201;
const BOOT: u64 = 202;

impl World<'_> {
    /// Begins a commit of all that waits, unless one is under way.
    pub(super) fn commit(&mut self, node: usize) {
        let chance = self.chance.at(DISK).at(node as u64);
        let (at_ms, settings, life) = (self.at_ms, self.plan.disk, self.nodes[node].life);
        let disk = &mut self.nodes[node].disk;
        if !disk.committing.is_empty() || disk.waiting.is_empty() {
            return;
        }
        disk.committing = std::mem::take(&mut disk.waiting);
        disk.commits += 1;
        let commit = disk.commits;
        let slow_ms = chance.at(commit).at(1).below(disk.slow_ms + 1);
        let span_ms = chance.at(commit).between(settings.min_ms, settings.max_ms) + slow_ms;
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
            place.disk.committing.clear();
            place.disk.waiting.clear();
            return self.handle(node, Event::WriteFailed { reason: "planned".into() });
        }
        let batches = std::mem::take(&mut place.disk.committing);
        for (_, batch) in &batches {
            self.land(node, batch);
        }
        if self.planted != Some(Planted::SendBeforeDurable)
            && let Some((id, _)) = batches.last()
        {
            self.handle(node, Event::Written(*id));
        }
        self.commit(node);
    }

    fn land(&mut self, node: usize, batch: &[symbolon_core::replica::Row]) {
        if self.planted == Some(Planted::LoseWrites) && self.chance.at(DISK).at(self.at_ms).permille(100) {
            return;
        }
        self.nodes[node].disk.apply(batch);
        self.see(node, &Sight::Landed(batch));
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
        for (_, batch) in under_way.iter().take(kept) {
            self.land(node, batch);
        }
        self.effects.retain(|(at, _, _)| *at != node);
        let cancelled: Vec<_> = self.pending.iter().filter(|(_, p)| p.node == node).map(|(call, _)| *call).collect();
        for call in cancelled {
            self.pending.remove(&call);
        }
        self.see(node, &Sight::Ended);
        self.told(|recorder| recorder.down(node));
        self.down.insert(node);
    }

    /// The process begins, on the disk as it is.
    pub(super) fn start(&mut self, node: usize) {
        if self.nodes[node].replica.is_some() {
            return;
        }
        let place = &mut self.nodes[node];
        place.step_ms = 0; // A process that begins finds its clock set.
        place.steps += 1;
        place.life += 1;
        let continuity = std::mem::replace(&mut place.broken, Continuity::Kept);
        let life = place.life;
        let draw = self.chance.at(BOOT).at(node as u64).at(life);
        let mut seed = [0; 32];
        seed.chunks_mut(8).enumerate().for_each(|(at, piece)| {
            piece.copy_from_slice(&draw.at(at as u64).word().to_le_bytes());
        });
        let now = place.now(self.at_ms);
        let recovered = place.recovered();
        let booted =
            Replica::boot(place.config.clone(), place.crypto.clone(), place.keys.clone(), recovered, seed, now);
        let (replica, effects) = match booted {
            Ok(booted) => booted,
            Err(error) => {
                self.trouble = Some(format!("n{} does not boot: {error}", node + 1));
                return;
            }
        };
        let view = replica.view();
        place.replica = Some(replica);
        place.view = Some(view.clone());
        self.down.remove(&node);
        self.told(|recorder| recorder.up(node, &view, continuity == Continuity::Kept));
        self.told_clock(node, false);
        self.see(node, &Sight::Booted { view: &view, disk: continuity });
        self.effects.extend(effects.into_iter().map(|effect| (node, life, effect)));
        self.carry_out();
        self.wake(node, self.at_ms);
        self.pin_peers(node);
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

    pub(super) fn copy(&mut self, node: usize) {
        let rows: Rows = self.nodes[node].disk.rows.clone();
        let at_ms = self.at_ms;
        self.nodes[node].disk.copies.insert(at_ms, rows);
    }

    /// The disk is exchanged while the process is down.
    pub(super) fn replace_disk(&mut self, node: usize, rows: Rows) {
        self.nodes[node].disk.rows = rows;
        self.nodes[node].broken = Continuity::Broken;
        self.nodes[node].was_broken = true;
        if self.planted == Some(Planted::RewindEntropy) {
            self.nodes[node].source.rewind();
        }
    }

    pub(super) fn view(&self, node: usize) -> Option<Arc<symbolon_core::state::View>> {
        self.nodes[node].replica.as_ref().and(self.nodes[node].view.clone())
    }
}

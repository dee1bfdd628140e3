//! What befalls links: cuts, clogs, and nodes that nothing reaches for a while. Several faults of one link overlap, and it is
//! whole when the last of them ended.

use std::collections::{BTreeMap, BTreeSet};

use super::desk::DESK;
use super::world::World;

/// The state of all links.
#[derive(Default)]
pub(super) struct Links {
    /// Ways that are cut, each as often as it was.
    cut: BTreeMap<(usize, usize), u32>,
    /// Nodes that are paused.
    paused: BTreeSet<usize>,
    /// How often each was.
    pauses: BTreeMap<usize, u64>,
    /// What the simulation was told last of each pair: whether it holds, and which ways are cut.
    told: BTreeMap<(usize, usize), Told>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Told {
    holds: bool,
    cut_there: bool,
    cut_back: bool,
}

impl World {
    /// What is sent on these ways is lost, and streams over them break.
    pub fn sever(&mut self, ways: &[(usize, usize)]) {
        for way in ways {
            *self.links.cut.entry(*way).or_default() += 1;
        }
        self.tell_links();
    }

    /// One cut of each of these ways ends.
    pub fn mend(&mut self, ways: &[(usize, usize)]) {
        ways.iter().for_each(|way| once_less(&mut self.links.cut, *way));
        self.tell_links();
    }

    /// Exchanges wait on these ways.
    pub fn clog(&mut self, ways: &[(usize, usize)]) {
        let mut sky = self.weather.sky();
        for way in ways {
            *sky.clogged.entry(*way).or_default() += 1;
        }
    }

    /// One clog of each of these ways ends.
    pub fn unclog(&mut self, ways: &[(usize, usize)]) {
        let mut sky = self.weather.sky();
        ways.iter().for_each(|way| once_less(&mut sky.clogged, *way));
    }

    /// Cuts and clogs end, everywhere.
    pub fn mend_all(&mut self) {
        self.links.cut.clear();
        self.weather.sky().clogged.clear();
        self.tell_links();
    }

    /// Messages are no longer lost, doubled, altered or slow.
    pub fn clear_up(&mut self) {
        self.weather.sky().is_clear = true;
    }

    /// The node is frozen, as far as anybody sees: what it sends and is sent is held, and nothing becomes durable. Its own
    /// timers run on.
    pub fn pause(&mut self, node: usize) {
        if self.places[node].runs() && self.links.paused.insert(node) {
            *self.links.pauses.entry(node).or_default() += 1;
            self.places[node].disk().stands_still = true;
            self.sim.hold(self.name(node), DESK);
            self.tell_links();
        }
    }

    /// What was held arrives.
    pub fn resume(&mut self, node: usize) {
        if self.links.paused.remove(&node) {
            self.places[node].disk().stands_still = false;
            self.sim.release(self.name(node), DESK);
            self.tell_links();
        }
    }

    /// Whether what is sent this way is lost.
    pub fn is_cut(&self, way: (usize, usize)) -> bool {
        self.links.cut.contains_key(&way)
    }

    /// How often a node was paused.
    pub fn pauses(&self, node: usize) -> u64 {
        self.links.pauses.get(&node).copied().unwrap_or_default()
    }

    /// Whether a node is paused.
    pub fn is_paused(&self, node: usize) -> bool {
        self.links.paused.contains(&node)
    }

    /// Tells the simulation what changed. It knows no cuts of links that hold, so these come after.
    fn tell_links(&mut self) {
        for one in 0..self.places.len() {
            for other in one + 1..self.places.len() {
                let wanted = Told {
                    holds: self.links.paused.contains(&one) || self.links.paused.contains(&other),
                    cut_there: self.links.cut.contains_key(&(one, other)),
                    cut_back: self.links.cut.contains_key(&(other, one)),
                };
                let before = self.links.told.insert((one, other), wanted).unwrap_or_default();
                if before != wanted {
                    self.tell_link((one, other), before, wanted);
                }
            }
        }
    }

    fn tell_link(&mut self, (one, other): (usize, usize), before: Told, wanted: Told) {
        let (one, other) = (self.name(one), self.name(other));
        if before.holds {
            self.sim.release(one.as_str(), other.as_str());
        } else {
            self.sim.repair(one.as_str(), other.as_str());
        }
        if wanted.holds {
            self.sim.hold(one.as_str(), other.as_str());
        }
        if wanted.cut_there {
            self.sim.partition_oneway(one.as_str(), other.as_str());
        }
        if wanted.cut_back {
            self.sim.partition_oneway(other.as_str(), one.as_str());
        }
    }
}

fn once_less(ways: &mut BTreeMap<(usize, usize), u32>, way: (usize, usize)) {
    let times = ways.remove(&way).unwrap_or(0);
    if times > 1 {
        ways.insert(way, times - 1);
    }
}

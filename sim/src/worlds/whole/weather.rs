//! The weather of a run: what becomes of each exchange, drawn by its place on its link. It keeps old frames for those who send
//! them again, and sends nothing itself.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use symbolon_node::ports::{Outgoing, Payload};

use super::drawn::Drawn;
use crate::plan::{Chance, Plan};
use crate::worlds::quick::Reseed;

const LINK: u64 = 300;
/// Old frames that are kept.
const KEPT: usize = 48;
/// A copy comes at most so much later.
const LATE_MS: u64 = 200;

/// What the network does to exchanges.
pub(super) struct Weather {
    plan: crate::plan::Weather,
    chance: Drawn,
    nodes: Vec<String>,
    sky: Mutex<Sky>,
}

/// What changes in a run.
#[derive(Default)]
pub(super) struct Sky {
    /// The storm is over; latency stays.
    pub is_clear: bool,
    /// Links that are clogged, each as often as it was.
    pub clogged: BTreeMap<(usize, usize), u32>,
    /// Exchanges begun on each link.
    begun: BTreeMap<(usize, usize), u64>,
    /// Until when a link of little bandwidth is busy.
    busy: BTreeMap<(usize, usize), u64>,
    heard: VecDeque<Vec<u8>>,
}

/// What becomes of one exchange.
#[derive(Clone, Copy)]
pub(super) struct Fate {
    pub link: (usize, usize),
    pub request_lost: bool,
    pub reply_lost: bool,
    /// Nobody tells the sender.
    pub silent: bool,
    pub twice: bool,
    pub late_ms: u64,
    pub slow_ms: u64,
    pub damage_request: Damage,
    pub damage_reply: Damage,
}

/// What happens to the bytes of a frame.
#[derive(Clone, Copy)]
pub(super) struct Damage {
    flipped: Option<Chance>,
    cut_off: Option<Chance>,
}

impl Weather {
    pub(super) fn new(plan: &Plan, reseed: Option<Reseed>) -> Weather {
        let chance = Drawn::new(Chance::of(plan.seed, 50).at(LINK), reseed);
        Weather { plan: plan.weather, chance, nodes: plan.nodes.clone(), sky: Mutex::default() }
    }

    pub(super) fn sky(&self) -> MutexGuard<'_, Sky> {
        self.sky.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What becomes of the next exchange from this node, which begins now.
    pub(super) fn fate(&self, from: usize, request: &Outgoing, at_ms: u64) -> Fate {
        let host = request.origin.trim_start_matches("http://");
        let to = self.nodes.iter().position(|node| node == host).unwrap_or(from);
        let mut sky = self.sky();
        let number = sky.begun.entry((from, to)).or_default();
        *number += 1;
        let chance = self.chance.at_ms(at_ms).at((from * 1000 + to) as u64).at(*number);
        let rough = !sky.is_clear;
        let drawn = |at: u64, rate: u64| rough && chance.at(at).permille(rate);
        let damage = |at: u64| Damage {
            flipped: drawn(at, self.plan.corrupt).then(|| chance.at(at + 1)),
            cut_off: drawn(at + 2, self.plan.truncated).then(|| chance.at(at + 3)),
        };
        let slow = self.plan.slow;
        let slow_ms = if drawn(5, slow.permille) { chance.at(6).below(slow.up_to.ms() + 1) } else { 0 };
        Fate {
            link: (from, to),
            request_lost: drawn(0, self.plan.lost_requests),
            reply_lost: drawn(1, self.plan.lost_replies),
            silent: drawn(2, self.plan.silent),
            twice: drawn(3, self.plan.twice),
            late_ms: chance.at(4).below(LATE_MS),
            slow_ms: slow_ms + self.narrow(&mut sky, (from, to), bytes_of(request).len(), at_ms),
            damage_request: damage(10),
            damage_reply: damage(20),
        }
    }

    /// How long a request waits for others on a link of little bandwidth, and takes itself.
    fn narrow(&self, sky: &mut Sky, link: (usize, usize), bytes: usize, at_ms: u64) -> u64 {
        let kib = self.plan.bandwidth;
        if kib == 0 || sky.is_clear {
            return 0;
        }
        let busy = sky.busy.entry(link).or_default();
        *busy = (*busy).max(at_ms) + (bytes as u64 * 1000).div_ceil(kib * 1024);
        *busy - at_ms
    }

    /// Somebody on the way hears it.
    pub(super) fn hear(&self, frame: &[u8]) {
        let mut sky = self.sky();
        if sky.is_clear {
            return;
        }
        if sky.heard.len() == KEPT {
            sky.heard.pop_front();
        }
        sky.heard.push_back(frame.to_vec());
    }

    /// The frame that was sent so many frames ago.
    pub(super) fn heard(&self, back: u64) -> Option<Vec<u8>> {
        let sky = self.sky();
        let at = sky.heard.len().checked_sub(1 + usize::try_from(back).ok()?)?;
        sky.heard.get(at).cloned()
    }

    /// Whether a link is clogged.
    pub(super) fn is_clogged(&self, link: (usize, usize)) -> bool {
        self.sky().clogged.contains_key(&link)
    }
}

impl Damage {
    pub(super) fn apply(&self, frame: &mut Vec<u8>) {
        if let Some(chance) = self.flipped {
            flip(frame, chance);
        }
        if let Some(chance) = self.cut_off {
            frame.truncate(chance.below(frame.len() as u64) as usize);
        }
    }
}

/// One bit is another.
pub(super) fn flip(frame: &mut [u8], chance: Chance) {
    let at = chance.at(0).below(frame.len() as u64) as usize;
    if let Some(byte) = frame.get_mut(at) {
        *byte ^= 1 << chance.at(1).below(8);
    }
}

/// The frame of a request.
pub(super) fn bytes_of(request: &Outgoing) -> &[u8] {
    let (Payload::Body(frame) | Payload::Header(frame)) = &request.payload;
    frame
}

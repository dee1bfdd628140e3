//! The weather of a run: what becomes of each exchange, drawn by its place on its link. It keeps old frames for those who send
//! them again, and sends nothing itself.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use symbolon_node::ports::{Outgoing, Payload};

use super::place::Place;
use crate::plan::drawn::{Chance, Network};

const LINK: u64 = 300;
/// Old frames that are kept.
const KEPT: usize = 48;
/// A copy comes at most so much later.
const LATE_MS: u64 = 200;

/// What the network does until the storm is over.
pub(super) struct Weather {
    rates: Network,
    is_over: AtomicBool,
    heard: Mutex<VecDeque<Vec<u8>>>,
}

/// What becomes of one exchange.
pub(super) struct Fate {
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
pub(super) enum Damage {
    None,
    FlippedBit(Chance),
}

impl Weather {
    pub(super) fn new(rates: Network) -> Weather {
        Weather { rates, is_over: AtomicBool::new(false), heard: Mutex::default() }
    }

    /// The storm is over; latency stays.
    pub(super) fn clear_up(&self) {
        self.is_over.store(true, Ordering::Relaxed);
    }

    pub(super) fn fate(&self, place: &Place, origin: &str, number: u64) -> Fate {
        let link = origin.bytes().fold(0, |sum: u64, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)));
        let chance = place.chance.at(LINK).at(link).at(number);
        let rough = !self.is_over.load(Ordering::Relaxed);
        let drawn = |at: u64, rate: u64| rough && chance.at(at).permille(rate);
        let damage = |at: u64| match drawn(at, self.rates.corrupt) {
            true => Damage::FlippedBit(chance.at(at + 10)),
            false => Damage::None,
        };
        Fate {
            request_lost: drawn(0, self.rates.lost_requests),
            reply_lost: drawn(1, self.rates.lost_replies),
            silent: chance.at(2).permille(self.rates.silent),
            twice: drawn(3, self.rates.twice),
            late_ms: chance.at(4).below(LATE_MS),
            slow_ms: if drawn(5, self.rates.slow) { chance.at(6).below(self.rates.slow_ms + 1) } else { 0 },
            damage_request: damage(7),
            damage_reply: damage(8),
        }
    }

    /// Somebody on the way hears it.
    pub(super) fn hear(&self, request: &Outgoing) {
        if self.is_over.load(Ordering::Relaxed) {
            return;
        }
        let (Payload::Body(frame) | Payload::Header(frame)) = &request.payload;
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        if heard.len() == KEPT {
            heard.pop_front();
        }
        heard.push_back(frame.clone());
    }

    /// The frame that was sent so many frames ago.
    pub(super) fn heard(&self, back: usize) -> Option<Vec<u8>> {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.len().checked_sub(1 + back).and_then(|at| heard.get(at)).cloned()
    }
}

impl Damage {
    pub(super) fn apply(&self, frame: &mut [u8]) {
        let Damage::FlippedBit(chance) = self else { return };
        let at = chance.at(0).below(frame.len() as u64) as usize;
        if let Some(byte) = frame.get_mut(at) {
            *byte ^= 1 << chance.at(1).below(8);
        }
    }
}

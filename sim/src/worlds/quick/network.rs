//! The network: what is sent arrives late, twice, altered, or not at all, as the weather draws it. Each draw belongs to one
//! parcel of one link.

use symbolon_core::fault::Reject;
use symbolon_core::replica::{CallId, Event, ExchangeId};

use super::world::{Happening, ReplyTo, World};
use crate::checks::Sight;
use crate::history::{Kind, Loss, MOST, Place};
use crate::plan::drawn::Chance;

const LINK: u64 = 300;
/// Old frames that are kept for those who send them again.
const KEPT: usize = 48;

/// What becomes of one parcel.
struct Fate {
    lost: Option<Loss>,
    silent: bool,
    twice: bool,
    corrupt: bool,
    span_ms: u64,
    chance: Chance,
}

impl World<'_> {
    fn fate(&mut self, from: usize, to: usize, lost: u64) -> Fate {
        let count = self.sent.entry((from, to)).or_default();
        *count += 1;
        let chance = self.chance.at(LINK).at((from * 1000 + to) as u64).at(*count);
        let weather = self.plan.network;
        let rough = |at: u64, rate: u64| !self.healed && chance.at(at).permille(rate);
        let slow_ms = if rough(0, weather.slow) { chance.at(1).below(weather.slow_ms + 1) } else { 0 };
        Fate {
            lost: match self.cut.contains_key(&(from, to)) {
                true => Some(Loss::Cut),
                false => rough(2, lost).then_some(Loss::Weather),
            },
            silent: rough(3, weather.silent),
            twice: rough(4, weather.twice),
            corrupt: rough(5, weather.corrupt),
            span_ms: chance.at(6).between(weather.latency_min_ms, weather.latency_max_ms) + slow_ms,
            chance,
        }
    }

    /// A node opens an exchange.
    pub(super) fn send(&mut self, from: usize, to: usize, exchange: ExchangeId, mut frame: Vec<u8>) {
        let message = self.leave(from, to, &frame);
        let reply_to = ReplyTo { node: from, life: self.nodes[from].life, exchange, from: to, message };
        let fate = self.fate(from, to, self.plan.network.lost_requests);
        let at_ms = self.at_ms + fate.span_ms;
        if let Some(loss) = fate.lost {
            self.told_lost(message, loss);
            if !fate.silent {
                self.schedule(at_ms, Happening::Returns { to: reply_to, outcome: Err(None), message: MOST });
            }
            return;
        }
        if fate.twice {
            let late_ms = at_ms + fate.chance.at(7).below(200);
            let bytes = frame.clone();
            let message = self.told_again(message, to);
            self.schedule(late_ms, Happening::Arrives { from, to, bytes, reply_to: None, message });
        }
        if fate.corrupt {
            flip(&mut frame, fate.chance);
            self.told_corrupt(message);
        }
        self.schedule(at_ms, Happening::Arrives { from, to, bytes: frame, reply_to: Some(reply_to), message });
    }

    fn leave(&mut self, from: usize, to: usize, frame: &[u8]) -> Place {
        let message = self.told_sent(from, to, frame, None);
        self.trace.frame(self.at_ms, from, frame);
        self.see(from, &Sight::Sent(frame));
        if self.heard.len() == KEPT {
            self.heard.pop_front();
        }
        if !self.healed {
            self.heard.push_back((to, frame.to_vec(), message));
        }
        message
    }

    pub(super) fn arrives(
        &mut self,
        from: usize,
        to: usize,
        bytes: Vec<u8>,
        reply_to: Option<ReplyTo>,
        message: Place,
    ) {
        let down = self.nodes[to].replica.is_none();
        if down || self.cut.contains_key(&(from, to)) {
            self.told_lost(message, if down { Loss::Down } else { Loss::Cut });
            if let Some(reply_to) = reply_to {
                self.schedule(self.at_ms + 1, Happening::Returns { to: reply_to, outcome: Err(None), message: MOST });
            }
            return;
        }
        self.counts.delivered += 1;
        self.told_arrived(message);
        let call = self.name_call();
        self.open.insert(call, reply_to);
        self.handle(to, Event::Frame { call, bytes });
    }

    /// A node answers a peer.
    pub(super) fn reply(&mut self, node: usize, call: CallId, outcome: Result<Vec<u8>, Reject>) {
        if let Ok(frame) = &outcome {
            self.trace.frame(self.at_ms, node, frame);
            self.see(node, &Sight::Sent(frame));
        }
        let Some(Some(to)) = self.open.remove(&call) else {
            return;
        };
        let message = match &outcome {
            Ok(frame) => self.told_sent(node, to.node, frame, Some(to.message)),
            Err(_) => MOST,
        };
        let fate = self.fate(node, to.node, self.plan.network.lost_replies);
        let at_ms = self.at_ms + fate.span_ms;
        if let Some(loss) = fate.lost {
            self.told_lost(message, loss);
        }
        let outcome = match outcome {
            _ if fate.lost.is_some() && fate.silent => return,
            _ if fate.lost.is_some() => Err(None),
            Ok(mut frame) => {
                if fate.corrupt {
                    flip(&mut frame, fate.chance);
                    self.told_corrupt(message);
                }
                Ok(frame)
            }
            Err(reject) => Err(Some(reject)),
        };
        self.schedule(at_ms, Happening::Returns { to, outcome, message });
    }

    pub(super) fn returns(&mut self, to: ReplyTo, outcome: Result<Vec<u8>, Option<Reject>>, message: Place) {
        if self.nodes[to.node].life != to.life {
            return self.told_lost(message, Loss::Down);
        }
        let exchange = to.exchange;
        let lost = self.cut.contains_key(&(to.from, to.node));
        match &outcome {
            Ok(_) if lost => self.told_lost(message, Loss::Cut),
            Ok(_) => self.told_arrived(message),
            Err(_) => {}
        }
        match outcome {
            Ok(bytes) if !lost => {
                self.counts.delivered += 1;
                self.handle(to.node, Event::Returned { exchange, bytes });
            }
            Ok(_) | Err(None) => {
                self.handle(to.node, Event::Failed { exchange, status: None, reason: None });
            }
            Err(Some(reject)) => {
                let (status, reason) = (Some(reject.status()), Some(reject));
                self.handle(to.node, Event::Failed { exchange, status, reason });
            }
        }
    }

    /// Cuts these links, from the first to the second of each. The number names the cut in the history.
    pub(super) fn sever(&mut self, links: &[(usize, usize)]) -> u64 {
        for link in links {
            *self.cut.entry(*link).or_default() += 1;
        }
        self.recorder.as_mut().map_or(0, |recorder| recorder.cut(None, links.to_vec()))
    }

    pub(super) fn mend(&mut self, links: &[(usize, usize)], cut: u64) {
        if self.healed {
            return;
        }
        self.told(|recorder| recorder.entry(None, Kind::Mended { cut }));
        for link in links {
            let times = self.cut.get(link).copied().unwrap_or(0);
            if times > 1 {
                self.cut.insert(*link, times - 1);
            } else {
                self.cut.remove(link);
            }
        }
    }
}

fn flip(frame: &mut [u8], chance: Chance) {
    let at = chance.at(8).below(frame.len() as u64) as usize;
    if let Some(byte) = frame.get_mut(at) {
        *byte ^= 1 << chance.at(9).below(8);
    }
}

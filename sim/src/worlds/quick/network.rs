//! The network: what is sent arrives late, twice, altered, or not at all, as the weather draws it. Each draw belongs to one
//! parcel of one link.

use symbolon_core::fault::Reject;
use symbolon_core::replica::{CallId, Destination, Event, ExchangeId};
use symbolon_core::time::Wall;

use super::world::{Happening, ReplyTo, World, name};
use crate::checks::Sight;
use crate::history::{Loss, MOST, Place};
use crate::plan::Chance;

const LINK: u64 = 300;
/// Old frames that are kept for those who send them again.
const KEPT: usize = 48;

/// What becomes of one parcel.
struct Fate {
    lost: Option<Loss>,
    silent: bool,
    twice: bool,
    corrupt: bool,
    truncated: bool,
    span_ms: u64,
    chance: Chance,
}

impl World<'_> {
    fn fate(&mut self, from: usize, to: usize, bytes: usize, lost: u64) -> Fate {
        let link = from * self.nodes.len() + to;
        let count = &mut self.sent[link];
        *count += 1;
        let chance = self.chance.at(LINK).at((from * 1000 + to) as u64).at(*count);
        let weather = self.plan.weather;
        let rough = |at: u64, rate: u64| rate > 0 && !self.healed && chance.at(at).permille(rate);
        let slow_ms =
            if rough(0, weather.slow.permille) { chance.at(1).below(weather.slow.up_to.ms() + 1) } else { 0 };
        let narrow_ms = if self.healed { 0 } else { self.narrow(from, to, bytes) };
        let rough = |at: u64, rate: u64| rate > 0 && !self.healed && chance.at(at).permille(rate);
        Fate {
            lost: match self.cut.contains_key(&(from, to)) {
                true => Some(Loss::Cut),
                false => rough(2, lost).then_some(Loss::Weather),
            },
            silent: rough(3, weather.silent),
            twice: rough(4, weather.twice),
            corrupt: rough(5, weather.corrupt),
            truncated: rough(10, weather.truncated),
            span_ms: chance.at(6).between(weather.latency.min.ms(), weather.latency.max.ms()) + slow_ms + narrow_ms,
            chance,
        }
    }

    /// How long a parcel waits for others on a link of little bandwidth, and takes itself.
    fn narrow(&mut self, from: usize, to: usize, bytes: usize) -> u64 {
        let kib = self.plan.weather.bandwidth;
        if kib == 0 {
            return 0;
        }
        let busy = self.busy.entry((from, to)).or_default();
        *busy = (*busy).max(self.at_ms) + (bytes as u64 * 1000).div_ceil(kib * 1024);
        *busy - self.at_ms
    }

    /// Who listens at an address under an identity: a clone has the identity of another, and an address of its own.
    pub(super) fn addressed(&self, to: &Destination) -> Option<usize> {
        let is_meant = |node: &super::node::Node| node.keys.node() == to.node;
        let exact = self.nodes.iter().position(|node| is_meant(node) && node.config.address == *to.address);
        exact.or_else(|| self.nodes.iter().position(is_meant))
    }

    /// A node opens an exchange.
    pub(super) fn send(&mut self, from: usize, to: usize, exchange: ExchangeId, mut frame: Vec<u8>) {
        self.nodes[from].asked += 1;
        let (message, name) = self.leave(from, to, &frame);
        let reply_to = ReplyTo { node: from, life: self.nodes[from].life, exchange, from: to, message };
        let fate = self.fate(from, to, frame.len(), self.plan.weather.lost_requests);
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
            self.schedule(late_ms, Happening::Arrives { from, to, bytes, name: Some(name), reply_to: None, message });
        }
        let harmed = fate.harm(&mut frame);
        if harmed {
            self.told_corrupt(message);
        }
        let (bytes, name, reply_to) = (frame, (!harmed).then_some(name), Some(reply_to));
        self.schedule(at_ms, Happening::Arrives { from, to, bytes, name, reply_to, message });
    }

    fn leave(&mut self, from: usize, to: usize, frame: &[u8]) -> (Place, u64) {
        let wall = self.nodes[from].now(self.at_ms).wall;
        self.leave_at(from, to, frame, wall)
    }

    /// A frame leaves that says that it was sent then. It has a place in the history, and a name.
    pub(super) fn leave_at(&mut self, from: usize, to: usize, frame: &[u8], wall: Wall) -> (Place, u64) {
        let message = self.told_sent(from, to, frame, None);
        self.trace.frame(self.at_ms, from, frame);
        self.see(from, &Sight::Sent(frame));
        let name = name(frame);
        self.see(from, &Sight::Requested { name, wall });
        self.overhear(to, frame, message);
        (message, name)
    }

    /// A frame is kept for those who send it again, if there are any, in the memory of the oldest one.
    fn overhear(&mut self, to: usize, frame: &[u8], message: Place) {
        if !self.overheard {
            return;
        }
        let oldest = if self.heard.len() == KEPT { self.heard.pop_front() } else { None };
        if !self.healed {
            let mut bytes = oldest.map(|(_, bytes, _)| bytes).unwrap_or_default();
            bytes.clear();
            bytes.extend_from_slice(frame);
            self.heard.push_back((to, bytes, message));
        }
    }

    pub(super) fn arrives(
        &mut self,
        from: usize,
        to: usize,
        (bytes, name): (Vec<u8>, Option<u64>),
        reply_to: Option<ReplyTo>,
        message: Place,
    ) {
        if self.clogged.contains_key(&(from, to)) {
            return self.held.push(((from, to), Happening::Arrives { from, to, bytes, name, reply_to, message }));
        }
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
        self.handle_named(to, Event::Frame { call, bytes }, name);
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
        let bytes = outcome.as_ref().map_or(0, Vec::len);
        let fate = self.fate(node, to.node, bytes, self.plan.weather.lost_replies);
        let at_ms = self.at_ms + fate.span_ms;
        if let Some(loss) = fate.lost {
            self.told_lost(message, loss);
        }
        let outcome = match outcome {
            _ if fate.lost.is_some() && fate.silent => return,
            _ if fate.lost.is_some() => Err(None),
            Ok(mut frame) => {
                if fate.harm(&mut frame) {
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
        if self.clogged.contains_key(&(to.from, to.node)) {
            return self.held.push(((to.from, to.node), Happening::Returns { to, outcome, message }));
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
        if !self.healed {
            self.told(|recorder| recorder.mended(Some(cut)));
            links.iter().for_each(|link| once_less(&mut self.cut, *link));
        }
    }

    /// Holds what is sent on these links.
    pub(super) fn clog(&mut self, links: &[(usize, usize)]) {
        for link in links {
            *self.clogged.entry(*link).or_default() += 1;
        }
    }

    pub(super) fn unclog(&mut self, links: &[(usize, usize)]) {
        links.iter().for_each(|link| once_less(&mut self.clogged, *link));
        self.let_go();
    }

    /// Ends partitions, cuts and clogs.
    pub(super) fn mend_all(&mut self) {
        self.told(|recorder| recorder.mended(None));
        self.cut.clear();
        self.clogged.clear();
        self.let_go();
    }

    /// What waited on links that are free again goes on, in its order.
    fn let_go(&mut self) {
        for (link, happening) in std::mem::take(&mut self.held) {
            if self.clogged.contains_key(&link) {
                self.held.push((link, happening));
            } else {
                self.schedule(self.at_ms + 1, happening);
            }
        }
    }
}

fn once_less(links: &mut std::collections::BTreeMap<(usize, usize), u32>, link: (usize, usize)) {
    let times = links.remove(&link).unwrap_or(0);
    if times > 1 {
        links.insert(link, times - 1);
    }
}

impl Fate {
    /// Alters the bytes, if they are to be, and says so.
    fn harm(&self, frame: &mut Vec<u8>) -> bool {
        if self.corrupt {
            flip(frame, self.chance);
        }
        if self.truncated {
            frame.truncate(self.chance.at(11).below(frame.len() as u64) as usize);
        }
        self.corrupt || self.truncated
    }
}

pub(super) fn flip(frame: &mut [u8], chance: Chance) {
    let at = chance.at(8).below(frame.len() as u64) as usize;
    if let Some(byte) = frame.get_mut(at) {
        *byte ^= 1 << chance.at(9).below(8);
    }
}

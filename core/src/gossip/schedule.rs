//! When to speak to whom: the interval, the heartbeat, pushes after a change, backoff. It decides; it opens no round itself.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

use super::compose::Sent;
use super::peer::{Flight, Peer};
use super::{ExchangeId, Stats};
use crate::config::GossipConfig;
use crate::crdt::{Digest, NodeId};
use crate::state::View;
use crate::time::Tick;
use crate::wire::message::Nonce;
use crate::zoo::{self, Bug};

/// Peers that a local change is pushed to at once; in a larger cluster those that learn it pass it on at once.
pub const PUSH_PEERS: usize = 8;
/// News that nobody waits for are pushed within this time, with whatever else is to be told by then.
pub const UNHURRIED: Duration = Duration::from_secs(2);
/// Rounds that are open at one time.
pub const MAX_FLIGHTS: usize = 64;

/// Why the replica wants to be woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The next interval of gossip.
    Interval,
    /// A change is to be pushed.
    Push,
    /// A round may have failed.
    RoundTimeout,
    /// A caller waits for peers no longer.
    PullTimeout,
    /// A write concern ends.
    ConcernTimeout,
    /// Keys, purges and other slow duties.
    Upkeep,
}

/// All peers, and the plan of whom to speak to next.
pub struct Gossip {
    /// The peers.
    pub peers: BTreeMap<NodeId, Peer>,
    /// Counters of all together.
    pub stats: Stats,
    next_interval: Tick,
    push_at: Option<Tick>,
    next_exchange: u64,
    rng: ChaCha8Rng,
}

impl Gossip {
    /// Nobody is known yet; the first interval is drawn from the seed.
    pub fn new(seed: [u8; 32], config: &GossipConfig, now: Tick) -> Gossip {
        let mut gossip = Gossip {
            peers: BTreeMap::new(),
            stats: Stats::default(),
            next_interval: now,
            push_at: None,
            next_exchange: 0,
            rng: ChaCha8Rng::from_seed(seed),
        };
        gossip.next_interval = now.after(gossip.jittered(config.interval / 2));
        gossip
    }

    /// Takes up a peer, or its new address.
    pub fn meet(&mut self, node: NodeId, address: &Arc<str>, now: Tick) {
        let peer = self.peers.entry(node).or_insert_with(|| Peer::new(node, address.clone(), now));
        if peer.address != *address {
            peer.address = address.clone();
            peer.stats.address = address.clone();
        }
    }

    /// Something changed here that peers should hear within this time.
    pub fn push_within(&mut self, span: Duration, now: Tick) {
        let at = now.after(span);
        self.push_at = Some(self.push_at.map_or(at, |earlier| earlier.min(at)));
    }

    /// Whether what is merged from a peer has to be passed on at once: its author cannot have pushed it to everybody.
    pub fn relays(&self) -> bool {
        self.peers.len() > PUSH_PEERS
    }

    /// When something is due, and what.
    pub fn deadline(&self) -> (Tick, Why) {
        let interval = (self.next_interval, Why::Interval);
        let push = self.push_at.map(|at| (at, Why::Push));
        let flights = self.peers.values().filter_map(|peer| Some((peer.flight.as_ref()?.until, Why::RoundTimeout)));
        flights.chain(push).chain([interval]).min_by_key(|(at, _)| *at).unwrap_or(interval)
    }

    /// Whether no round is due, and none is overdue: what most events find.
    pub fn rests(&self, now: Tick) -> bool {
        let wants = |peer: &Peer| match &peer.flight {
            Some(flight) => flight.until <= now,
            None => peer.urgent && peer.not_before <= now,
        };
        self.next_interval > now && self.push_at.is_none_or(|at| at > now) && !self.peers.values().any(wants)
    }

    /// The peers with whom a round shall be opened now. Skips are counted here.
    pub fn due(&mut self, view: &View, record_digest: Digest, now: Tick) -> Vec<NodeId> {
        let config = &view.config.gossip;
        let mut due = Vec::new();
        if self.push_at.is_some_and(|at| at <= now) {
            self.push_at = None;
            due = self.push_targets(view, record_digest, now);
            self.stats.pushes += due.len() as u64;
        }
        if self.next_interval <= now {
            self.next_interval = now.after(self.jittered(config.interval));
            for node in self.choose(config.fanout, now) {
                if !self.skips(node, view, record_digest, now) {
                    due.push(node);
                }
            }
        }
        let urgent = self.peers.values().filter(|peer| peer.urgent && peer.is_free(now));
        due.extend(urgent.map(|peer| peer.node));
        due.sort_unstable();
        due.dedup();
        let open = self.peers.values().filter(|peer| peer.flight.is_some()).count();
        due.truncate(MAX_FLIGHTS.saturating_sub(open));
        due
    }

    /// A round with this peer is opened.
    pub fn depart(&mut self, node: NodeId, carries: Sent, nonce: Nonce, held: &Arc<View>, now: Tick) -> ExchangeId {
        let exchange = self.name_exchange();
        if let Some(peer) = self.peers.get_mut(&node) {
            peer.urgent = false;
            let until = now.after(held.config.gossip.round_timeout);
            peer.flight = Some(Flight { exchange, sent: now, until, nonce, carries, held: held.clone() });
        }
        exchange
    }

    /// A name for an exchange.
    pub fn name_exchange(&mut self) -> ExchangeId {
        self.next_exchange += 1;
        ExchangeId(self.next_exchange)
    }

    /// The peer whose round bears this name, and that round.
    pub fn in_flight(&mut self, exchange: ExchangeId) -> Option<(NodeId, &mut Flight)> {
        self.peers.values_mut().find_map(|peer| {
            let flight = peer.flight.as_mut().filter(|flight| flight.exchange == exchange)?;
            Some((peer.node, flight))
        })
    }

    /// The round with this peer came back well.
    pub fn arrived(&mut self, node: NodeId, exchange: ExchangeId, now: Tick) -> Option<Flight> {
        let peer = self.peers.get_mut(&node)?;
        let flight = peer.flight.take_if(|flight| flight.exchange == exchange)?;
        peer.arrivals_held = peer.arrivals_held.max(flight.carries.arrivals);
        peer.arrivals = peer.arrivals.max(flight.carries.arrivals);
        if !peer.records_listed {
            peer.presume_records(flight.carries.records.iter().copied()); // Else it said itself what it took of them.
        }
        peer.stats.failures = 0;
        peer.stats.round_trip = Some(now.since(flight.sent));
        peer.not_before = now;
        self.stats.rounds_completed += 1;
        Some(flight)
    }

    /// The round with this peer came to nothing: wait longer each time, but never beyond the heartbeat.
    pub fn failed(&mut self, node: NodeId, config: &GossipConfig, now: Tick) {
        self.stats.rounds_failed += 1;
        let failures = self.peers.get(&node).map_or(0, |peer| peer.stats.failures);
        let pause = config.interval.saturating_mul(1 << failures.min(10)).min(config.heartbeat);
        let endless = zoo::on(Bug::BackoffWithoutEnd) && failures >= 2;
        let pause = if endless { Duration::from_secs(3600) } else { self.jittered(pause) };
        if let Some(peer) = self.peers.get_mut(&node) {
            peer.flight = None;
            peer.urgent |= std::mem::take(&mut peer.push_again);
            peer.list_told = false;
            peer.stats.failures = failures.saturating_add(1);
            peer.not_before = now.after(pause);
            peer.step_back();
        }
    }

    /// Rounds whose time is over.
    pub fn overdue(&self, now: Tick) -> Vec<NodeId> {
        let over = |peer: &&Peer| peer.flight.as_ref().is_some_and(|flight| flight.until <= now);
        self.peers.values().filter(over).map(|peer| peer.node).collect()
    }

    /// Goes to peers of which this holds and that answer: to a few at one time, and to none again within the interval.
    pub fn hurry(&mut self, lags: impl Fn(&Peer) -> bool, interval: Duration, now: Tick) {
        let open = self.peers.values().filter(|peer| peer.flight.is_some() || peer.urgent).count();
        let is_due = |peer: &&mut Peer| peer.is_free(now) && peer.is_reachable() && peer.is_quiet_for(interval, now);
        let due = self.peers.values_mut().filter(|peer| lags(peer)).filter(is_due);
        due.take(PUSH_PEERS.saturating_sub(open)).for_each(|peer| peer.urgent = true);
    }

    /// Our clock is in doubt, and only peers can confirm it: all are asked at once.
    pub fn doubt_clock(&mut self) {
        for peer in self.peers.values_mut() {
            (peer.urgent, peer.spoke_since_doubt) = (true, false);
        }
    }

    /// Some peers to ask at once, those that answer first.
    pub fn ask_now(&mut self, count: usize) -> Vec<NodeId> {
        let mut candidates: Vec<(u32, NodeId)> = self.peers.values().map(|p| (p.stats.failures, p.node)).collect();
        self.shuffle(&mut candidates);
        candidates.sort_by_key(|(failures, _)| *failures);
        candidates.into_iter().take(count).map(|(_, node)| node).collect()
    }

    fn push_targets(&mut self, view: &View, record_digest: Digest, now: Tick) -> Vec<NodeId> {
        let mut targets: Vec<NodeId> = Vec::new();
        let lacks = |peer: &&mut Peer| peer.lacks(view) || peer.record_digest != Some(record_digest);
        for peer in self.peers.values_mut().filter(lacks) {
            if peer.flight.is_some() {
                peer.push_again = true;
            } else if peer.not_before <= now {
                targets.push(peer.node);
            }
        }
        self.shuffle(&mut targets);
        targets.truncate(PUSH_PEERS);
        targets
    }

    /// Random peers that are free.
    fn choose(&mut self, count: usize, now: Tick) -> Vec<NodeId> {
        let mut free: Vec<NodeId> =
            self.peers.values().filter(|peer| peer.is_free(now)).map(|peer| peer.node).collect();
        self.shuffle(&mut free);
        free.truncate(count.max(1));
        free
    }

    /// Whether this peer needs no round in this interval: it is known to be equal, and was heard within the heartbeat.
    fn skips(&mut self, node: NodeId, view: &View, record_digest: Digest, now: Tick) -> bool {
        let heartbeat = view.config.gossip.heartbeat;
        let quiet = |peer: &Peer| peer.is_quiet_for(heartbeat, now) && !zoo::on(Bug::HeartbeatNever);
        let equal = |peer: &&mut Peer| peer.spoke_since_doubt && peer.is_equal(view, record_digest) && !quiet(peer);
        let Some(peer) = self.peers.get_mut(&node).filter(equal).filter(|_| !zoo::on(Bug::NeverSkips)) else {
            return false;
        };
        peer.stats.skips += 1;
        self.stats.skips += 1;
        true
    }

    /// Ten per cent more or less, so that nodes that began together do not stay together.
    fn jittered(&mut self, span: Duration) -> Duration {
        let per_mille = 900 + self.rng.next_u32() % 201;
        span * per_mille / 1000
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = self.rng.next_u64() % (last as u64 + 1);
            items.swap(last, other as usize);
        }
    }
}

impl Peer {
    /// Whether a round may be opened with it now.
    pub fn is_free(&self, now: Tick) -> bool {
        self.flight.is_none() && self.not_before <= now
    }

    /// What was in flight is lost, or not: the part in it is sent again, and a peer that has it says so.
    fn step_back(&mut self) {
        if let Some(outgoing) = self.outgoing.as_mut() {
            outgoing.next = outgoing.next.saturating_sub(1);
        }
    }
}

//! Whether this node's own clock can be trusted. A clock liar hurts itself alone: in doubt it writes nothing and issues nothing,
//! says why, and waits for its peers to confirm.

use std::sync::Arc;
use std::time::Duration;

use super::{Fact, Replica};
use crate::gossip::Peer;
use crate::state::Readiness;
use crate::time::{Now, Wall};

/// What is remembered to judge by: the wall clock, and whether to serve.
#[derive(Clone, Debug)]
pub(super) struct Watch {
    /// The last reading, against which the next is compared.
    last: Now,
    /// The greatest wall time that this node's own ops carry.
    stamped: Wall,
    /// The wall clock was seen to move against the monotonic one by more than the budget, and nobody has confirmed it since.
    jumped: bool,
    /// A majority of the peers and we refuse each other's clocks.
    outvoted: bool,
    /// The wall clock lies behind the hybrid clock by more than the budget.
    behind: bool,
    /// What stood against serving when that was judged last.
    judged: Option<Against>,
}

impl Watch {
    pub fn new(now: Now, stamped: Wall) -> Watch {
        Watch { last: now, stamped, jumped: false, outvoted: false, behind: false, judged: None }
    }

    /// Whether anything speaks against the clock.
    pub fn is_doubtful(&self) -> bool {
        self.jumped || self.outvoted || self.behind
    }

    /// Whether the wall clock has jumped since the last reading.
    fn pass(&mut self, now: Now, budget: Duration) -> bool {
        let elapsed = now.tick.since(self.last.tick);
        let expected = self.last.wall.after(elapsed);
        let jumps = now.wall.distance(expected) > budget;
        self.jumped |= jumps;
        self.last = now;
        jumps
    }
}

/// What may stand against serving, each whether it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Against {
    store: bool,
    starting: bool,
    jumped: bool,
    outvoted: bool,
    behind: bool,
    signing_key: bool,
    wrapping_key: bool,
}

impl Against {
    /// In words, where the store failed for this reason.
    fn reasons(self, failure: &str) -> Vec<(&'static str, String)> {
        let beyond = |what: &str| format!("{what}, by more than max_clock_drift");
        let all = [
            (self.store, "store", format!("the store takes no more writes: {failure}")),
            (self.starting, "starting", "the first write is under way".into()),
            (self.jumped, "clock_jumped", beyond("the wall clock moved against the monotonic clock")),
            (
                self.outvoted,
                "clock_outvoted",
                beyond("a majority of the peers and this node refuse each other's clocks"),
            ),
            (self.behind, "clock_behind", beyond("the wall clock lies behind this node's own changes")),
            (
                self.signing_key,
                "no_signing_key",
                "no signing key is active yet: it waits for its peers to know it".into(),
            ),
            (self.wrapping_key, "no_wrapping_key", "no wrapping key is held yet".into()),
        ];
        all.into_iter().filter(|(holds, _, _)| *holds).map(|(_, name, words)| (name, words)).collect()
    }
}

impl Replica {
    /// Takes the time. Everything in this event happens at this instant.
    pub(super) fn pass_time(&mut self, now: Now) {
        let doubtful = self.watch.is_doubtful();
        if self.watch.pass(now, self.head.config.gossip.max_clock_drift) {
            self.gossip.doubt_clock();
        }
        self.now = now;
        if doubtful != self.watch.is_doubtful() {
            self.judge_readiness();
        }
    }

    /// Whether this node may serve, and if not, why. Published at once: it is no stored state.
    pub(super) fn judge_readiness(&mut self) {
        self.judge_clock();
        let against = Against {
            store: self.failed.is_some(),
            starting: self.number == 0,
            jumped: self.watch.jumped,
            outvoted: self.watch.outvoted,
            behind: self.watch.behind,
            signing_key: self.durable.signer.is_none(),
            wrapping_key: self.durable.ring.sealing().is_none(),
        };
        if self.watch.judged.replace(against) == Some(against) {
            return; // The words would be the same.
        }
        let readiness = Readiness { reasons: against.reasons(self.failed.as_deref().unwrap_or_default()) };
        if readiness != self.durable.readiness {
            let names = readiness.reasons.iter().map(|(name, _)| *name).collect();
            self.head.readiness = readiness.clone();
            Arc::make_mut(&mut self.durable).readiness = readiness;
            self.republish();
            self.note(Fact::Readiness { reasons: names });
        }
    }

    /// The view is published again, with the clocks as they are now.
    pub(super) fn republish(&mut self) {
        Arc::make_mut(&mut self.durable).read = self.now;
        self.republish = true;
    }

    /// The operator vouches for the clock as it stands.
    pub(super) fn accept_clock(&mut self) {
        self.watch = Watch::new(self.now, self.now.wall);
        self.gossip.peers.values_mut().for_each(|peer| peer.clock_refused = false);
        self.judge_readiness();
    }

    /// Peers that take our frames, and whose frames we take, confirm the clock, also after a jump.
    fn judge_clock(&mut self) {
        let budget = self.head.config.gossip.max_clock_drift;
        self.watch.behind = self.watch.stamped > self.now.wall.after(budget);
        let peers = self.gossip.peers.len();
        let refused = self.gossip.peers.values().filter(|peer| peer.clock_refused).count();
        self.watch.outvoted = refused * 2 > peers;
        if self.watch.jumped {
            let agrees = |peer: &&Peer| !peer.clock_refused && peer.spoke_since_doubt;
            let agreeing = self.gossip.peers.values().filter(agrees).count();
            if peers > 0 && (agreeing + 1) * 2 > peers + 1 {
                self.watch.jumped = false;
            }
        }
    }
}

//! Which frames were seen before. It never forgets a nonce that could still be accepted.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::config::MAX_NONCES_PER_SENDER;
use crate::fault::Reject;
use crate::time::Wall;
use crate::zoo::{self, Bug};

/// The nonces of recent frames, per sender.
///
/// Whenever a nonce is let go, because it is old or to make room, the sender's *floor* moves up to the time of its
/// frame, and frames from the floor or before are stale from then on. So a nonce that is gone cannot come back, also
/// when our wall clock steps back and the frame lies in the window again.
#[derive(Clone, Debug)]
pub struct ReplayWindow {
    width: Duration,
    origin: Wall,
    senders: BTreeMap<[u8; 16], Seen>,
}

#[derive(Clone, Debug)]
struct Seen {
    floor: Wall,
    nonces: BTreeSet<[u8; 16]>,
    by_time: BTreeSet<(Wall, [u8; 16])>,
}

impl ReplayWindow {
    /// A window that takes frames sent within `width` of our clock, and none sent at `origin` or before: a node
    /// that does not remember the time before its boot passes that time.
    pub fn new(width: Duration, origin: Wall) -> ReplayWindow {
        ReplayWindow { width, origin, senders: BTreeMap::new() }
    }

    /// Notes a frame that was verified and opened, and whose letter was checked.
    ///
    /// # Errors
    /// [`Reject::Stale`] if it is too old or too new to judge, [`Reject::Replayed`] if it was here before.
    pub fn check_and_insert(
        &mut self,
        sender: [u8; 16],
        sent: Wall,
        nonce: [u8; 16],
        now: Wall,
    ) -> Result<(), Reject> {
        if sent.distance(now) > self.width {
            return Err(Reject::Stale);
        }
        let seen = self.senders.entry(sender).or_insert_with(|| Seen::above(self.origin));
        seen.expire(now.before(self.width));
        seen.insert(sent, nonce)
    }

    /// Lets go of what left the window, for all senders.
    pub fn expire(&mut self, now: Wall) {
        let bound = now.before(self.width);
        self.senders.values_mut().for_each(|seen| seen.expire(bound));
    }

    /// Nonces that are held for this sender.
    pub fn held(&self, sender: &[u8; 16]) -> usize {
        self.senders.get(sender).map_or(0, |seen| seen.nonces.len())
    }
}

impl Seen {
    fn above(floor: Wall) -> Seen {
        Seen { floor, nonces: BTreeSet::new(), by_time: BTreeSet::new() }
    }

    /// Lets go of everything sent before `bound`.
    fn expire(&mut self, bound: Wall) {
        while let Some((sent, _)) = self.by_time.first()
            && *sent < bound
        {
            self.raise_floor(*sent);
        }
    }

    fn insert(&mut self, sent: Wall, nonce: [u8; 16]) -> Result<(), Reject> {
        if self.nonces.contains(&nonce) && !zoo::on(Bug::NoncesForgotten) {
            return Err(Reject::Replayed);
        }
        if sent < self.floor || sent == self.floor && !zoo::on(Bug::ReplayWindowOffByOne) {
            return Err(Reject::Stale);
        }
        if self.nonces.len() >= MAX_NONCES_PER_SENDER
            && let Some((oldest, _)) = self.by_time.first()
        {
            if sent <= *oldest {
                return Err(Reject::Stale);
            }
            self.raise_floor(*oldest);
        }
        self.nonces.insert(nonce);
        self.by_time.insert((sent, nonce));
        debug_assert_eq!(self.nonces.len(), self.by_time.len(), "both indexes hold the same nonces");
        Ok(())
    }

    /// From now on what was sent at `floor` or before is stale, so that its nonces need not be held.
    fn raise_floor(&mut self, floor: Wall) {
        self.floor = self.floor.max(floor);
        while let Some((sent, nonce)) = self.by_time.first().copied()
            && sent <= self.floor
        {
            self.by_time.remove(&(sent, nonce));
            self.nonces.remove(&nonce);
        }
    }
}

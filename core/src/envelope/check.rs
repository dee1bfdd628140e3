//! What the inside of a frame must say. It never looks at a clock: now is handed in.

use std::time::Duration;

use super::{Letter, Purpose};
use crate::fault::Reject;
use crate::time::Wall;

/// What the receiver knows about a frame from outside of it: whose key signed it, and where it came in.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// Our cluster.
    pub cluster: [u8; 16],
    /// The node whose pinned key verified the signature.
    pub sender: [u8; 16],
    /// This node.
    pub receiver: [u8; 16],
    /// What may come in here.
    pub purposes: &'a [Purpose],
}

impl Letter {
    /// Whether this is the letter that its frame claims to be, written within `window` of `now`.
    ///
    /// # Errors
    /// [`Reject::Mismatched`] or [`Reject::Stale`].
    pub fn check(&self, expected: &Expected<'_>, now: Wall, window: Duration) -> Result<(), Reject> {
        let Expected { cluster, sender, receiver, purposes } = expected;
        let matches = self.cluster == *cluster
            && self.sender == *sender
            && self.receiver == *receiver
            && purposes.contains(&self.purpose);
        match (matches, self.sent.distance(now) <= window) {
            (false, _) => Err(Reject::Mismatched),
            (true, false) => Err(Reject::Stale),
            (true, true) => Ok(()),
        }
    }
}

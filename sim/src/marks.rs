//! Marks: rare situations that a long run must sometimes reach, counted. They judge nothing; a mark that is never hit says
//! that the swarm does not go there.

use symbolon_core::fault::Reject;
use symbolon_core::replica::Fact;

/// Declares the marks, each with its name and what it means.
macro_rules! marks {
    ($($(#[doc = $meaning:literal])+ $mark:ident = $name:literal,)+) => {
        /// A situation.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[repr(usize)]
        pub enum Mark { $($(#[doc = $meaning])+ $mark,)+ }

        impl Mark {
            /// All of them.
            pub const ALL: &[Mark] = &[$(Mark::$mark,)+];

            /// Its stable name.
            pub fn name(self) -> &'static str {
                match self { $(Mark::$mark => $name,)+ }
            }
        }
    };
}

marks! {
    /// A node asked its peers for a key or a client that it had not heard of.
    PullOnMiss = "pull-on-miss",
    /// A delta came by the deep path, and changed something.
    DeepPath = "deep-path",
    /// Empty cells were dropped.
    CellsDropped = "cells-dropped",
    /// The same at a node with a link that was cut.
    DroppedWhileCut = "cells-dropped-while-cut-off",
    /// A delta came in part, and was let go of.
    BrokenOff = "delta-broken-off",
    /// Empty cells were dropped at its sender or its receiver meanwhile.
    DroppedInTransfer = "cells-dropped-in-broken-delta",
    /// A node began its first life after the others were up.
    JoinedLate = "member-joined-late",
    /// A node was left behind for ever.
    NeverBack = "member-never-back",
    /// A node met its peers with an empty disk.
    CameBackEmpty = "member-came-back-empty",
    /// A peer showed a node what it had lost with its disk.
    MetLaterLife = "restored-disk-met-later-life",
    /// A clock stepped back, behind the purge mark of its node.
    BehindPurgeMark = "clock-behind-purge-mark",
    /// A purge mark moved by a clock that was stepped ahead.
    PurgedAhead = "purged-by-a-clock-ahead",
    /// A node saw that its clock had jumped.
    ClockJumped = "clock-jumped",
    /// A node was outvoted about the time.
    ClockOutvoted = "clock-outvoted",
    /// A frame was refused since its sender's clock was too far off.
    DriftRefused = "drift-refused",
    /// A frame was refused that had been seen before.
    ReplayRefused = "replay-refused",
    /// A frame was refused as too old, or too new.
    StaleRefused = "stale-refused",
    /// A former life of a node was refused.
    FormerLifeRefused = "former-life-refused",
    /// A node learned that a later life of itself is known, and renewed itself.
    Renewed = "node-renewed-itself",
    /// A round came to nothing.
    RoundFailed = "round-failed",
    /// A signing key retired.
    KeyRetired = "key-retired",
    /// A signing key was withdrawn.
    KeyWithdrawn = "key-withdrawn",
    /// A store failed under a write.
    StoreFailed = "store-failed",
    /// Revocations arrived from a peer.
    RevocationsLearned = "revocations-learned",
    /// A delta waited for the records of its authors.
    DeltaPutOff = "delta-put-off",
    /// Equal vectors with unequal digests: an alarm.
    Alarm = "alarm-raised",
}

/// How often each was hit in one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marks([u32; Mark::ALL.len()]);

impl Default for Marks {
    fn default() -> Marks {
        Marks([0; Mark::ALL.len()])
    }
}

impl Marks {
    /// It happened, once more.
    pub fn hit(&mut self, mark: Mark) {
        let times = &mut self.0[mark as usize];
        *times = times.saturating_add(1);
    }

    /// How often it happened.
    pub fn times(&self, mark: Mark) -> u32 {
        self.0[mark as usize]
    }

    /// What a fact alone tells.
    pub fn note(&mut self, fact: &Fact) {
        match fact {
            Fact::Merged { deep: true, .. } => self.hit(Mark::DeepPath),
            Fact::BrokenOff { .. } => self.hit(Mark::BrokenOff),
            Fact::Dropped { .. } => self.hit(Mark::CellsDropped),
            Fact::Restored { .. } => self.hit(Mark::MetLaterLife),
            Fact::Superseded { .. } => self.hit(Mark::Renewed),
            Fact::RoundFailed { .. } => self.hit(Mark::RoundFailed),
            Fact::PutOff { .. } => self.hit(Mark::DeltaPutOff),
            Fact::Learned { .. } => self.hit(Mark::RevocationsLearned),
            Fact::StoreFailed { .. } => self.hit(Mark::StoreFailed),
            Fact::Diverged { .. } => self.hit(Mark::Alarm),
            Fact::KeyStage { stage: "retired", .. } => self.hit(Mark::KeyRetired),
            Fact::Changed { request: "withdraw_signing_key", .. } => self.hit(Mark::KeyWithdrawn),
            Fact::Rejected { reason, .. } => self.refused(*reason),
            Fact::Readiness { reasons } if reasons.contains(&"clock_jumped") => self.hit(Mark::ClockJumped),
            Fact::Readiness { reasons } if reasons.contains(&"clock_outvoted") => self.hit(Mark::ClockOutvoted),
            Fact::Booted { .. }
            | Fact::Changed { .. }
            | Fact::Merged { .. }
            | Fact::KeyStage { .. }
            | Fact::RingKey { .. }
            | Fact::Readiness { .. }
            | Fact::Unsound => {}
        }
    }

    fn refused(&mut self, reason: Reject) {
        match reason {
            Reject::Replayed => self.hit(Mark::ReplayRefused),
            Reject::Stale => self.hit(Mark::StaleRefused),
            Reject::ClockDrift => self.hit(Mark::DriftRefused),
            Reject::Superseded => self.hit(Mark::FormerLifeRefused),
            Reject::Malformed
            | Reject::Oversized
            | Reject::UnknownSender
            | Reject::NotAdmitted
            | Reject::BadSignature
            | Reject::NotForUs
            | Reject::Mismatched
            | Reject::Forged
            | Reject::Version
            | Reject::Unavailable
            | Reject::Busy => {}
        }
    }
}

//! Who is to blame. Every error of this crate belongs to one of four families: the caller, the peer, the disk, or us.
//!
//! A caller's mistake is a refusal in an answer; a peer's is a [`Reject`] that is counted and noted; the disk's stops all
//! writing; our own is an assertion. No fault carries a secret.

use std::fmt;

/// Why a frame from a peer was refused. Each has a counter, a stable name and a status of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reject {
    /// The bytes are no frame: not DER, not our CMS profile, truncated, or the inner content does not decode.
    Malformed,
    /// Larger than [`crate::config::MAX_FRAME_BYTES`].
    Oversized,
    /// The signer's key is pinned by nobody here.
    UnknownSender,
    /// The sender is known, but not on the allowlist, or was expelled.
    NotAdmitted,
    /// The signature does not verify under the pinned key.
    BadSignature,
    /// The content does not open under our key.
    NotForUs,
    /// The opened message names another sender, receiver, cluster or purpose than the frame around it.
    Mismatched,
    /// Older, or further ahead, than the frame window allows.
    Stale,
    /// The nonce was seen before.
    Replayed,
    /// The sender's clock is further from ours than `max_clock_drift`.
    ClockDrift,
    /// A former incarnation of the sender speaks.
    Superseded,
    /// A claim inside contradicts what the claimed author signed.
    Forged,
    /// Of a version that this build does not speak.
    Version,
    /// The store of the receiver failed: it promises nothing until it has booted anew.
    Unavailable,
    /// Too many questions from this sender.
    Busy,
}

impl Reject {
    /// All of them, in the order of their counters.
    pub const ALL: [Reject; 15] = [
        Reject::Malformed,
        Reject::Oversized,
        Reject::UnknownSender,
        Reject::NotAdmitted,
        Reject::BadSignature,
        Reject::NotForUs,
        Reject::Mismatched,
        Reject::Stale,
        Reject::Replayed,
        Reject::ClockDrift,
        Reject::Superseded,
        Reject::Forged,
        Reject::Version,
        Reject::Unavailable,
        Reject::Busy,
    ];

    /// The reason of this stable name.
    pub fn parse(name: &str) -> Option<Reject> {
        Reject::ALL.into_iter().find(|reject| reject.name() == name)
    }

    /// The stable name that logs, metrics and the wire use.
    pub fn name(self) -> &'static str {
        match self {
            Reject::Malformed => "malformed",
            Reject::Oversized => "oversized",
            Reject::UnknownSender => "unknown_sender",
            Reject::NotAdmitted => "not_admitted",
            Reject::BadSignature => "bad_signature",
            Reject::NotForUs => "not_for_us",
            Reject::Mismatched => "mismatched",
            Reject::Stale => "stale",
            Reject::Replayed => "replayed",
            Reject::ClockDrift => "clock_drift",
            Reject::Superseded => "superseded",
            Reject::Forged => "forged",
            Reject::Version => "version",
            Reject::Unavailable => "unavailable",
            Reject::Busy => "busy",
        }
    }

    /// The HTTP status of `POST /api/gossip/sync` for it.
    pub fn status(self) -> u16 {
        match self {
            Reject::Malformed | Reject::Mismatched | Reject::Stale | Reject::ClockDrift | Reject::Forged => 400,
            Reject::UnknownSender | Reject::BadSignature => 401,
            Reject::NotAdmitted => 403,
            Reject::Replayed | Reject::Superseded => 409,
            Reject::Oversized => 413,
            Reject::NotForUs => 421,
            Reject::Version => 426,
            Reject::Unavailable => 503,
            Reject::Busy => 429,
        }
    }
}

impl fmt::Display for Reject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

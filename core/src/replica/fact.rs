//! Facts: what is worth a line in a timeline, a log or a metric. They carry meanings, never bytes and never secrets.

use std::sync::Arc;

use crate::crdt::{Incarnation, NodeId};
use crate::fault::Reject;
use crate::replica::Actor;

/// Something that happened and is worth telling.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Fact {
    /// The replica began a life under this incarnation.
    Booted {
        /// The fresh incarnation.
        incarnation: Incarnation,
        /// Cells that the store gave back.
        cells: usize,
    },
    /// A caller changed replicated state.
    Changed {
        /// By whom.
        actor: Actor,
        /// The request's name.
        request: &'static str,
        /// What it concerned.
        subject: String,
    },
    /// A peer's delta was merged.
    Merged {
        /// From whom.
        from: NodeId,
        /// Cells that changed here.
        cells: usize,
        /// Whether it came by the deep path.
        deep: bool,
    },
    /// A peer's delta came in part, and was let go of: its sender cut another, lives anew, or was silent for too long.
    BrokenOff {
        /// From whom.
        from: NodeId,
        /// Parts that had come.
        parts: u32,
        /// Since the first one, in milliseconds.
        after_ms: u64,
    },
    /// A peer's delta was not merged yet, since authors in it are unknown here; their records are on their way.
    PutOff {
        /// From whom.
        from: NodeId,
    },
    /// Revocations arrived from a peer.
    Learned {
        /// From whom.
        from: NodeId,
        /// How many were new.
        entries: usize,
    },
    /// A frame was refused.
    Rejected {
        /// The sender, if it is known who it was.
        from: Option<NodeId>,
        /// Why.
        reason: Reject,
    },
    /// An exchange came to nothing.
    RoundFailed {
        /// With whom.
        with: NodeId,
        /// The peer's reason, if it gave one.
        reason: Option<Reject>,
    },
    /// A signing key changed its stage.
    KeyStage {
        /// Its kid.
        kid: Arc<str>,
        /// `upcoming`, `active`, `retiring`, `retired` or `withdrawn`.
        stage: &'static str,
    },
    /// A wrapping key was minted, set or fetched.
    RingKey {
        /// Its id.
        id: String,
        /// How it came.
        how: &'static str,
    },
    /// Empty cells were dropped; the floor rose.
    Dropped {
        /// How many.
        cells: usize,
    },
    /// Equal vectors, different digests: an alarm that names the peer.
    Diverged {
        /// With whom.
        with: NodeId,
    },
    /// A peer showed a mark of ours beyond what we hold: our disk was rolled back, and what was lost comes back from peers.
    Restored {
        /// Who showed it.
        from: NodeId,
        /// Ops that were lost here.
        ops: u64,
    },
    /// A newer incarnation of this node is known: a clone runs, or the clock went back over a boot.
    Superseded {
        /// The newer one.
        by: Incarnation,
        /// Whether this replica gives up (it had already renewed itself once).
        stops: bool,
    },
    /// Readiness changed.
    Readiness {
        /// The reasons now; empty means ready.
        reasons: Vec<&'static str>,
    },
    /// The store failed; nothing is promised any more.
    StoreFailed {
        /// For people.
        reason: String,
    },
    /// The data on disk does not match its own digest; the node must come back empty.
    Unsound,
}

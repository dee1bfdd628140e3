//! What a peer, or a disk, can get wrong in a delta. Each fault has a stable name; none carries content.

use std::fmt;

/// Why a unit, or recovered rows, were refused. Nothing of them was applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UnitFault {
    /// A cell without any op.
    EmptyContext,
    /// One replica id twice in the context of one cell.
    RepeatedReplica,
    /// A sequence number of 0, or beyond [`MAX_SEQ`](super::MAX_SEQ).
    SequenceOutOfRange,
    /// More than [`MAX_SIBLINGS`](super::MAX_SIBLINGS) live siblings in one cell.
    TooManySiblings,
    /// A cell's context claims ops that the unit's vector does not hold.
    ContextBeyondVector,
    /// The floor claims ops that the unit's vector does not hold.
    FloorBeyondVector,
    /// One key twice.
    RepeatedKey,
    /// One op in the cells of two keys.
    RepeatedDot,
}

impl UnitFault {
    /// The stable name that logs and metrics use.
    pub fn name(self) -> &'static str {
        match self {
            UnitFault::EmptyContext => "empty_context",
            UnitFault::RepeatedReplica => "repeated_replica",
            UnitFault::SequenceOutOfRange => "sequence_out_of_range",
            UnitFault::TooManySiblings => "too_many_siblings",
            UnitFault::ContextBeyondVector => "context_beyond_vector",
            UnitFault::FloorBeyondVector => "floor_beyond_vector",
            UnitFault::RepeatedKey => "repeated_key",
            UnitFault::RepeatedDot => "repeated_dot",
        }
    }
}

impl fmt::Display for UnitFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl std::error::Error for UnitFault {}

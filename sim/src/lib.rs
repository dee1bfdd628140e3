//! The Symbolon testbed: one plan language, the worlds that run a plan, and the bench. It holds no rule of the protocol,
//! and it speaks to a node only as any outsider would.

pub mod bench;
pub mod cli;
pub mod plan;
pub mod report;
pub mod worlds;

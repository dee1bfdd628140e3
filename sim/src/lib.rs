//! The Symbolon testbed: plans, the worlds that run them, the checks that watch, and the bench. It holds no rule of the
//! protocol, and it speaks to a node, or drives a bare replica, only as any outsider would.

pub mod bench;
pub mod checks;
pub mod cli;
pub mod explain;
pub mod fleet;
pub mod history;
pub mod marks;
pub mod measure;
pub mod model;
pub mod plan;
pub mod report;
pub mod shrink;
pub mod worlds;
pub mod zoo;

//! The quick world: bare replicas on one heap of happenings, ordered by time and then by insertion. Sockets, disks, clocks and
//! entropy are all a seed; nothing waits, nothing is read, and the same plan gives the same run.

mod agenda;
mod calls;
pub mod crypto;
mod envelope;
mod faults;
mod forged;
mod lies;
mod look;
mod marks;
mod network;
mod node;
mod planted;
mod process;
mod run;
mod script;
pub(in crate::worlds) mod told;
mod trace;
mod world;

pub use planted::Planted;
pub(in crate::worlds) use planted::plant;
pub use run::{Reseed, Verdict, run, run_planted, run_reseeded, sense, steps, tell, tell_planted, watch};
pub(in crate::worlds) use run::{alike, same, versions, words};
pub use world::Counts;
pub(in crate::worlds) use world::name;

use super::Cannot;
use crate::plan::{Plan, Verb};

/// The name of every cluster here.
const CLUSTER: &str = "quick";

/// What of a plan this world cannot do, if anything.
pub fn cannot(plan: &Plan) -> Option<Cannot> {
    super::undone(plan, "quick", |verb| !matches!(verb, Verb::Traffic(_)))
}

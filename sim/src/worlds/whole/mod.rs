//! The whole world: the production node (driver, router, gossip client, envelopes) on hosts of a simulated network. Its disk,
//! clock, entropy and password checks are this world's; TLS, threads and files stay in the live one.

mod answers;
mod calls;
mod clock;
mod crypto;
mod desk;
mod disk;
mod drawn;
mod host;
mod lies;
mod links;
mod network;
mod place;
mod play;
mod record;
mod run;
mod script;
mod signing;
mod steps;
mod weather;
mod world;

pub use crypto::crypto;
pub use run::{Outcome, run, run_planted, run_reseeded, tell};
pub use world::World;

use super::Cannot;
use crate::plan::{Plan, Verb};

/// What of a plan this world cannot do, if anything.
pub fn cannot(plan: &Plan) -> Option<Cannot> {
    super::undone(plan, "whole", |verb| !matches!(verb, Verb::Traffic(_)))
}

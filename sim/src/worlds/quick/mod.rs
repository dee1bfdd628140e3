//! The quick world: bare replicas on one heap of happenings, ordered by time and then by insertion. Sockets, disks, clocks and
//! entropy are all a seed; nothing waits, nothing is read, and the same plan gives the same run.

mod calls;
pub mod crypto;
mod envelope;
mod faults;
mod look;
mod network;
mod node;
mod process;
mod run;
mod script;
mod trace;
mod world;

pub use run::{Planted, Verdict, run, run_planted, tell, watch};

//! What operators see: log lines and metrics, both made from facts at the rim. It decides nothing.
//!
//! Levels have a meaning. ERROR: broken, a person must act. WARN: wrong, but handled. INFO: what an operator wants to have
//! seen. DEBUG: for finding out why.

mod facts;
mod log;
mod meters;

pub use facts::Facts;
pub use log::start as start_logging;
pub use meters::{Meters, Route};

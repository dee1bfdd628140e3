//! Worlds: whatever runs a plan.

pub mod client;
pub mod live;
pub mod look;
pub mod quick;
pub mod whole;

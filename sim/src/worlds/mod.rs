//! Worlds: whatever runs a plan.

pub mod live;
pub mod quick;

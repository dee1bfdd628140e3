//! Keeping plans: a seed that failed leaves the least plan that fails alike, as a file. It overwrites only a file of the same
//! seed and check.

use std::fs;
use std::path::{Path, PathBuf};

use super::work::Order;
use super::world::least_plan;
use crate::checks::Failure;
use crate::shrink::Limit;

/// A plan that is kept.
pub struct Kept {
    /// Where.
    pub file: PathBuf,
    /// What ended its shrinking, unless nothing was left to try.
    pub limit: Option<Limit>,
}

/// Writes the plan of a seed that failed, as it was drawn where it does not fail any more.
pub(super) fn keep(order: &Order, dir: &Path, seed: u64, failure: &Failure) -> Result<Kept, String> {
    let file = dir.join(format!("{seed}-{}.toml", failure.check));
    let plan = order.world.draw(seed);
    let least = least_plan(order.world, order.planted, &plan, order.shrink);
    let (plan, limit) = least.map_or((plan, None), |least| (least.plan, least.limit));
    fs::write(&file, plan.to_toml()).map_err(|error| format!("{}: {error}", file.display()))?;
    Ok(Kept { file, limit })
}

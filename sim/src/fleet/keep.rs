//! Keeping plans: a seed that failed leaves the least plan that fails alike, as a file. It overwrites only a file of the same
//! seed and check.

use std::fs;
use std::path::{Path, PathBuf};

use super::work::Order;
use super::world::least_plan;
use crate::checks::Failure;

/// Writes the plan of a seed that failed, and says where.
pub(super) fn keep(order: &Order, dir: &Path, seed: u64, failure: &Failure) -> Result<PathBuf, String> {
    let file = dir.join(format!("{seed}-{}.toml", failure.check));
    let text = least_plan(order.world, order.planted, seed).to_toml();
    fs::write(&file, text).map_err(|error| format!("{}: {error}", file.display()))?;
    Ok(file)
}

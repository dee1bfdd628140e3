//! What criterion left under target/: the mean of each benchmark. It runs none.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

use super::figure::Figure;

/// Directories below the root that are looked into.
const MAX_DEPTH: usize = 4;

/// The figures found, by name; none if there is no directory.
pub fn collect(root: &Path) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    if root.is_dir() {
        look(root, root, 0, &mut figures)?;
    }
    figures.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(figures)
}

fn look(root: &Path, dir: &Path, depth: usize, figures: &mut Vec<Figure>) -> Result<()> {
    let estimates = dir.join("new/estimates.json");
    if estimates.is_file() {
        let text = std::fs::read_to_string(&estimates)?;
        let value: Value = serde_json::from_str(&text).with_context(|| estimates.display().to_string())?;
        let mean_ns = value["mean"]["point_estimate"].as_f64().with_context(|| estimates.display().to_string())?;
        let name = dir.strip_prefix(root).unwrap_or(dir).display();
        figures.push(Figure::new(format!("criterion.{name}"), mean_ns / 1000.0, "µs"));
    } else if depth < MAX_DEPTH {
        for entry in std::fs::read_dir(dir)? {
            let path = entry?.path();
            if path.is_dir() {
                look(root, &path, depth + 1, figures)?;
            }
        }
    }
    Ok(())
}

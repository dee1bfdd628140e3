//! `symbolon-sim merge`: what many machines found, added up.

use std::io::{Write, stdout};
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use super::Ended;
use super::fuzz::print;
use crate::fleet::{Line, Merged, Part, merge as add_up, read, summary};

/// What to add up.
#[derive(Args)]
pub struct Merge {
    /// What `fuzz --json` wrote, in any order.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Prints JSON lines instead, as one machine would have that had run it all.
    #[arg(long)]
    json: bool,
}

pub(super) fn merge(arguments: &Merge) -> Result<Ended> {
    let merged = match parts(&arguments.files).and_then(|parts| add_up(&parts)) {
        Ok(merged) => merged,
        Err(problem) => return Ok(Ended::Misasked(problem)),
    };
    let Merged { head, failed, sum } = merged;
    let missing = head.missing.join("\n");
    if arguments.json {
        print(&Line::Head(head))?;
        failed.iter().try_for_each(|failed| print(&Line::Failed(failed.clone())))?;
        print(&Line::Sum(sum))?;
    } else {
        write!(stdout(), "{}", summary(&head, &failed, &sum))?;
    }
    let missing = (!missing.is_empty()).then(|| format!("missing:\n{missing}"));
    match missing {
        Some(missing) if !failed.is_empty() => {
            eprintln!("{missing}");
            Ok(Ended::Badly)
        }
        Some(missing) => Ok(Ended::Misasked(missing)),
        None if !failed.is_empty() => Ok(Ended::Badly),
        None => Ok(Ended::Well),
    }
}

fn parts(files: &[PathBuf]) -> Result<Vec<Part>, String> {
    let mut parts = Vec::new();
    for file in files {
        let name = file.display().to_string();
        let text = std::fs::read_to_string(file).map_err(|error| format!("{name}: {error}"))?;
        parts.extend(read(&name, &text)?);
    }
    Ok(parts)
}

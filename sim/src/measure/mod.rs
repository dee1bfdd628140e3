//! How long things take in a healthy cluster of the quick world, in true time: a change until every node shows it, and a
//! revoked token until every node refuses it. It draws a table and a picture, and judges nothing.

mod picture;
mod plan;
mod probe;

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use serde::Serialize;

use crate::cli::Ended;
use crate::report::quantile;
use crate::worlds::quick;

/// What to measure.
#[derive(Args)]
pub struct Arguments {
    /// Sizes of the cluster.
    #[arg(long, value_delimiter = ',', default_value = "3,5,25,100", value_parser = clap::value_parser!(u64).range(2..=100))]
    nodes: Vec<u64>,
    /// Changes and revocations of each run.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=1000))]
    changes: u64,
    /// Runs of each size, each with a seed of its own.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=1000))]
    runs: u64,
    /// Where the picture goes.
    #[arg(long)]
    svg: Option<PathBuf>,
    /// The figures as JSON.
    #[arg(long)]
    json: bool,
}

/// All samples of one size in one weather, in milliseconds, sorted.
#[derive(Debug, Serialize)]
struct Row {
    what: &'static str,
    nodes: u64,
    loss_percent: u64,
    #[serde(skip)]
    samples_ms: Vec<u64>,
    samples: usize,
    p50_ms: u64,
    p99_ms: u64,
    max_ms: u64,
}

impl Row {
    fn new(what: &'static str, nodes: u64, loss_percent: u64, mut samples_ms: Vec<u64>) -> Row {
        samples_ms.sort_unstable();
        let at = |share| quantile(&samples_ms, share).unwrap_or_default();
        let (p50_ms, p99_ms, max_ms) = (at(0.5), at(0.99), at(1.0));
        Row { what, nodes, loss_percent, samples: samples_ms.len(), p50_ms, p99_ms, max_ms, samples_ms }
    }
}

/// Measures, and prints the table.
///
/// # Errors
/// A run in which a check failed, or a picture that cannot be written.
pub fn measure(arguments: &Arguments) -> Result<Ended> {
    let mut rows = Vec::new();
    for &nodes in &arguments.nodes {
        for loss_percent in [0, 1] {
            eprintln!("{nodes} nodes, {loss_percent} % loss …");
            let (mut changes_ms, mut revocations_ms) = (Vec::new(), Vec::new());
            for run in 0..arguments.runs {
                let plan = plan::plan(nodes as usize, loss_percent, arguments.changes, run);
                let mut probe = probe::Probe::new(nodes as usize);
                if let Some(failure) = quick::watch(&plan, &mut probe).failure {
                    println!("{nodes} nodes, {loss_percent} % loss, run {run}: {}: {}", failure.check, failure.what);
                    return Ok(Ended::Badly);
                }
                changes_ms.extend(probe.changes_ms());
                revocations_ms.extend(probe.revocations_ms());
            }
            rows.push(Row::new("change", nodes, loss_percent, changes_ms));
            rows.push(Row::new("revocation", nodes, loss_percent, revocations_ms));
        }
    }
    rows.sort_by_key(|row| (row.what, row.nodes, row.loss_percent));
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&rows)?);
    } else {
        table(&rows);
    }
    if let Some(file) = &arguments.svg {
        std::fs::write(file, picture::draw(&rows)).with_context(|| file.display().to_string())?;
    }
    Ok(Ended::Well)
}

fn table(rows: &[Row]) {
    for (what, title) in [
        ("change", "A change, from the answer to its caller until every node shows it"),
        ("revocation", "A revoked token, from the answer to its caller until every node refuses it"),
    ] {
        println!("\n{title}\n\n| nodes | loss | samples | p50 ms | p99 ms | max ms |\n|---|---|---|---|---|---|");
        for row in rows.iter().filter(|row| row.what == what) {
            let Row { nodes, loss_percent, samples, p50_ms, p99_ms, max_ms, .. } = row;
            println!("| {nodes} | {loss_percent} % | {samples} | {p50_ms} | {p99_ms} | {max_ms} |");
        }
    }
}

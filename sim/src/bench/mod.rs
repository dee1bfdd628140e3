//! The bench: a node against bare handlers on the same machine in the same run, and a cluster against its promises. It
//! reports, and judges nothing by exit code: figures of a loaded machine are no defect.

mod bare;
mod criterion;
mod figure;
mod load;
mod machine;
mod spread;
mod tokens;
mod worlds;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use clap::{Args, ValueEnum};

use crate::cli::Ended;
use crate::worlds::live::Cluster;
pub use bare::{Bare, bare};
use figure::Figure;

/// What to measure, and for how long.
#[derive(Args)]
pub struct Bench {
    /// Short slices: to see that it runs, not to believe it.
    #[arg(long)]
    quick: bool,
    /// These parts only.
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Part>,
    /// Where the figures go for programs.
    #[arg(long, default_value = "target/bench/summary.json")]
    out: PathBuf,
    /// Where criterion laid its results.
    #[arg(long, default_value = "target/criterion")]
    criterion: PathBuf,
}

/// A part of the bench.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Issuance and introspection of one node, against bare handlers.
    Tokens,
    /// How fast a change is everywhere, and what its frame weighs.
    Spread,
    /// What a converged cluster sends while nothing happens.
    Idle,
    /// How many seeds the simulated worlds run.
    Worlds,
    /// Of them, the whole one.
    Whole,
    /// What criterion measured before.
    Criterion,
}

/// How long the parts go on.
struct Pace {
    /// One slice of load.
    slice: Duration,
    /// Slices of each kind.
    slices: usize,
    /// Changes whose spreading is timed.
    changes: usize,
    /// How long quiet is watched.
    idle: Duration,
}

const FULL: Pace = Pace { slice: Duration::from_secs(2), slices: 6, changes: 200, idle: Duration::from_secs(64) };
const QUICK: Pace = Pace { slice: Duration::from_millis(500), slices: 2, changes: 20, idle: Duration::from_secs(6) };

/// Measures, and writes the table and the summary.
pub fn bench(arguments: &Bench) -> Result<Ended> {
    if cfg!(debug_assertions) {
        return Ok(Ended::Misasked("a debug build measures nothing: cargo build --release --bins".into()));
    }
    let pace = if arguments.quick { QUICK } else { FULL };
    let wanted = |part| arguments.only.is_empty() || arguments.only.contains(&part);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut figures: Vec<Figure> = Vec::new();
    if wanted(Part::Tokens) {
        eprintln!("tokens and introspection against bare handlers …");
        figures.extend(runtime.block_on(tokens::measure(&pace))?);
    }
    if wanted(Part::Spread) || wanted(Part::Idle) {
        let done = runtime.block_on(cluster(&pace, wanted(Part::Spread), wanted(Part::Idle)))?;
        figures.extend(done);
    }
    if wanted(Part::Worlds) {
        eprintln!("seeds of the quick world …");
        figures.extend(worlds::quick_world(3 * pace.slice)?);
    }
    if wanted(Part::Worlds) || wanted(Part::Whole) {
        eprintln!("seeds of the whole world …");
        figures.extend(worlds::whole_world(6 * pace.slice)?);
    }
    if wanted(Part::Criterion) {
        figures.extend(criterion::collect(&arguments.criterion)?);
    }
    println!("{}", machine::headline()?);
    figure::print(&figures);
    if let Some(dir) = arguments.out.parent() {
        std::fs::create_dir_all(dir)?;
    }
    std::fs::write(&arguments.out, serde_json::to_string_pretty(&figures)?)?;
    println!("\n{}", arguments.out.display());
    Ok(Ended::Well)
}

/// Both parts that need three nodes, on the same three.
async fn cluster(pace: &Pace, spread: bool, idle: bool) -> Result<Vec<Figure>> {
    let mut cluster = Cluster::lay_out(&crate::worlds::live::Layout::of(3)).await?;
    cluster.start().await?;
    let admins = cluster.join().await?;
    spread::settled(&cluster, &admins).await?;
    let mut figures = Vec::new();
    if idle {
        eprintln!("a quiet cluster, {} s …", pace.idle.as_secs());
        figures.extend(spread::idle(&cluster, &admins, pace.idle).await?);
    }
    if spread {
        eprintln!("{} changes and their spreading …", pace.changes);
        figures.extend(spread::changes(&cluster, &admins, pace.changes).await?);
    }
    cluster.end().await?;
    Ok(figures)
}

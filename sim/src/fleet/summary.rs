//! What a fleet found, for people. It says nothing that the lines for programs do not.

use std::fmt::Write as _;

use super::line::{Failed, Head, Sum, Times, Why};
use super::progress::rate;
use crate::marks::Mark;

/// The summary of a fleet, or of merged ones.
pub fn summary(head: &Head, failed: &[Failed], sum: &Sum) -> String {
    let mut text = String::new();
    let ranges: Vec<String> = head.seeds.iter().map(ToString::to_string).collect();
    let share = if head.shard.of == 1 { String::new() } else { format!(", share {}", head.shard) };
    let _ = writeln!(
        text,
        "{} of {} seeds of {}{share} in the {} world: {} held, {} failed{}",
        sum.seeds,
        sum.planned,
        ranges.join(", "),
        head.world.name(),
        sum.seeds - sum.failed,
        sum.failed,
        ending(sum.ended),
    );
    let _ = writeln!(
        text,
        "  {:.1} s, {} seeds a second; {:.1} CPU-s, {} seeds a CPU-second",
        sum.wall_ms as f64 / 1000.0,
        rate(sum.seeds, sum.wall_ms),
        sum.cpu_ms as f64 / 1000.0,
        rate(sum.seeds, sum.cpu_ms),
    );
    let mean = |total: u64| total / sum.seeds.max(1);
    let counts = sum.counts;
    let _ = writeln!(
        text,
        "  on average {} calls, {} faults, {} frames delivered, {} events",
        mean(counts.calls),
        mean(counts.faults),
        mean(counts.delivered),
        mean(counts.events),
    );
    let at = |share| sum.converged_ms.permille(share).map_or("-".into(), |ms| format!("{ms} ms"));
    let _ = writeln!(
        text,
        "  agreement after the heal: p50 {}, p99 {}, max {}, of {} runs",
        at(500),
        at(990),
        at(1000),
        sum.converged_ms.count(),
    );
    marks(&mut text, sum);
    let _ = writeln!(text, "  commit {}, lock {}", head.commit, head.lock);
    if !failed.is_empty() {
        let _ = writeln!(text, "\nfailed:");
    }
    for failed in failed {
        let _ = writeln!(text, "{}\n  {}", failed.replay, failed.sentence());
    }
    text
}

fn ending(why: Why) -> &'static str {
    match why {
        Why::All => "",
        Why::Budget => "; the time was up",
        Why::Failures => "; there were failures enough",
        Why::Interrupted => "; interrupted",
    }
}

fn marks(text: &mut String, sum: &Sum) {
    let _ = writeln!(text, "\n  {:<34} {:>9} {:>11}", "sometimes", "in runs", "times");
    for mark in Mark::ALL {
        let Times { runs, times } = sum.marks.get(mark.name()).copied().unwrap_or_default();
        let runs = if runs == 0 { "never".into() } else { runs.to_string() };
        let _ = writeln!(text, "  {:<34} {runs:>9} {times:>11}", mark.name());
    }
    text.push('\n');
}

//! How far a fleet is, on standard error: a bar on a terminal, elsewhere a plain line every few seconds. It decides nothing.

use std::io::{IsTerminal, stderr};
use std::time::{Duration, Instant};

use anyhow::Result;
use indicatif::{ProgressBar, ProgressStyle};

use super::line::Sum;

/// Between two plain lines.
const EVERY: Duration = Duration::from_secs(5);

/// The progress of one fleet.
pub struct Progress {
    bar: Option<ProgressBar>,
    budget: Option<Duration>,
    told: Instant,
}

impl Progress {
    /// Of so many seeds.
    ///
    /// # Errors
    /// None, as long as the bar's own template is right.
    pub fn new(seeds: u64, budget: Option<Duration>) -> Result<Progress> {
        let bar = if stderr().is_terminal() {
            let style = ProgressStyle::with_template("{bar:30} {pos}/{len} seeds  {msg}")?;
            Some(ProgressBar::new(seeds).with_style(style))
        } else {
            None
        };
        Ok(Progress { bar, budget, told: Instant::now() })
    }

    /// Shows where things stand, if it is time to.
    pub fn turn(&mut self, sum: &Sum) {
        if let Some(bar) = &self.bar {
            bar.set_position(sum.seeds);
            bar.set_message(self.words(sum));
        } else if self.told.elapsed() >= EVERY {
            self.told = Instant::now();
            eprintln!("{}/{} seeds  {}", sum.seeds, sum.planned, self.words(sum));
        }
    }

    /// Lets something else be printed.
    ///
    /// # Errors
    /// What the printing says.
    pub fn aside(&self, print: impl FnOnce() -> Result<()>) -> Result<()> {
        match &self.bar {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }

    /// Takes the bar away.
    pub fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn words(&self, sum: &Sum) -> String {
        let (wall, cpu) = (rate(sum.seeds, sum.wall_ms), rate(sum.seeds, sum.cpu_ms));
        let left = self.left_s(sum).map_or(String::new(), |left| format!("{left} s left  "));
        format!("{wall}/s  {cpu} per CPU-s  {left}{} failed", sum.failed)
    }

    /// By what was done so far, or by the budget if that ends sooner.
    fn left_s(&self, sum: &Sum) -> Option<u64> {
        let seeds = u128::from(sum.planned.saturating_sub(sum.seeds));
        let by_rate = (seeds * u128::from(sum.wall_ms)).checked_div(u128::from(sum.seeds));
        let by_budget = self.budget.map(|budget| budget.as_millis().saturating_sub(u128::from(sum.wall_ms)));
        let left_ms = by_rate.into_iter().chain(by_budget).min()?;
        Some(left_ms.div_ceil(1000) as u64)
    }
}

/// How many in a second, with a digit behind the point while they are few.
pub(super) fn rate(seeds: u64, ms: u64) -> String {
    let rate = seeds as f64 * 1000.0 / ms.max(1) as f64;
    if rate < 10.0 { format!("{rate:.1}") } else { format!("{rate:.0}") }
}

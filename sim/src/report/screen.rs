//! A run as people watch it: the story, one line per act, a bar while traffic runs, figures, the verdict.

use std::sync::Mutex;
use std::time::Duration;

use console::{Term, style};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{ActRecord, NodeRecord, Record, thousands};
use crate::worlds::live::Progress;

/// Between two lines of progress where there is no terminal.
const PLAIN_EVERY: Duration = Duration::from_secs(5);

/// Standard output, or nothing at all.
pub struct Screen {
    silent: bool,
    bar: ProgressBar,
    told: Mutex<Duration>,
}

impl Screen {
    /// A screen that shows, unless the output is for a program.
    pub fn new(silent: bool) -> Screen {
        let terminal = Term::stdout().is_term() && !silent;
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        if terminal {
            bar.set_draw_target(ProgressDrawTarget::stdout());
        }
        let look =
            ProgressStyle::with_template("      {bar:30.green/dim} {msg}").expect("the template is well formed");
        bar.set_style(look.progress_chars("━━─"));
        Screen { silent, bar, told: Mutex::new(Duration::ZERO) }
    }

    /// What is run, and its story.
    pub fn story(&self, plan: &str, nodes: usize, world: &str, story: &str) {
        self.line(&format!(
            "\n  {}",
            style(format!("{plan} · {nodes} node{} · {world}", if nodes == 1 { "" } else { "s" })).bold()
        ));
        self.line("");
        for line in story.lines() {
            self.line(&format!("  {}", style(line).italic()));
        }
    }

    /// A heading.
    pub fn scene(&self, scene: &str) {
        self.line(&format!("\n  {}", style(scene).cyan().bold()));
    }

    /// One act.
    pub fn act(&self, act: &ActRecord) {
        self.bar.finish_and_clear();
        let mark = if act.pass { style("✓").green() } else { style("✗").red().bold() };
        let Some(at_ms) = act.at_ms else {
            let ms = style(format!("{:>8} ms", milliseconds(act.elapsed_ms))).dim();
            self.line(format!("  {mark} {ms}  {:<6} {:<34} {}", act.on, act.title, style(&act.saw).dim()).trim_end());
            return;
        };
        let at = style(format!("{:>4}.{:03} s", at_ms / 1000, at_ms % 1000)).dim();
        let after = match act.elapsed_ms {
            0.0 => String::new(),
            ms => format!("after {ms} ms"),
        };
        let saw = [after, act.saw.clone()].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ");
        self.line(format!("  {mark} {at}  {:<11} {:<44} {}", act.on, act.title, style(saw).dim()).trim_end());
    }

    /// The figures of each node.
    pub fn figures(&self, nodes: &[NodeRecord]) {
        self.scene("Figures of this run");
        self.line(
            &style(format!("    {:<6}{:<40}    {}", "", "   ── traffic ", "── gossip, sent ")).dim().to_string(),
        );
        self.line(&format!(
            "    {:<6}{:>10}{:>10}{:>10}{:>10}    {:>8}{:>10}{:>10}{:>8}{:>10}",
            "", "requests", "success", "p50", "p99", "pushes", "bytes", "average", "skips", "skipped"
        ));
        for node in nodes {
            let success = 100.0 * node.successes as f64 / (node.requests.max(1)) as f64;
            self.line(&format!(
                "    {:<6}{:>10}{:>10}{:>10}{:>10}    {:>8}{:>10}{:>10}{:>8}{:>10}",
                node.name,
                thousands(node.requests),
                format!("{success:.1} %"),
                format!("{:.1} ms", node.p50_ms),
                format!("{:.1} ms", node.p99_ms),
                node.pushes,
                thousands(node.bytes_out),
                format!("{} B", thousands(node.bytes_per_frame)),
                node.skips,
                format!("{:.0} %", 100.0 * node.skip_rate),
            ));
        }
    }

    /// How it ended.
    pub fn verdict(&self, record: &Record) {
        let word = if record.pass { style("PASS").green().bold() } else { style("FAIL").red().bold() };
        let seconds = record.elapsed_ms / 1000.0;
        let good = record.acts.iter().filter(|act| act.pass).count();
        let all = record.acts.len();
        let Some(simulated) = &record.simulated else {
            return self.line(&format!("\n  {word}  {good} of {all} held, in {seconds:.1} s\n"));
        };
        if let Some(failed) = &simulated.failed {
            let place = failed.node.as_ref().map(|node| format!(" at {node}")).unwrap_or_default();
            let (s, ms) = (failed.at_ms / 1000, failed.at_ms % 1000);
            self.line(&format!("\n    {} at {s}.{ms:03} s{place}: {}", failed.check, failed.what));
        }
        let agreed = simulated.converged_ms.map(|ms| format!("; one state {ms} ms after the heal"));
        let agreed = agreed.unwrap_or_default();
        self.line(&format!("\n  {word}  {good} of {all} acts and all checks held, in {seconds:.2} s{agreed}"));
        self.line(&style(format!("        seed {}, trace {}\n", simulated.seed, simulated.trace)).dim().to_string());
    }

    /// Anything else that people want to know.
    pub fn line(&self, line: &str) {
        if !self.silent {
            println!("{line}");
        }
    }
}

impl Progress for Screen {
    fn tell(&self, passed: Duration, whole: Duration, requests: u64, failures: u64) {
        let per_s = requests as f64 / passed.as_secs_f64().max(0.1);
        let (now, end) = (passed.as_secs(), whole.as_secs());
        let message =
            format!("{now} of {end} s   {} requests   {per_s:.0}/s   {failures} failed", thousands(requests));
        self.bar.set_length(u64::try_from(whole.as_millis()).unwrap_or(u64::MAX));
        self.bar.set_position(u64::try_from(passed.as_millis()).unwrap_or(u64::MAX));
        let mut told = self.told.lock().expect("nobody panics while holding it");
        if self.bar.is_hidden() && passed >= *told + PLAIN_EVERY {
            *told = passed;
            self.line(&format!("              …  {message}"));
        }
        self.bar.set_message(message);
    }
}

/// As many digits as tell something.
fn milliseconds(ms: f64) -> String {
    if ms < 100.0 { format!("{ms:.1}") } else { thousands(ms.round() as u64) }
}

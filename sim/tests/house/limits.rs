//! Every limit has a test that reaches it: no constant of the core's configuration goes unnamed in tests.
//!
//! Naming is all that can be seen from here; that the test really goes to the limit is for its reader to judge.

use crate::source::{self, Source};
use crate::{Finding, lines, uphold};

/// Where limits are named, each once.
const LIMITS: &str = "core/src/config.rs";
/// Where tests are that may reach them.
const TESTS: &[&str] = &["core/tests/", "node/tests/", "sim/tests/"];
/// This directory, whose list must not count as a test.
const HERE: &str = "sim/tests/house/";
/// Limits that no test reaches yet. It only shrinks: an entry that became needless is a finding too.
const UNREACHED: &[&str] = &[];

fn unreached_limits(sources: &[Source], excused: &[&str]) -> Vec<Finding> {
    let Some(config) = sources.iter().find(|source| source.path == LIMITS) else {
        return vec![Finding::new(LIMITS, 1, "the file is missing", "every limit of the protocol, each named once")];
    };
    let is_test = |source: &&Source| {
        source.is_rust() && !source.path.starts_with(HERE) && TESTS.iter().any(|dir| source.path.starts_with(dir))
    };
    let reached = |name: &str| {
        sources.iter().filter(is_test).any(|test| source::word_starts(&test.code, name).next().is_some())
    };
    let limits = limits_of(config);
    let mut findings = Vec::new();
    for (line, name) in &limits {
        if !reached(name) && !excused.contains(name) {
            let right = format!("a test that reaches it, by its name, in {}", TESTS.join(", "));
            findings.push(Finding::new(LIMITS, *line, format!("no test reaches `{name}`"), right));
        }
    }
    for name in excused {
        if reached(name) || !limits.iter().any(|(_, limit)| limit == name) {
            let right = "strike it from UNREACHED in sim/tests/house/limits.rs";
            findings.push(Finding::new(LIMITS, 1, format!("`{name}` needs no excuse any more"), right));
        }
    }
    findings
}

fn limits_of(config: &Source) -> Vec<(usize, &str)> {
    let constants = config.code.lines().enumerate().filter_map(|(at, line)| {
        let name = line.trim_start().strip_prefix("pub const ")?.split(':').next()?;
        Some((at + 1, name))
    });
    constants.filter(|(_, name)| !name.starts_with("fn ")).collect()
}

#[test]
fn every_limit_is_reached() {
    uphold("limits::every_limit_is_reached", &unreached_limits(source::project(), UNREACHED));
}

#[test]
fn an_unreached_limit_is_found() {
    let config =
        "pub const A_MAX: usize = 1;\npub const B_MAX: usize = 2;\npub const fn f() {}\npub const C: usize = 3;\n";
    let test = "// A_MAX\nassert_eq!(x, B_MAX);\nlet s = B_MAX_AND_MORE;\n";
    let sources = [
        Source::new(LIMITS, config),
        Source::new("core/tests/x.rs", test),
        Source::new("core/src/gossip/mod.rs", "A_MAX"),
        Source::new("sim/tests/house/limits.rs", "A_MAX"),
    ];
    assert_eq!(lines(&unreached_limits(&sources, &["C"])), [1]);
    assert_eq!(lines(&unreached_limits(&sources, &["A_MAX", "B_MAX", "C", "D"])), [1, 1]);
    assert_eq!(lines(&unreached_limits(&[], &[])), [1]);
}

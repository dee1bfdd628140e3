//! The house rules of the project as tests, so that the picture in ARCHITECTURE.md and the habits behind it cannot rot.
//!
//! Every rule is a pure function from sources to findings, and stands beside a test that plants a violation and expects to
//! see it found. Rules read files and never change any.

mod docs;
mod imports;
mod limits;
mod purity;
mod shape;
mod source;

use std::fmt;

/// One violation: where, what is wrong, and what would be right.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    path: String,
    line: usize,
    wrong: String,
    right: String,
}

impl Finding {
    fn new(path: &str, line: usize, wrong: impl Into<String>, right: impl Into<String>) -> Finding {
        Finding { path: path.to_owned(), line, wrong: wrong.into(), right: right.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}\n    right: {}", self.path, self.line, self.wrong, self.right)
    }
}

/// Fails with every finding and the command that reruns the rule, named by the path of its test.
#[track_caller]
fn uphold(rule: &str, findings: &[Finding]) {
    if findings.is_empty() {
        return;
    }
    let list: Vec<String> = findings.iter().map(Finding::to_string).collect();
    panic!(
        "{} broken in {} place(s):\n\n{}\n\nrerun: cargo test -p symbolon-sim --test house {rule}\n",
        rule,
        findings.len(),
        list.join("\n")
    );
}

/// The lines at which findings stand, for self-tests.
#[track_caller]
fn lines(findings: &[Finding]) -> Vec<usize> {
    findings.iter().map(|finding| finding.line).collect()
}

#[test]
#[should_panic(expected = "a.rs:7: it is so\n    right: it is otherwise")]
fn a_broken_rule_fails_with_place_wrong_and_right() {
    uphold("some::rule", &[Finding::new("a.rs", 7, "it is so", "it is otherwise")]);
}

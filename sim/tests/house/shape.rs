//! The shape of source files: how long a file and a function may be, and how a file begins.
//!
//! Tests, benches and examples are held to the same measure as what they test.

use crate::source::{self, Source};
use crate::{Finding, lines, uphold};

/// Beyond it a file holds more than one concept.
const MAX_FILE_LINES: usize = 700;
/// Beyond it a function is a dispatcher that nobody split.
const MAX_FUNCTION_LINES: usize = 70;

fn long_files(sources: &[Source]) -> Vec<Finding> {
    let long = sources.iter().filter(|source| source.is_rust() && source.text.lines().count() > MAX_FILE_LINES);
    long.map(|source| {
        let wrong = format!("the file has {} lines", source.text.lines().count());
        let right = format!("at most {MAX_FILE_LINES}, better 400: one concept to a file");
        Finding::new(&source.path, MAX_FILE_LINES + 1, wrong, right)
    })
    .collect()
}

fn long_functions(sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources.iter().filter(|source| source.is_rust()) {
        let is_type = |at: usize| source.code[at..].starts_with("fn(");
        for at in source::word_starts(&source.code, "fn").filter(|&at| !is_type(at)) {
            let first = source::line_of(&source.code, at);
            let length = function_text(&source.code[at..]).lines().count();
            if length > MAX_FUNCTION_LINES {
                let name = source.code[at + 2..].split('(').next().unwrap_or("").trim();
                let wrong = format!("`fn {name}` has {length} lines");
                let right = format!("at most {MAX_FUNCTION_LINES}: the branches here, the work in functions below");
                findings.push(Finding::new(&source.path, first, wrong, right));
            }
        }
    }
    findings
}

/// From `fn` to the brace that closes its body, or to the semicolon of a signature that has none.
fn function_text(code: &str) -> &str {
    let (mut brackets, mut braces) = (0_i32, 0_i32);
    for (at, c) in code.char_indices() {
        match c {
            '(' | '[' => brackets += 1,
            ')' | ']' => brackets -= 1,
            '{' => braces += 1,
            '}' => braces -= 1,
            _ => {}
        }
        if brackets <= 0 && braces <= 0 && matches!(c, '}' | ';') {
            return &code[..=at];
        }
    }
    code
}

fn bad_beginnings(sources: &[Source]) -> Vec<Finding> {
    let bad = sources.iter().filter(|source| source.is_rust() && !begins_with_sentence(&source.text));
    bad.map(|source| {
        let first = source.text.lines().next().unwrap_or("");
        let wrong = format!("the file begins with {first:?}");
        let right = "a `//!` sentence with its full stop: what this is, and what it never does";
        Finding::new(&source.path, 1, wrong, right)
    })
    .collect()
}

fn begins_with_sentence(text: &str) -> bool {
    let doc = text.lines().map_while(|line| line.strip_prefix("//! "));
    let paragraph: Vec<&str> = doc.collect();
    let paragraph = paragraph.join(" ");
    let begins = paragraph.starts_with(|c: char| c.is_uppercase() || c.is_ascii_digit() || c == '`' || c == '[');
    begins && paragraph.trim_end().ends_with(['.', ':', '?']) && paragraph.split_whitespace().count() >= 3
}

#[test]
fn no_file_is_long() {
    uphold("shape::no_file_is_long", &long_files(source::project()));
}

#[test]
fn no_function_is_long() {
    uphold("shape::no_function_is_long", &long_functions(source::project()));
}

#[test]
fn files_begin_with_a_sentence() {
    uphold("shape::files_begin_with_a_sentence", &bad_beginnings(source::project()));
}

#[test]
fn a_long_file_is_found() {
    let of = |count: usize| [Source::new("core/src/x.rs", &"//\n".repeat(count))];
    assert_eq!(lines(&long_files(&of(MAX_FILE_LINES))), [0; 0]);
    assert_eq!(lines(&long_files(&of(MAX_FILE_LINES + 1))), [MAX_FILE_LINES + 1]);
}

#[test]
fn a_long_function_is_found() {
    let of = |header: &str, count: usize| {
        let text = format!("trait T {{\n{header}{}    }}\n}}\n", "        x();\n".repeat(count - 2));
        lines(&long_functions(&[Source::new("node/tests/x.rs", &text)]))
    };
    let plain = "    fn f(a: [u8; 4]) -> [u8; 2] {\n";
    assert_eq!(of(plain, MAX_FUNCTION_LINES), [0; 0]);
    assert_eq!(of(plain, MAX_FUNCTION_LINES + 1), [2]);
    let bounded = "    fn f<T, U>(t: fn(T, U) -> u8) -> u8\n    where\n        T: A,\n        u8: B,\n    {\n";
    assert_eq!(of(bounded, MAX_FUNCTION_LINES - 4), [0; 0]);
    assert_eq!(of(bounded, MAX_FUNCTION_LINES - 3), [2]);
    assert_eq!(
        of("    fn g<A, B>() where A: C;\n    fn h(f: fn(u8) -> u8, g: u8);\n    fn f() {\n", MAX_FUNCTION_LINES + 1),
        [4]
    );
}

#[test]
fn a_bad_beginning_is_found() {
    let of = |text: &str| lines(&bad_beginnings(&[Source::new("sim/src/x.rs", text)]));
    for bad in ["", "use std::fmt;\n", "//! gossip\n", "//! The plan\n//!\n//! More.\n", "\n//! It is late.\n"] {
        assert_eq!(of(bad), [1], "{bad:?}");
    }
    for good in ["//! It is short.\nuse x;\n", "//! It runs over\n//! two lines.\n//!\n//! more\n"] {
        assert_eq!(of(good), [0; 0], "{good:?}");
    }
}

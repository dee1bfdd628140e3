//! The core is pure: none of its dependencies and none of its lines reach for the world around it.
//!
//! What clippy refuses by type and method is not repeated here; this rule also sees what lints can be told to allow.

use crate::source::{self, Source};
use crate::{Finding, lines, uphold};

/// Crates that would bring sockets, files, clocks, threads or operating system randomness.
const IMPURE_CRATES: &[&str] = &[
    "async-std",
    "aws-lc-rs",
    "axum",
    "chrono",
    "futures",
    "getrandom",
    "hyper",
    "hyper-util",
    "jiff",
    "mio",
    "rand",
    "rayon",
    "reqwest",
    "ring",
    "rusqlite",
    "rustls",
    "smol",
    "socket2",
    "tempfile",
    "time",
    "tokio",
    "tokio-rustls",
];

/// Modules of `std` that are the world.
const IMPURE_MODULES: &[&str] = &["env", "fs", "net", "os", "process", "thread"];

/// Words that stand for a clock or for waiting, whatever path they are reached by.
const IMPURE_WORDS: &[&str] = &["Instant", "SystemTime", "async", "await"];

fn impure_dependencies(manifest: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut normal = false;
    for (at, line) in manifest.text.lines().map(str::trim).enumerate() {
        let mut name = "";
        if let Some(section) = line.strip_prefix('[') {
            let section = section.trim_end_matches(']');
            normal = section.ends_with("dependencies") && !section.contains("dev-") && !section.contains("build-");
            name = section.strip_prefix("dependencies.").unwrap_or("");
        } else if normal {
            name = line.split(['.', '=', ' ']).next().unwrap_or("");
        }
        if IMPURE_CRATES.contains(&name) {
            let right = "the embedder hands it in: an event, an effect, or a trait object in `Crypto`";
            findings.push(Finding::new(&manifest.path, at + 1, format!("the core depends on `{name}`"), right));
        }
    }
    findings
}

fn impure_code(sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let right = "time, entropy and bytes are handed in; what the world shall do is an effect";
    for source in sources.iter().filter(|source| source.is_rust() && source.path.starts_with("core/src/")) {
        for (line, path) in source::paths(&source.code, "std") {
            if path.first().is_some_and(|module| IMPURE_MODULES.contains(&module.as_str())) {
                findings.push(Finding::new(&source.path, line, format!("the core names `std::{}`", path[0]), right));
            }
        }
        for word in IMPURE_WORDS {
            for line in source::lines_with_word(&source.code, word) {
                findings.push(Finding::new(&source.path, line, format!("the core names `{word}`"), right));
            }
        }
    }
    findings
}

#[test]
fn the_core_depends_on_nothing_impure() {
    let manifest = source::project().iter().find(|source| source.path == "core/Cargo.toml");
    let findings = impure_dependencies(manifest.expect("the core has a manifest"));
    uphold("purity::the_core_depends_on_nothing_impure", &findings);
}

#[test]
fn the_core_names_nothing_impure() {
    uphold("purity::the_core_names_nothing_impure", &impure_code(source::project()));
}

#[test]
fn an_impure_dependency_is_found() {
    let text = "[dependencies]\nder = \"1\"\ntokio.workspace = true\nrand_core = \"1\"\nrand = { version = \"1\" }\n\
                [dependencies.hyper]\n[dev-dependencies]\ntempfile = \"3\"\n[target.'cfg(unix)'.dependencies]\nmio = \"1\"\n";
    assert_eq!(lines(&impure_dependencies(&Source::new("core/Cargo.toml", text))), [3, 5, 6, 10]);
}

#[test]
fn impure_code_is_found() {
    let text = "use std::{fmt, fs::File};\nuse std::time::Duration;\nlet t = std::time::Instant::now();\n\
                // SystemTime\nlet s = \"async\";\nasync fn f() {}\nstd::thread::spawn(g);\n";
    let mut found = lines(&impure_code(&[Source::new("core/src/x.rs", text)]));
    found.sort_unstable();
    assert_eq!(found, [1, 3, 6, 7]);
    assert_eq!(impure_code(&[Source::new("node/src/x.rs", text)]), []);
}

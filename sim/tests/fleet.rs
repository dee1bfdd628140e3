//! The fleet, by its command line: shares that add up, failures that are kept and named, questions that are refused, ends that
//! are clean.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

const BINARY: &str = env!("CARGO_BIN_EXE_symbolon-sim");

fn sim(arguments: &[&str]) -> Output {
    Command::new(BINARY).args(arguments).output().expect("the command runs")
}

/// What the command printed, once its exit code is as it should be.
fn said(code: i32, arguments: &[&str]) -> String {
    let Output { status, stdout, stderr } = sim(arguments);
    let (out, err) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert_eq!(status.code(), Some(code), "{arguments:?}\n{out}\n{err}");
    out.into_owned()
}

/// What a refusal says.
fn refused(arguments: &[&str]) -> String {
    let Output { status, stdout, stderr } = sim(arguments);
    let err = String::from_utf8_lossy(&stderr).into_owned();
    assert_eq!(status.code(), Some(2), "{arguments:?}\n{}\n{err}", String::from_utf8_lossy(&stdout));
    err
}

/// The lines of a fleet without the times that differ from run to run, failures in the order of seeds.
fn timeless(text: &str) -> Vec<Value> {
    let mut lines: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("every line is JSON")).collect();
    for line in &mut lines {
        let fields = line.as_object_mut().expect("every line is an object");
        fields.remove("cpu_ms");
        fields.remove("wall_ms");
    }
    lines.sort_by_key(|line| match line["kind"].as_str() {
        Some("head") => (0, 0),
        Some("failed") => (1, line["seed"].as_u64().expect("a seed is a number")),
        _ => (2, 0),
    });
    lines
}

/// A share of a fleet, written to a file.
fn share(dir: &Path, name: &str, arguments: &[&str]) -> String {
    let mut all = vec!["fuzz", "--json", "--failures", "1000"];
    all.extend(arguments);
    let output = sim(&all);
    assert!(matches!(output.status.code(), Some(0 | 1)), "{}", String::from_utf8_lossy(&output.stderr));
    let file = dir.join(name);
    std::fs::write(&file, output.stdout).expect("the directory is there");
    file.to_str().expect("the path is text").to_owned()
}

fn scratch() -> tempfile::TempDir {
    tempfile::tempdir().expect("there is room for a directory")
}

#[test]
fn what_holds_is_summed_up() {
    let text = said(0, &["fuzz", "--seeds", "0..4", "--jobs", "2"]);
    assert!(text.starts_with("4 of 4 seeds of 0..4 in the quick world: 4 held, 0 failed\n"), "{text}");
    for figure in ["a CPU-second", "frames delivered", "agreement after the heal: p50", "sometimes", "commit"] {
        assert!(text.contains(figure), "no {figure} in {text}");
    }
}

#[test]
fn shares_add_up_to_what_one_machine_finds() {
    let dir = scratch();
    let fleet = ["--seeds", "3..12", "--bug", "lose-writes"];
    let shards: Vec<String> = (1..=3)
        .map(|number| {
            share(dir.path(), &format!("{number}"), &[&fleet[..], &["--shard", &format!("{number}/3")]].concat())
        })
        .collect();
    let alone = share(dir.path(), "alone", &fleet);
    let alone = timeless(&std::fs::read_to_string(alone).expect("it was written"));
    assert!(alone.len() > 4, "nothing failed, so nothing is shown: {alone:?}");
    let merged = said(1, &["merge", "--json", &shards[2], &shards[0], &shards[1]]);
    assert_eq!(timeless(&merged), alone);
    let one = dir.path().join("all");
    let texts = shards.iter().map(|shard| std::fs::read_to_string(shard).expect("it was written"));
    std::fs::write(&one, texts.collect::<String>()).expect("the directory is there");
    assert_eq!(timeless(&said(1, &["merge", "--json", one.to_str().expect("the path is text")])), alone);
}

#[test]
fn neighbouring_ranges_become_one() {
    let dir = scratch();
    let (low, high) =
        (share(dir.path(), "low", &["--seeds", "0..2"]), share(dir.path(), "high", &["--seeds", "2..4"]));
    let merged = said(0, &["merge", "--json", &high, &low]);
    let alone = said(0, &["fuzz", "--json", "--seeds", "0..4"]);
    assert_eq!(timeless(&merged), timeless(&alone));
}

#[test]
fn a_share_that_is_missing_is_named() {
    let dir = scratch();
    let first = share(dir.path(), "first", &["--seeds", "0..3", "--shard", "1/3"]);
    let third = share(dir.path(), "third", &["--seeds", "0..3", "--shard", "3/3"]);
    let message = refused(&["merge", &first, &third]);
    assert!(message.contains("share 2/3 of 0..3"), "{message}");
    let text = std::fs::read_to_string(&first).expect("it was written");
    let head = text.lines().next().expect("the head is there").to_owned();
    std::fs::write(&first, head).expect("the directory is there");
    let message = refused(&["merge", &first]);
    assert!(message.contains("the sum of share 1/3 of 0..3, which"), "{message}");
}

#[test]
fn what_does_not_belong_together_is_refused() {
    let dir = scratch();
    let first = share(dir.path(), "first", &["--seeds", "0..2"]);
    let changed = |name: &str, from: &str, to: &str| {
        let text = std::fs::read_to_string(&first).expect("it was written");
        assert!(text.contains(from), "{from} is not in {text}");
        let file = dir.path().join(name);
        std::fs::write(&file, text.replacen(from, to, 1)).expect("the directory is there");
        file.to_str().expect("the path is text").to_owned()
    };
    let stamp = symbolon_sim::fleet::stamp();
    let text = std::fs::read_to_string(&first).expect("it was written");
    let head = text.lines().next().expect("the head is there").to_owned();
    let cases = [
        (first.clone(), "would count twice"),
        (changed("overlap", "0..2", "1..3"), "would count twice"),
        (changed("commit", &stamp.commit, "0123456789ab"), "commit"),
        (changed("lock", &stamp.lock, "0123456789ab"), "lock file"),
        (changed("world", "quick", "whole"), "world"),
        (changed("form", "\"form\":1", "\"form\":2"), "this build knows 1"),
        (changed("kind", "\"head\"", "\"foot\""), "foot"),
        (changed("headless", &head, ""), "no head line before"),
    ];
    for (file, why) in cases {
        let message = refused(&["merge", &first, &file]);
        assert!(message.contains(why), "{file}: {message}");
    }
    let message = refused(&["merge", "nowhere.jsonl"]);
    assert!(message.contains("nowhere.jsonl"), "{message}");
}

#[test]
fn the_line_to_run_again_comes_first() {
    let stamp = symbolon_sim::fleet::stamp();
    let text = said(1, &["fuzz", "--seeds", "1..300", "--jobs", "1", "--failures", "1", "--bug", "lose-writes"]);
    let mut lines = text.lines();
    let line = lines.next().expect("there is a line");
    let sentence = lines.next().expect("there is another").trim();
    let (command, stamped) = line.split_once("  # ").expect("the build stands behind the command");
    assert_eq!(stamped, format!("commit {}, lock {}", stamp.commit, stamp.lock));
    let words: Vec<&str> = command.split(' ').collect();
    assert_eq!(words[..2], ["symbolon-sim", "replay"]);
    let again = said(1, &words[1..]);
    assert_eq!(again.lines().last(), Some(format!("FAIL {sentence}").as_str()));
    assert_eq!(stamp.lock.len(), 12);
    assert!(stamp.commit == "unknown" || stamp.commit.bytes().all(|byte| byte.is_ascii_hexdigit()), "{stamp:?}");
}

#[test]
fn the_plan_of_a_failing_seed_is_kept() {
    let dir = scratch();
    let keep = dir.path().join("new/failures");
    let keep = keep.to_str().expect("the path is text");
    let planted = ["--bug", "lose-writes"];
    said(
        1,
        &[&["fuzz", "--seeds", "1..300", "--failures", "1", "--jobs", "1", "--keep", keep], &planted[..]].concat(),
    );
    let kept: Vec<PathBuf> =
        std::fs::read_dir(keep).expect("it was made").map(|entry| entry.expect("it can be read").path()).collect();
    let [file] = &kept[..] else { panic!("one plan was to be kept, not {kept:?}") };
    let name = file.file_stem().and_then(|name| name.to_str()).expect("the name is text");
    let (seed, check) = name.split_once('-').expect("it is SEED-CHECK");
    assert!(seed.parse::<u64>().is_ok(), "{name}");
    let file = file.to_str().expect("the path is text");
    let again = said(1, &[&["replay", file], &planted[..]].concat());
    assert!(again.lines().last().is_some_and(|line| line.starts_with(&format!("FAIL {check} at"))), "{again}");
}

#[test]
fn bad_questions_are_refused() {
    let cases: [(&[&str], &str); 14] = [
        (&["fuzz", "--seeds", "many..3"], "\"many\" is no seed"),
        (&["fuzz", "--seeds", "0..18446744073709551616"], "is no seed"),
        (&["fuzz", "--seeds", "12"], "has no `..`"),
        (&["fuzz", "--seeds", "3..3"], "is empty"),
        (&["fuzz", "--shard", "4/3"], "with I from 1 to N"),
        (&["fuzz", "--shard", "0/3"], "with I from 1 to N"),
        (&["fuzz", "--shard", "1"], "written I/N"),
        (&["fuzz", "--jobs", "0"], "counted from 1"),
        (&["fuzz", "--failures", "0"], "0"),
        (&["fuzz", "--budget", "soon"], "as in 60s"),
        (&["fuzz", "--world", "flat"], "flat"),
        (&["fuzz", "--keep", "/dev/null/x"], "/dev/null/x"),
        (&["replay", "thirty-eight"], "neither a seed"),
        (&["determinism", "--seeds", "0..1", "--against", "no/such/program"], "no/such/program"),
    ];
    for (arguments, why) in cases {
        let message = refused(arguments);
        assert!(message.contains(why), "{arguments:?}: {message}");
    }
    assert!(refused(&["merge"]).contains("FILES"));
}

#[test]
fn time_that_is_up_is_no_failure() {
    let text = said(0, &["fuzz", "--seeds", "0..1000000", "--budget", "1s", "--jobs", "1"]);
    assert!(text.lines().next().is_some_and(|line| line.ends_with("0 failed; the time was up")), "{text}");
}

/// Interrupts a fleet, and gives its exit code and its last line.
fn interrupted(signal: Signal, more: &[&str]) -> (Option<i32>, Value) {
    let mut child = Command::new(BINARY)
        .args(["fuzz", "--json", "--seeds", "1..1000000", "--failures", "1000000", "--jobs", "1"])
        .args(more)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the command runs");
    let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
    // Whoever prints the head listens already.
    lines.next().expect("the head comes first").expect("it is text");
    if !more.is_empty() {
        lines.next().expect("something fails").expect("it is text");
    }
    let pid = Pid::from_child(&child);
    kill_process(pid, signal).expect("it still runs");
    let last = lines.map(|line| line.expect("it is text")).last().expect("a sum comes last");
    let code = child.wait().expect("it ends").code();
    (code, serde_json::from_str(&last).expect("every line is JSON"))
}

#[test]
fn an_interruption_ends_with_what_was_found() {
    for signal in [Signal::INT, Signal::TERM] {
        let (code, sum) = interrupted(signal, &[]);
        assert_eq!((code, &sum["kind"], &sum["ended"]), (Some(130), &"sum".into(), &"interrupted".into()));
    }
    let (code, sum) = interrupted(Signal::INT, &["--bug", "lose-writes"]);
    assert_eq!((code, &sum["ended"]), (Some(1), &"interrupted".into()));
    assert_ne!(sum["failed"], 0);
}

#[test]
fn a_seed_has_one_trace_in_two_processes() {
    let text = said(0, &["determinism", "--seeds", "0..3"]);
    assert_eq!(text, "3 seeds, each in two processes: the same traces\n");
}

#[test]
fn the_first_step_that_differs_is_named() {
    let dir = scratch();
    let other = dir.path().join("other");
    std::fs::write(&other, format!("#!/bin/sh\nexec '{BINARY}' \"$@\" --bug lose-writes\n")).expect("there is room");
    std::fs::set_permissions(&other, PermissionsExt::from_mode(0o755)).expect("it is ours");
    let text = said(1, &["determinism", "--seeds", "1..3", "--against", other.to_str().expect("the path is text")]);
    assert!(text.starts_with("not the same in two processes: seeds 1"), "{text}");
    assert!(text.contains(" differs:\n"), "{text}");
    let [one, other] = ["  - ", "  + "].map(|mark| text.lines().find_map(|line| line.strip_prefix(mark)));
    assert!(one.is_some() && other.is_some() && one != other, "{text}");
}

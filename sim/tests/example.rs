//! The worked example of the page on testing: each of its commands runs, and prints what the page says that it prints.

use std::path::Path;
use std::process::Command;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/TESTING.md");
const HEADING: &str = "\n## A bug, found and mended\n";
/// With this in the environment the page is written anew instead.
const UPDATE: &str = "SYMBOLON_UPDATE_EXAMPLE";

/// The page, cut before and after the section.
fn section(page: &str) -> (usize, usize) {
    let begin = page.find(HEADING).expect("the example has a heading") + HEADING.len();
    let end = page[begin..].find("\n## ").expect("it is not the last section");
    (begin, begin + end)
}

/// What a command prints, to whichever side, without the commit that it was built from.
fn printed(command: &str, dir: &Path) -> String {
    let bin = Path::new(env!("CARGO_BIN_EXE_symbolon-sim")).parent().expect("it lies in a directory");
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap_or_default());
    let script = format!("{{ {command}\n}} 2>&1");
    let output = Command::new("sh").args(["-c", &script]).current_dir(dir).env("PATH", path).output();
    let text = String::from_utf8(output.expect("there is a shell").stdout).expect("it prints text");
    let lines = text.lines().map(|line| line.split("  # commit ").next().unwrap_or(line).trim_end());
    lines.map(|line| format!("{line}\n")).collect()
}

/// The section with its commands run, in their order and in one directory.
fn run(section: &str) -> String {
    let dir = tempfile::tempdir().expect("there is room");
    let mut told = String::new();
    let mut is_shown = false;
    for line in section.lines() {
        if line.starts_with("```") {
            is_shown = line == "```console";
        }
        match line.strip_prefix("$ ").filter(|_| is_shown) {
            Some(command) => told += &format!("{line}\n{}", printed(command, dir.path())),
            None if is_shown && !line.starts_with("```") => {}
            None => told += &format!("{line}\n"),
        }
    }
    told
}

/// Times with milliseconds, as in `5.033 s`.
fn times(text: &str) -> impl Iterator<Item = &str> {
    let is_time =
        |word: &&str| word.split_once('.').is_some_and(|(_, ms)| ms.len() == 3 && ms.parse::<u16>().is_ok());
    text.split_whitespace().filter(is_time)
}

#[test]
fn the_example_is_what_its_commands_print() {
    let page = std::fs::read_to_string(PAGE).expect("the page is there");
    let (begin, end) = section(&page);
    let told = run(&page[begin..end]);
    if std::env::var_os(UPDATE).is_some() {
        let updated = format!("{}{}{}", &page[..begin], told.trim_end_matches('\n'), &page[end - 1..]);
        std::fs::write(PAGE, updated).expect("the page can be written");
        return;
    }
    let differing = page[begin..end].lines().zip(told.lines()).find(|(shown, printed)| shown != printed);
    if let Some((shown, printed)) = differing {
        panic!("docs/TESTING.md shows\n    {shown}\nand it is\n    {printed}\nto write it anew: {UPDATE}=1");
    }
    assert_eq!(page[begin..end].lines().count(), told.lines().count(), "to write it anew: {UPDATE}=1");
}

#[test]
fn the_text_speaks_of_what_is_shown() {
    let page = std::fs::read_to_string(PAGE).expect("the page is there");
    let (begin, end) = section(&page);
    let (shown, text): (Vec<(usize, &str)>, Vec<(usize, &str)>) =
        page[begin..end].split("```").enumerate().partition(|(place, _)| place % 2 == 1);
    let shown: String = shown.into_iter().map(|(_, part)| part).collect();
    let text: String = text.into_iter().map(|(_, part)| part).collect();
    let strange: Vec<_> = times(&text).filter(|time| !shown.contains(&format!("{time} s"))).collect();
    assert!(times(&text).count() > 0 && strange.is_empty(), "nothing that is shown happens at {strange:?}");
    let seed = shown.split("shrink ").nth(1).and_then(|rest| rest.split(' ').next()).expect("a seed is shrunk");
    assert!(shown.contains(&format!("symbolon-sim replay {seed} ")), "the swarm finds another seed than {seed}");
    assert!(text.contains(&format!("seed {seed} ")), "the text speaks of another seed than {seed}");
}

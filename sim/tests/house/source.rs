//! The project's files as the rules see them: text, code without comments and literals, and the paths that code names.
//!
//! This is no Rust parser: it knows just enough of the lexical grammar to never take a comment or a string for code.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// One text file of the project.
pub struct Source {
    /// Relative to the workspace root, with forward slashes.
    pub path: String,
    /// As it is on disk.
    pub text: String,
    /// Rust code with comments and literals blanked, line by line as in `text`; empty for other files.
    pub code: String,
}

impl Source {
    /// A source as a rule would meet it at `path`.
    pub fn new(path: &str, text: &str) -> Source {
        let code = if path.ends_with(".rs") { blank(text) } else { String::new() };
        Source { path: path.to_owned(), text: text.to_owned(), code }
    }

    /// Whether this is a Rust file.
    pub fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }
}

/// The workspace root.
pub fn root() -> &'static Path {
    static ROOT: OnceLock<PathBuf> = OnceLock::new();
    ROOT.get_or_init(|| {
        let sim = Path::new(env!("CARGO_MANIFEST_DIR"));
        sim.parent().expect("the sim crate lies in the workspace").to_path_buf()
    })
}

/// Every text file that is tracked, or would be by `git add .`; without git, all that lies outside of target/.
pub fn project() -> &'static [Source] {
    static PROJECT: OnceLock<Vec<Source>> = OnceLock::new();
    PROJECT.get_or_init(|| {
        let mut paths = listed_by_git().unwrap_or_else(walked);
        paths.sort();
        paths.dedup();
        assert!(
            paths.iter().any(|path| path == "core/src/lib.rs"),
            "the listing of the project misses core/src/lib.rs"
        );
        let read = |path: &String| Some(Source::new(path, &std::fs::read_to_string(root().join(path)).ok()?));
        paths.iter().filter_map(read).collect()
    })
}

fn listed_by_git() -> Option<Vec<String>> {
    let arguments = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    let output = Command::new("git").args(arguments).current_dir(root()).output().ok()?;
    let listing = String::from_utf8(output.stdout).ok()?;
    let listing: Vec<String> = listing.split('\0').filter(|path| !path.is_empty()).map(str::to_owned).collect();
    (output.status.success() && !listing.is_empty()).then_some(listing)
}

fn walked() -> Vec<String> {
    let mut found = Vec::new();
    let mut pending = vec![root().to_path_buf()];
    while let Some(directory) = pending.pop() {
        for entry in std::fs::read_dir(&directory).expect("a directory just listed can be read").flatten() {
            let path = entry.path();
            if !path.is_dir() {
                let relative = path.strip_prefix(root()).expect("the walk starts at the root");
                found.push(relative.to_string_lossy().replace('\\', "/"));
            } else if entry.file_name() != "target" && entry.file_name() != ".git" {
                pending.push(path);
            }
        }
    }
    found
}

/// Whether `c` may stand in an identifier.
pub fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The 1-based lines on which `word` stands alone, once per line.
pub fn lines_with_word(text: &str, word: &str) -> Vec<usize> {
    let holds = |line: &str| word_starts(line, word).next().is_some();
    text.lines().enumerate().filter(|(_, line)| holds(line)).map(|(at, _)| at + 1).collect()
}

/// The byte offsets at which `word` stands alone.
pub fn word_starts<'a>(text: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    text.match_indices(word).map(|(at, _)| at).filter(move |&at| {
        let before = text[..at].chars().next_back();
        let after = text[at + word.len()..].chars().next();
        !before.is_some_and(is_word) && !after.is_some_and(is_word)
    })
}

/// The 1-based line of a byte offset.
pub fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

/// A path in code: the line of its last segment, and the segments after its root.
pub type CodePath = (usize, Vec<String>);

/// Every path in `code` that starts at `root` (`crate`, `super`, `std`, …), with groups of `use` flattened.
pub fn paths(code: &str, root: &str) -> Vec<CodePath> {
    let mut found = Vec::new();
    for at in word_starts(code, root) {
        let before = code[..at].trim_end();
        let inner = before.strip_suffix("::").is_some_and(|owner| owner.ends_with(|c| is_word(c) || c == '>'));
        let after = code[at + root.len()..].trim_start();
        if !inner && after.starts_with("::") {
            let mut tree = Tree { code, at: code.len() - after.len() + 2, found: &mut found };
            tree.read(Vec::new());
        }
    }
    found
}

/// A cursor through one tree of a `use`, or one plain path.
struct Tree<'a> {
    code: &'a str,
    at: usize,
    found: &'a mut Vec<CodePath>,
}

impl Tree<'_> {
    fn read(&mut self, mut prefix: Vec<String>) {
        loop {
            self.skip(char::is_whitespace);
            match self.next() {
                Some('{') => return self.read_group(&prefix),
                Some(c) if is_word(c) || c == '*' => {
                    let start = self.at;
                    self.skip(|c| is_word(c) || c == '*');
                    prefix.push(self.code[start..self.at].to_owned());
                    let line = line_of(self.code, start);
                    self.skip(char::is_whitespace);
                    if !self.code[self.at..].starts_with("::") {
                        self.found.push((line, prefix));
                        return;
                    }
                    self.at += 2;
                }
                _ => {
                    self.found.push((line_of(self.code, self.at), prefix));
                    return;
                }
            }
        }
    }

    fn read_group(&mut self, prefix: &[String]) {
        self.at += 1;
        loop {
            self.skip(|c| c.is_whitespace() || c == ',');
            match self.next() {
                None => return,
                Some('}') => {
                    self.at += 1;
                    return;
                }
                Some(_) => self.read(prefix.to_vec()),
            }
            // What is left of this branch is at most ` as name`.
            self.skip(|c| c != ',' && c != '}');
        }
    }

    fn next(&self) -> Option<char> {
        self.code[self.at..].chars().next()
    }

    fn skip(&mut self, accept: impl Fn(char) -> bool) {
        let rest = &self.code[self.at..];
        self.at += rest.find(|c| !accept(c)).unwrap_or(rest.len());
    }
}

/// `text` with every comment and literal replaced by spaces; line breaks stay.
pub fn blank(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let hidden = hidden_len(&chars, at);
        let end = chars.len().min(at + hidden.max(1));
        let shown = |c: char| if hidden > 0 && c != '\n' { ' ' } else { c };
        out.extend(chars[at..end].iter().map(|&c| shown(c)));
        at = end;
    }
    out
}

/// The length of the comment or literal that starts here; zero if code does.
fn hidden_len(chars: &[char], at: usize) -> usize {
    let rest = &chars[at..];
    let in_word = at > 0 && is_word(chars[at - 1]);
    match rest {
        ['/', '/', ..] => rest.iter().position(|&c| c == '\n').unwrap_or(rest.len()),
        ['/', '*', ..] => block_comment_len(rest),
        ['"', ..] => string_len(rest),
        ['r', '"' | '#', ..] if !in_word => raw_string_len(rest),
        ['b' | 'c', 'r', '"' | '#', ..] if !in_word => match raw_string_len(&rest[1..]) {
            0 => 0,
            raw => raw + 1,
        },
        ['\'', '\\', _, tail @ ..] => 4 + tail.iter().position(|&c| c == '\'').unwrap_or(tail.len()),
        ['\'', _, '\'', ..] => 3,
        _ => 0,
    }
}

fn block_comment_len(rest: &[char]) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        match &rest[at..] {
            ['/', '*', ..] => (depth, at) = (depth + 1, at + 2),
            ['*', '/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

fn string_len(rest: &[char]) -> usize {
    let mut at = 1;
    while at < rest.len() && rest[at] != '"' {
        at += if rest[at] == '\\' { 2 } else { 1 };
    }
    at + 1
}

/// Zero for a raw identifier.
fn raw_string_len(rest: &[char]) -> usize {
    let hashes = rest[1..].iter().take_while(|&&c| c == '#').count();
    if rest.get(1 + hashes) != Some(&'"') {
        return 0;
    }
    let closes = |at: usize| rest[at] == '"' && rest[at + 1..].iter().take_while(|&&c| c == '#').count() >= hashes;
    let body = 2 + hashes;
    (body..rest.len()).find(|&at| closes(at)).map_or(rest.len(), |at| at + 1 + hashes)
}

#[test]
fn comments_and_literals_are_no_code() {
    let text = "a // b\n/* c /* d */ e */ f \"g \\\" h\" 'i' '\\'' r#\"j \" k\"# br\"l\" r#m 'n: o '\\u{70}' p";
    let code = blank(text);
    let words: Vec<&str> = code.split_whitespace().collect();
    assert_eq!(words, ["a", "f", "r#m", "'n:", "o", "p"]);
    assert_eq!(code.lines().count(), text.lines().count());
}

#[test]
fn groups_of_use_are_flattened() {
    let code =
        "use crate::{\n    a::{self, B as C},\n    d::*,\n};\nlet e = crate::f::g::<H>();\npub(crate) fn i() {}\n";
    let found: Vec<(usize, String)> =
        paths(code, "crate").into_iter().map(|(line, path)| (line, path.join("."))).collect();
    let expected = [(2, "a.self"), (2, "a.B"), (3, "d.*"), (5, "f.g")];
    assert_eq!(found, expected.map(|(line, path)| (line, path.to_owned())));
    assert_eq!(paths("use super::super::x;", "super"), [(1, vec!["super".to_owned(), "x".to_owned()])]);
}

#[test]
fn words_stand_alone() {
    assert_eq!(lines_with_word("an ant\nant\nants, _ant", "ant"), [1, 2]);
}

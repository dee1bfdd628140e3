//! Tells the testbed which commit it is built from, by reading what git left on disk. It runs no program, and runs again only
//! when another commit is checked out.

use std::fs;
use std::path::{Path, PathBuf};

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let commit = git_dir(&root.join(".git")).and_then(|dir| commit(&dir));
    println!("cargo:rustc-env=SYMBOLON_COMMIT={}", commit.as_deref().unwrap_or("unknown"));
}

/// Where HEAD is; in a linked working tree `.git` is a file that names the place.
fn git_dir(git: &Path) -> Option<PathBuf> {
    if git.is_dir() {
        return Some(git.to_owned());
    }
    let text = fs::read_to_string(git).ok()?;
    Some(git.parent()?.join(text.trim().strip_prefix("gitdir: ")?))
}

fn commit(dir: &Path) -> Option<String> {
    let head = read(&dir.join("HEAD"))?;
    // A commit leaves HEAD as it is, and writes here.
    watch(&dir.join("logs/HEAD"));
    let Some(branch) = head.trim().strip_prefix("ref: ") else {
        return hash(&head);
    };
    let common = fs::read_to_string(dir.join("commondir")).ok();
    let common = common.map_or_else(|| dir.to_owned(), |path| dir.join(path.trim()));
    if let Some(text) = read(&common.join(branch)) {
        return hash(&text);
    }
    let packed = read(&common.join("packed-refs"))?;
    packed.lines().find_map(|line| hash(line.strip_suffix(branch)?))
}

fn hash(text: &str) -> Option<String> {
    let text = text.trim();
    (text.len() >= 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit())).then(|| text.to_owned())
}

fn read(path: &Path) -> Option<String> {
    watch(path);
    fs::read_to_string(path).ok()
}

/// Only what exists: a file that does not would have this run at every build.
fn watch(path: &Path) {
    if path.exists() {
        println!("cargo:rerun-if-changed={}", path.display());
    }
}

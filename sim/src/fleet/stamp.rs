//! Which build this is: a seed is good for one commit and one lock file. It asks nothing of the machine that it runs on.

/// Digits that are enough for people.
const SHORT: usize = 12;

/// What a seed is good for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The commit, or `unknown` where the source came without its history.
    pub commit: String,
    /// A hash of the lock file.
    pub lock: String,
}

/// The stamp of this build.
pub fn stamp() -> Stamp {
    let commit = env!("SYMBOLON_COMMIT");
    let lock = blake3::hash(include_bytes!("../../../Cargo.lock")).to_string();
    Stamp { commit: commit.get(..SHORT).unwrap_or(commit).to_owned(), lock: lock[..SHORT].to_owned() }
}

//! The static users file. A hash that would cost more than [`crate::password`] allows is refused here, not at log-in.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use symbolon_core::config::StaticUser;

use crate::password;

/// Users in one file.
const MAX_USERS: usize = 10_000;

/// What is wrong with a users file.
#[derive(Debug, thiserror::Error)]
#[error("{path}{line}: {problem}", path = path.display(), line = line.map(|l| format!(":{l}")).unwrap_or_default())]
pub struct UsersError {
    /// The file.
    pub path: PathBuf,
    /// From 1.
    pub line: Option<usize>,
    /// What is wrong and what would be right.
    pub problem: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Users {
    #[serde(default)]
    user: Vec<toml::Spanned<User>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct User {
    name: String,
    password_hash: String,
    #[serde(default)]
    groups: BTreeSet<String>,
}

/// Users from the text of a file at `path`.
pub fn parse_users(path: &Path, text: &str) -> Result<Vec<StaticUser>, UsersError> {
    let error = |start: Option<usize>, problem: String| {
        let line = start.and_then(|start| text.get(..start)).map(|before| before.matches('\n').count() + 1);
        UsersError { path: path.to_owned(), line, problem }
    };
    let users: Users =
        toml::from_str(text).map_err(|e| error(e.span().map(|span| span.start), e.message().to_owned()))?;
    if users.user.len() > MAX_USERS {
        return Err(error(None, format!("holds more than {MAX_USERS} users")));
    }
    let mut names = BTreeSet::new();
    let mut all = Vec::with_capacity(users.user.len());
    for user in users.user {
        let start = user.span().start;
        let User { name, password_hash, groups } = user.into_inner();
        if name.is_empty() {
            return Err(error(Some(start), "name: must not be empty".to_owned()));
        }
        if !names.insert(name.clone()) {
            return Err(error(Some(start), format!("name: {name:?} is there twice")));
        }
        if let Err(problem) = password::check_form(&password_hash) {
            return Err(error(Some(start), format!("password_hash of {name:?}: {problem}")));
        }
        all.push(StaticUser { name, password_hash, groups });
    }
    Ok(all)
}

//! The page docs/CONFIGURATION.md, made from the table of options, so that the two cannot differ.

use super::options::{Kind, OPTIONS};

const HEAD: &str = "\
# Configuration

`symbolon serve --config F` reads one TOML file. Every option can also be given in the environment, which wins: `section.key`
is `SYMBOLON_SECTION__KEY`. Relative paths are relative to the file. An unknown key is an error with file, line and the nearest
right key; `symbolon config check --config F` prints every problem at once and exits with 2.

This page is printed by `symbolon config docs`.
";

/// The page.
pub fn markdown() -> String {
    let mut page = HEAD.to_owned();
    let mut section = "";
    for option in OPTIONS {
        let (of, name) = option.key.split_once('.').unwrap_or(("", option.key));
        if of != section {
            section = of;
            page += &format!("\n## [{section}]\n\n| key | takes | default | meaning |\n|---|---|---|---|\n");
        }
        let default = match (option.default, option.kind) {
            (None, _) => "must be given".to_owned(),
            (Some(""), Kind::List) => "`[]`".to_owned(),
            (Some(default), Kind::Flag | Kind::Number { .. }) => format!("`{default}`"),
            (Some(default), Kind::Text | Kind::Path | Kind::Choice(_) | Kind::List) => format!("`\"{default}\"`"),
        };
        page += &format!("| `{name}` | {} | {default} | {} |\n", option.kind.describe(), option.meaning);
    }
    page
}

//! What the pages promise is there: links, anchors, the code map; and nothing unfinished or private lies about.
//!
//! Links to other hosts are not followed: no test needs a network.

use std::collections::{BTreeMap, BTreeSet};

use crate::source::{self, Source};
use crate::{Finding, lines, uphold};

/// The page that names every room.
const MAP: &str = "ARCHITECTURE.md";
/// Where rooms are: what lies directly below must be on the map.
const ROOM_PARENTS: &[&str] = &["core/src/", "node/src/", "sim/src/"];
/// Marks of unfinished work, in halves so that this file does not hold them.
const MARKS: &[&str] = &[
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("X", "XX"),
    concat!("todo", "!"),
    concat!("unimplemented", "!"),
];
/// Homes of users on a machine, in halves likewise.
const HOMES: &[&str] = &[concat!("/ro", "ot/"), concat!("/ho", "me/")];

fn dead_links(sources: &[Source]) -> Vec<Finding> {
    let pages = sources.iter().filter(|source| source.path.ends_with(".md"));
    let anchors: BTreeMap<&str, BTreeSet<String>> =
        pages.clone().map(|page| (page.path.as_str(), anchors_of(&page.text))).collect();
    let mut findings = Vec::new();
    for page in pages {
        for (line, target) in links_of(&page.text) {
            let (file, anchor) = target.split_once('#').unwrap_or((&target, ""));
            let path = if file.is_empty() { page.path.clone() } else { resolve(&page.path, file) };
            if !exists(sources, &path) {
                let right = "the path of a tracked file, relative to this page";
                findings.push(Finding::new(&page.path, line, format!("`{target}` leads to no file"), right));
            } else if !anchor.is_empty() && anchors.get(path.as_str()).is_some_and(|known| !known.contains(anchor)) {
                let known = anchors[path.as_str()].iter().cloned().collect::<Vec<_>>().join(", ");
                let right = format!("one of {known}");
                findings.push(Finding::new(&page.path, line, format!("{path} has no heading `#{anchor}`"), right));
            }
        }
    }
    findings
}

/// The lines of a page outside fenced code, with inline code blanked.
fn prose(text: &str) -> Vec<(usize, String)> {
    let mut fenced = false;
    let mut kept = Vec::new();
    for (at, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            let parts = line.split('`').enumerate();
            let blanked: Vec<String> =
                parts.map(|(n, part)| if n % 2 == 0 { part.to_owned() } else { " ".repeat(part.len()) }).collect();
            kept.push((at + 1, blanked.join("`")));
        }
    }
    kept
}

/// The relative targets of inline links, images and link definitions.
fn links_of(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (line, prose) in prose(text) {
        let inline = prose.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next());
        let definition = prose.strip_prefix('[').and_then(|rest| rest.split_once("]: "));
        let definition = definition.and_then(|(_, rest)| rest.split_whitespace().next());
        for target in inline.chain(definition) {
            if !target.contains("://") && !target.starts_with("mailto:") {
                found.push((line, target.trim_matches(['<', '>']).to_owned()));
            }
        }
    }
    found
}

/// The anchors that a page's headings make, by the rule of the common forges.
fn anchors_of(text: &str) -> BTreeSet<String> {
    let mut fenced = false;
    let mut anchors = BTreeSet::new();
    for line in text.lines() {
        fenced ^= line.trim_start().starts_with("```");
        let heading = line.trim_start_matches('#');
        if fenced || heading.len() == line.len() || !heading.starts_with(' ') {
            continue;
        }
        let kept = heading.trim().chars().filter(|&c| source::is_word(c) || c == ' ' || c == '-');
        let slug: String = kept.flat_map(char::to_lowercase).map(|c| if c == ' ' { '-' } else { c }).collect();
        let repeated = (1..).map(|n| format!("{slug}-{n}"));
        let free = std::iter::once(slug.clone()).chain(repeated).find(|anchor| !anchors.contains(anchor));
        anchors.extend(free);
    }
    anchors
}

/// `target` as seen from `page`, from the root.
fn resolve(page: &str, target: &str) -> String {
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            name => parts.push(name),
        }
    }
    parts.join("/")
}

/// Whether a file or a directory with a tracked file has this path; so has the root.
fn exists(sources: &[Source], path: &str) -> bool {
    let path = path.trim_end_matches('/');
    let inside = |source: &Source| source.path.strip_prefix(path).is_some_and(|rest| rest.starts_with('/'));
    path.is_empty()
        || sources.iter().any(|source| source.path == path || inside(source))
        || source::root().join(path).is_file()
}

/// The map names every room, and nothing that is not there.
fn map_gaps(sources: &[Source]) -> Vec<Finding> {
    let Some(map) = sources.iter().find(|source| source.path == MAP) else {
        return vec![Finding::new(MAP, 1, "the page is missing", "one page: picture, code map, labelled absences")];
    };
    let named: Vec<(usize, &str)> = named_paths(&map.text);
    let mut findings = Vec::new();
    for (line, path) in &named {
        if !exists(sources, path) {
            findings.push(Finding::new(MAP, *line, format!("`{path}` is not there"), "only paths that exist"));
        }
    }
    for room in rooms(sources) {
        if !named.iter().any(|(_, path)| path.trim_end_matches('/') == room) {
            let wrong = format!("the room `{room}` is not on the map");
            findings.push(Finding::new(MAP, 1, wrong, "a row: its path, what it is, what it never does"));
        }
    }
    findings
}

/// The spans of inline code that are paths: they hold a slash, and no space, colon or leading slash.
fn named_paths(text: &str) -> Vec<(usize, &str)> {
    let mut fenced = false;
    let mut found = Vec::new();
    for (at, line) in text.lines().enumerate() {
        fenced ^= line.starts_with("```");
        if !fenced {
            let spans = line.split('`').skip(1).step_by(2);
            let is_path = |span: &&str| span.contains('/') && !span.contains([' ', ':']) && !span.starts_with('/');
            found.extend(spans.filter(is_path).map(|span| (at + 1, span)));
        }
    }
    found
}

fn rooms(sources: &[Source]) -> BTreeSet<String> {
    let mut rooms = BTreeSet::new();
    for parent in ROOM_PARENTS {
        for rest in sources.iter().filter_map(|source| source.path.strip_prefix(parent)) {
            let room = rest.split('/').next().unwrap_or(rest);
            if room != "lib.rs" && room != "main.rs" {
                rooms.insert(format!("{parent}{room}"));
            }
        }
    }
    rooms
}

fn left_over_marks(sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources {
        for mark in MARKS {
            for line in source::lines_with_word(&source.text, mark) {
                let right = "do it now, or say in docs/STATUS.md what is absent";
                findings.push(Finding::new(&source.path, line, format!("a mark `{mark}` was left"), right));
            }
        }
    }
    findings
}

fn machine_paths(sources: &[Source], root: &str) -> Vec<Finding> {
    // A root of one component, as containers have it, is also a plain word of some path here.
    let root = (root.matches('/').count() > 1).then_some(root);
    let mut findings = Vec::new();
    for source in sources {
        for needle in HOMES.iter().copied().chain(root) {
            for (at, _) in source.text.match_indices(needle) {
                let within = source.text[..at].ends_with(|c: char| source::is_word(c) || ".-/~}".contains(c));
                let goes_on = source.text[at + needle.len()..].starts_with(|c: char| source::is_word(c) || c == '-');
                if !within && (needle.ends_with('/') || !goes_on) {
                    let line = source::line_of(&source.text, at);
                    let wrong = format!("`{needle}` is a path of one machine");
                    findings.push(Finding::new(&source.path, line, wrong, "a path relative to the project"));
                }
            }
        }
    }
    findings
}

#[test]
fn links_lead_somewhere() {
    uphold("docs::links_lead_somewhere", &dead_links(source::project()));
}

#[test]
fn the_map_shows_every_room() {
    uphold("docs::the_map_shows_every_room", &map_gaps(source::project()));
}

#[test]
fn nothing_is_left_to_do() {
    uphold("docs::nothing_is_left_to_do", &left_over_marks(source::project()));
}

#[test]
fn no_file_names_a_machine() {
    let root = source::root().to_string_lossy();
    uphold("docs::no_file_names_a_machine", &machine_paths(source::project(), &root));
}

#[test]
fn a_dead_link_is_found() {
    let here = "# A `b` c!\n## Twice\n## Twice\n[x](#a-b-c) [y](#twice-1) [z](docs/B.md#deep) [w](https://example.org/#q)\n\
                [x](#d) `[i](gone)`\n![p](gone.png)\n```\n[f](gone)\n```\n[g](docs/B.md#shallow)\n\n[ref]: docs/C.md\n[d](docs/)\n";
    let there = "[up](../A.md)\n# Deep\n[gone](A.md)\n";
    let found = dead_links(&[Source::new("A.md", here), Source::new("docs/B.md", there)]);
    assert_eq!(lines(&found), [5, 6, 10, 12, 3]);
}

#[test]
fn a_gap_in_the_map_is_found() {
    let map = "# Map\n| `core/src/crdt/` | laws |\n| `core/src/attic/` | gone |\n`crate::x` `a b/c` `/token`\n";
    let rooms = ["core/src/crdt/mod.rs", "core/src/time.rs", "core/src/lib.rs"].map(|path| Source::new(path, ""));
    let sources: Vec<Source> = rooms.into_iter().chain([Source::new(MAP, map)]).collect();
    let found = map_gaps(&sources);
    let wrongs: Vec<&str> = found.iter().map(|finding| finding.wrong.as_str()).collect();
    assert_eq!(wrongs, ["`core/src/attic/` is not there", "the room `core/src/time.rs` is not on the map"]);
    assert_eq!(lines(&map_gaps(&[])), [1]);
}

#[test]
fn a_left_over_mark_is_found() {
    let text = format!("a\n// {}: b\n{}()\n{}X\n", MARKS[0], MARKS[3], MARKS[2]);
    assert_eq!(lines(&left_over_marks(&[Source::new("x.rs", &text)])), [2, 3]);
}

#[test]
fn a_path_of_a_machine_is_found() {
    let text = format!("cd {}me\nhttp://x{}y\nsee /srv/clone/core, /srv/clones, /srv/clone.\n", HOMES[0], HOMES[1]);
    assert_eq!(lines(&machine_paths(&[Source::new("x.md", &text)], "/srv/clone")), [1, 3, 3]);
    assert_eq!(lines(&machine_paths(&[Source::new("x.md", "in /app/core")], "/app")), [0; 0]);
}

//! Who may import whom: the layers of the core, the walls in the node, and the two crates that stay in their place.
//!
//! The table is the picture of ARCHITECTURE.md in rows. It is read here alone; nothing else decides what may import what.

use crate::source::{self, Source};
use crate::{Finding, lines, uphold};

/// Each room of the core with all that it may import, from top to bottom: whoever is imported stands further down.
const CORE: &[(&str, &[&str])] = &[
    (
        "replica",
        &[
            "token",
            "admission",
            "gossip",
            "envelope",
            "wire",
            "state",
            "crdt",
            "link",
            "config",
            "crypto",
            "fault",
            "time",
            "zoo",
        ],
    ),
    ("token", &["wire", "state", "crdt", "config", "crypto", "fault", "time", "zoo"]),
    ("admission", &["wire", "state", "crdt", "config", "crypto", "fault", "time", "zoo"]),
    ("gossip", &["wire", "state", "crdt", "config", "crypto", "fault", "time", "zoo"]),
    ("envelope", &["wire", "state", "crdt", "config", "crypto", "fault", "time", "zoo"]),
    ("wire", &["state", "crdt", "config", "crypto", "fault", "time", "zoo"]),
    ("state", &["crdt", "config", "crypto", "fault", "time", "zoo"]),
    ("crdt", &["time", "zoo"]),
    ("link", &["config", "crypto", "fault", "time", "zoo"]),
    ("config", &["crypto", "fault", "time", "zoo"]),
    ("crypto", &["fault", "time", "zoo"]),
    ("fault", &["time"]),
    ("time", &[]),
    ("zoo", &[]),
];

/// Rooms of the node that never name each other: both talk to the driver.
const NODE_APART: &[(&str, &str)] = &[("http", "store"), ("store", "http")];

/// The one place of the simulated network, and of the node inside the testbed.
const WHOLE: &str = "sim/src/worlds/whole";

fn core_layers(sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources.iter().filter(|source| source.is_rust()) {
        let Some(module) = module_of(source, "core/src/") else { continue };
        let Some(room) = module.first() else { continue };
        let Some((_, allowed)) = CORE.iter().find(|(name, _)| name == room) else {
            let right =
                "add it to CORE in sim/tests/house/imports.rs, above all that it imports, and to ARCHITECTURE.md";
            findings.push(Finding::new(&source.path, 1, format!("the room `{room}` is in no layer"), right));
            continue;
        };
        let right = match allowed {
            [] => format!("`{room}` imports nothing of the core"),
            some => format!("`{room}` may import {} and nothing else of the core", some.join(", ")),
        };
        for (line, named) in rooms_named(source, &module) {
            let known = CORE.iter().any(|(name, _)| *name == named.room);
            let wrong = match known {
                true => format!("`{room}` imports `{}`", named.room),
                false => format!("`crate::{}` is the path of no room", named.room),
            };
            let harmless = named.room == *room || allowed.contains(&named.room.as_str()) || !known && !named.surely;
            let finding = Finding::new(&source.path, line, wrong, &right);
            if !harmless && !findings.contains(&finding) {
                findings.push(finding);
            }
        }
    }
    findings
}

fn node_walls(sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources.iter().filter(|source| source.is_rust()) {
        let Some(module) = module_of(source, "node/src/") else { continue };
        for (room, other) in NODE_APART.iter().filter(|(room, _)| module.first().is_some_and(|first| first == room)) {
            for (line, _) in rooms_named(source, &module).iter().filter(|(_, named)| named.room == *other) {
                let right = format!("`{room}` and `{other}` both talk to the driver");
                findings.push(Finding::new(&source.path, *line, format!("`{room}` names `{other}`"), right));
            }
        }
    }
    findings
}

/// `turmoil` stays in the whole world, and so does the node as far as the testbed runs it itself; `insta` stays in tests.
fn kept_in_place(sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources.iter().filter(|source| source.is_rust()) {
        let mut refuse = |name: &str, right: &str| {
            let wrong = format!("`{name}` is named here");
            let lines = source::lines_with_word(&source.code, name).into_iter();
            findings.extend(lines.map(|line| Finding::new(&source.path, line, &wrong, right)));
        };
        if !source.path.strip_prefix(WHOLE).is_some_and(|rest| rest.starts_with(['/', '.'])) {
            refuse("turmoil", "only sim/src/worlds/whole knows the simulated network");
            if source.path.starts_with("sim/") {
                refuse("symbolon_node", "only sim/src/worlds/whole runs a node; all else meets it as an outsider");
            }
        }
        if !source.path.contains("/tests/") {
            refuse("insta", "snapshots are taken in tests alone");
        }
    }
    findings
}

/// The module path of a file below `prefix`; empty for the crate root.
fn module_of(source: &Source, prefix: &str) -> Option<Vec<String>> {
    let path = source.path.strip_prefix(prefix)?.strip_suffix(".rs")?;
    let mut module: Vec<String> = path.split('/').map(str::to_owned).collect();
    if module.last().is_some_and(|last| last == "mod") || ["lib", "main"].contains(&path) {
        module.pop();
    }
    Some(module)
}

/// A room that a path leads to; not `surely` when an inline module may have moved what `super` means.
struct Named {
    room: String,
    surely: bool,
}

fn rooms_named(source: &Source, module: &[String]) -> Vec<(usize, Named)> {
    let mut named = Vec::new();
    for (line, path) in source::paths(&source.code, "crate") {
        named.extend(path.into_iter().next().map(|room| (line, Named { room, surely: true })));
    }
    for (line, path) in source::paths(&source.code, "super") {
        let further = path.iter().take_while(|segment| *segment == "super").count();
        if 1 + further >= module.len() {
            named.extend(path.into_iter().nth(further).map(|room| (line, Named { room, surely: false })));
        }
    }
    named
}

#[test]
fn core_imports_go_down_only() {
    uphold("imports::core_imports_go_down_only", &core_layers(source::project()));
}

#[test]
fn http_and_store_never_name_each_other() {
    uphold("imports::http_and_store_never_name_each_other", &node_walls(source::project()));
}

#[test]
fn turmoil_and_insta_stay_in_their_place() {
    uphold("imports::turmoil_and_insta_stay_in_their_place", &kept_in_place(source::project()));
}

#[test]
fn the_table_has_no_circle() {
    for (at, (room, allowed)) in CORE.iter().enumerate() {
        let below = |name: &str| CORE[at + 1..].iter().any(|(other, _)| *other == name);
        assert!(allowed.iter().all(|name| below(name)), "`{room}` may import only rooms that stand below it");
    }
}

#[test]
fn an_import_upwards_is_found() {
    let planted = [
        ("core/src/crdt/dot.rs", "use crate::time::Wall;\nuse crate::wire::Encode;\n", vec![2]),
        ("core/src/wire/letter.rs", "use crate::{\n    state::Key,\n    envelope::{Letter, Seal},\n};\n", vec![3]),
        ("core/src/gossip/mod.rs", "fn f() { crate::token::issue() }\n", vec![1]),
        ("core/src/state/mod.rs", "use super::crdt::Dot;\nuse super::wire;\n", vec![2]),
        ("core/src/state/keys/life.rs", "use super::Key;\nuse super::super::super::token;\n", vec![2]),
        ("core/src/token/mod.rs", "use crate::{state, *};\nuse crate::Shortcut;\n", vec![1, 2]),
        ("core/src/attic/mod.rs", "//! A room that nobody placed.\n", vec![1]),
        ("core/src/time.rs", "// crate::wire::x\nmod tests { use super::Tick; }\n", vec![]),
        ("core/src/lib.rs", "pub use crate::replica::Replica;\n", vec![]),
    ];
    for (path, text, expected) in planted {
        assert_eq!(lines(&core_layers(&[Source::new(path, text)])), expected, "{path}");
    }
}

#[test]
fn a_hole_in_a_wall_is_found() {
    let http =
        Source::new("node/src/http/token.rs", "use http::Request;\nuse crate::driver;\nuse crate::store::Rows;\n");
    let store = Source::new("node/src/store/mod.rs", "use super::http::render;\n");
    assert_eq!(lines(&node_walls(&[http, store])), [3, 1]);
}

#[test]
fn a_crate_out_of_place_is_found() {
    let quick = Source::new("sim/src/worlds/quick.rs", "use turmoil::Builder;\n");
    let whole = Source::new("sim/src/worlds/whole/net.rs", "use turmoil::Builder;\n");
    let wholesale = Source::new("sim/src/worlds/wholesale.rs", "\nuse turmoil::Builder;\n");
    let bench = Source::new("sim/src/bench/mod.rs", "use symbolon_node::node::Node;\n");
    let ports = Source::new("sim/src/worlds/whole/host.rs", "use symbolon_node::ports::Ports;\n");
    let program = Source::new("node/src/main.rs", "symbolon_node::cli::main()\n");
    let timeline = Source::new("sim/src/timeline.rs", "\n\ninsta::assert_snapshot!(x);\n");
    let test = Source::new("sim/tests/convergence.rs", "insta::assert_snapshot!(x);\n");
    assert_eq!(lines(&kept_in_place(&[quick, whole, wholesale, timeline, test])), [1, 2, 3]);
    assert_eq!(lines(&kept_in_place(&[bench, ports, program])), [1]);
}

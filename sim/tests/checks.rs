//! The checks themselves: what each is shown here is wrong, or right, and it says so.

use std::collections::BTreeSet;
use std::path::Path;

use symbolon_core::replica::{Row, Table};
use symbolon_sim::checks::{Checks, Moment, Sight};
use symbolon_sim::model::Batch;
use symbolon_sim::plan::Plan;

/// Where a secret may begin: at each place of several strides.
const PLACES: usize = 70;

fn plan() -> Plan {
    Plan::parse("one.toml", "story = \"One node.\"\nnodes = 1\n").expect("it is a plan")
}

/// The check that fails when this is seen of a node whose secret is given away.
fn failing(secret: [u8; 32], sight: &Sight<'_>) -> Option<&'static str> {
    let plan = plan();
    let moment = Moment { at_ms: 0, node: 0, plan: &plan };
    let mut checks = Checks::new(&plan);
    checks.see(moment, &Sight::Secrets(&[[7; 32], secret]));
    checks.see(moment, sight);
    checks.failure().map(|failure| failure.check)
}

/// No two pieces of it are alike.
fn secret() -> [u8; 32] {
    std::array::from_fn(|at| (at * 37 + 11) as u8)
}

#[test]
fn a_secret_is_found_wherever_it_stands() {
    for at in 0..PLACES {
        for after in [0, 1, 9, 40] {
            let mut bytes = vec![0xa5; at];
            bytes.extend(secret());
            bytes.extend(vec![0x5a; after]);
            assert_eq!(
                failing(secret(), &Sight::Sent(&bytes)),
                Some("secrets"),
                "a frame, {at} before and {after} after"
            );
            let row = Row { table: Table::Secrets, key: vec![1], value: Some(bytes) };
            assert_eq!(
                failing(secret(), &Sight::Wrote(Batch::new(&[row]))),
                Some("secrets"),
                "a row, {at} before and {after} after"
            );
        }
    }
}

#[test]
fn what_only_looks_like_a_secret_is_none() {
    let mut other = secret();
    for (at, byte) in other.iter_mut().enumerate() {
        *byte ^= u8::from(at % 8 == 3);
    }
    for at in 0..PLACES {
        let mut bytes = vec![0xa5; at];
        bytes.extend(other);
        assert_eq!(failing(secret(), &Sight::Sent(&bytes)), None, "{at}");
    }
}

/// What stands behind a path in a source, without regard to case.
fn named(source: &str, path: &str) -> BTreeSet<String> {
    let names = source.split(path).skip(1).map(|rest| {
        let name = rest.split(|c: char| !c.is_ascii_alphanumeric()).next();
        name.unwrap_or_default().to_ascii_lowercase()
    });
    names.collect()
}

#[test]
fn a_check_names_the_kinds_that_it_looks_at() {
    let checks = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/checks");
    let mut seen = 0;
    for entry in std::fs::read_dir(checks).expect("the checks have a place").flatten() {
        let source = std::fs::read_to_string(entry.path()).expect("a check can be read");
        let (name, is_check) = (entry.file_name(), source.contains("impl Check for"));
        if is_check {
            let kinds = named(&source, "Kinds::").into_iter().filter(|kind| kind != "none").collect();
            assert_eq!(named(&source, "Sight::"), kinds, "{name:?}");
            seen += 1;
        }
    }
    assert_eq!(seen, 21, "no check was overlooked");
}

//! Adding up what many machines found, as if one had run it all. What does not belong together is refused; what is missing is
//! named.

use std::collections::{BTreeMap, BTreeSet};

use super::line::{FORM, Failed, Head, Line, Sum};
use super::seeds::{Seeds, Shard};

/// Missing shares of one range that are named; of others only how many.
const MOST_NAMED: usize = 20;

/// What one machine wrote.
#[derive(Clone, Debug)]
pub struct Part {
    /// The file.
    pub file: String,
    /// What was asked for.
    pub head: Head,
    /// What failed.
    pub failed: Vec<Failed>,
    /// What came of all; absent if the machine did not come so far.
    pub sum: Option<Sum>,
}

/// What all of them found.
#[derive(Clone, Debug)]
pub struct Merged {
    /// What was asked for, in all.
    pub head: Head,
    /// What failed, by seed.
    pub failed: Vec<Failed>,
    /// What came of all.
    pub sum: Sum,
}

/// Reads a file: one part, or several behind each other.
///
/// # Errors
/// What is no line of a fleet, or stands in the wrong place, with its number.
pub fn read(file: &str, text: &str) -> Result<Vec<Part>, String> {
    let mut parts: Vec<Part> = Vec::new();
    for (at, text) in text.lines().enumerate().filter(|(_, text)| !text.trim().is_empty()) {
        let wrong = |what: &dyn std::fmt::Display| format!("{file}:{}: {what}", at + 1);
        known_form(text).map_err(|what| wrong(&what))?;
        let line: Line = serde_json::from_str(text).map_err(|error| wrong(&error))?;
        let open = parts.last_mut().filter(|part| part.sum.is_none());
        match (line, open) {
            (Line::Head(head), _) => {
                parts.push(Part { file: file.to_owned(), head, failed: Vec::new(), sum: None });
            }
            (Line::Failed(failed), Some(part)) => part.failed.push(failed),
            (Line::Sum(sum), Some(part)) => part.sum = Some(sum),
            (Line::Failed(_) | Line::Sum(_), None) => return Err(wrong(&"there is no head line before this one")),
        }
    }
    if parts.is_empty() {
        return Err(format!("{file}: nothing is in it; `symbolon-sim fuzz --json` writes what is merged here"));
    }
    Ok(parts)
}

/// A newer form may have other fields; its number is looked at first.
fn known_form(text: &str) -> Result<(), String> {
    let value: serde_json::Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    match value.get("form").map(serde_json::Value::as_u64) {
        None => Ok(()),
        Some(form) if form == Some(u64::from(FORM)) => Ok(()),
        Some(_) => Err(format!("form {} is not known here; this build knows {FORM}", value["form"])),
    }
}

/// Adds parts up.
///
/// # Errors
/// Which parts do not belong together, and why.
pub fn merge(parts: &[Part]) -> Result<Merged, String> {
    let first = parts.first().ok_or("there is nothing to merge")?;
    for part in parts {
        same_kind(first, part)?;
        complete(part)?;
    }
    for (at, one) in parts.iter().enumerate() {
        for other in &parts[at + 1..] {
            apart(one, other)?;
        }
    }
    let mut sum = Sum::new(0);
    parts.iter().filter_map(|part| part.sum.as_ref()).for_each(|part| sum.join(part));
    let failed: BTreeSet<Failed> = parts.iter().flat_map(|part| part.failed.iter().cloned()).collect();
    let missing = missing(parts);
    let head = Head { seeds: joined(parts), shard: Shard::WHOLE, missing, ..first.head.clone() };
    Ok(Merged { head, failed: failed.into_iter().collect(), sum })
}

fn same_kind(one: &Part, other: &Part) -> Result<(), String> {
    let (a, b) = (&one.head, &other.head);
    let planted = |head: &Head| head.planted.clone().unwrap_or_else(|| "nothing".into());
    let kinds = [
        ("commit", a.commit.clone(), b.commit.clone()),
        ("lock file", a.lock.clone(), b.lock.clone()),
        ("world", a.world.name().into(), b.world.name().into()),
        ("planted mistake", planted(a), planted(b)),
    ];
    match kinds.into_iter().find(|(_, a, b)| a != b) {
        None => Ok(()),
        Some((kind, a, b)) => {
            Err(format!("{} is of {kind} {a}, and {} of {b}: what they say cannot be added up", one.file, other.file))
        }
    }
}

fn complete(part: &Part) -> Result<(), String> {
    if part.head.missing.is_empty() {
        return Ok(());
    }
    Err(format!("{} was merged without {}: merge its parts anew", part.file, part.head.missing.join(", ")))
}

/// Shares of one range never meet; all others must lie apart.
fn apart(one: &Part, other: &Part) -> Result<(), String> {
    let (a, b) = (&one.head, &other.head);
    if a.seeds == b.seeds && a.shard.of == b.shard.of && a.shard.number != b.shard.number {
        return Ok(());
    }
    let meeting = a.seeds.iter().flat_map(|a| b.seeds.iter().map(move |b| (*a, *b))).find(|(a, b)| a.meets(*b));
    let Some((seeds, others)) = meeting else { return Ok(()) };
    Err(format!(
        "{} has share {} of {seeds}, and {} share {} of {others}: seeds of both would count twice",
        one.file, a.shard, other.file, b.shard
    ))
}

/// Shares that are not there, and those that were cut off.
fn missing(parts: &[Part]) -> Vec<String> {
    let mut shares: BTreeMap<(&[Seeds], u64), BTreeSet<u64>> = BTreeMap::new();
    for Part { head, .. } in parts {
        shares.entry((&head.seeds, head.shard.of)).or_default().insert(head.shard.number);
    }
    let name = |seeds: &[Seeds], shard: Shard| {
        let seeds: Vec<String> = seeds.iter().map(ToString::to_string).collect();
        format!("share {shard} of {}", seeds.join(", "))
    };
    let mut missing = Vec::new();
    for ((seeds, of), there) in shares {
        let absent = (1..=of).filter(|number| !there.contains(number));
        missing.extend(absent.take(MOST_NAMED).map(|number| name(seeds, Shard { number, of })));
        let unnamed = (of - there.len() as u64).saturating_sub(MOST_NAMED as u64);
        if unnamed > 0 {
            missing.push(format!("{unnamed} more"));
        }
    }
    for part in parts.iter().filter(|part| part.sum.is_none()) {
        missing.push(format!("the sum of {}, which {} has not", name(&part.head.seeds, part.head.shard), part.file));
    }
    missing
}

/// All ranges, those that touch as one.
fn joined(parts: &[Part]) -> Vec<Seeds> {
    let ranges: BTreeSet<Seeds> = parts.iter().flat_map(|part| part.head.seeds.iter().copied()).collect();
    let mut joined: Vec<Seeds> = Vec::new();
    for seeds in ranges {
        match joined.last_mut().filter(|last| last.end == seeds.first) {
            Some(last) => last.end = seeds.end,
            None => joined.push(seeds),
        }
    }
    joined
}

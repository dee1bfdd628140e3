//! The timeline of a run as text: time, node, what happened, and a letter per node for the state that it is in, so that one
//! sees nodes become equal. It prints meanings, never bytes, and nothing random.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::words;
use crate::history::{Entry, History, Kind, Place};

/// How much is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// As usual, without refusals and without what came to nothing.
    Brief,
    /// What changed something.
    Usual,
    /// Every message too, and whatever a node noted.
    All,
}

/// Why a node is not ready yet when it begins.
const STARTING: [&str; 3] = ["starting", "no_signing_key", "no_wrapping_key"];

/// Facts wider than this are wrapped.
const WIDEST: usize = 64;

/// One line, before it is folded.
struct Line {
    at_ms: u64,
    node: Option<usize>,
    what: String,
    states: Vec<String>,
    /// The reasons, where it tells of refused messages only.
    refused: Option<Vec<&'static str>>,
    times: usize,
    /// The step of the plan that it comes of.
    step: Option<Place>,
    /// A heading, not something that happened.
    heading: bool,
}

/// The whole timeline.
pub fn timeline(history: &History, detail: Detail) -> String {
    let mut lines = Vec::new();
    let hidden = history.told_by_others();
    let beginning = if detail == Detail::All { 0 } else { beginning(history) };
    let mut messages = match detail {
        Detail::Brief | Detail::Usual => Vec::new(),
        Detail::All => message_lines(history),
    };
    messages.reverse();
    for (place, entry) in history.entries.iter().enumerate() {
        while messages.last().is_some_and(|(after, _)| *after <= place) {
            lines.extend(messages.pop().map(|(_, line)| line));
        }
        let told = hidden.binary_search(&place).is_ok();
        let minor = matches!(entry.kind, Kind::Vain { .. } | Kind::Refused { .. });
        let wanted = match detail {
            Detail::Brief => is_usual(&entry.kind) && !told && !minor,
            Detail::Usual => is_usual(&entry.kind) && !told,
            Detail::All => true,
        };
        if wanted {
            let mut line = line(history, entry);
            if matches!(entry.kind, Kind::Step { asked: true, .. }) && !told && entry.node.is_some() {
                line.what += "  (no answer)";
            }
            lines.push(line);
        }
        if place + 1 == beginning {
            lines = begun(lines);
        }
    }
    lines.extend(messages.into_iter().rev().map(|(_, line)| line));
    render(history, &fold(lines))
}

/// Entries before anything of the plan happens: nodes begin and meet.
fn beginning(history: &History) -> usize {
    let is_plan = |kind: &Kind| {
        matches!(
            kind,
            Kind::Scene { .. } | Kind::Step { .. } | Kind::Expected { .. } | Kind::Cut { .. } | Kind::Failed { .. }
        )
    };
    history.entries.iter().position(|entry| is_plan(&entry.kind)).unwrap_or(0)
}

/// The beginning in one line, which is alike in all runs.
fn begun(lines: Vec<Line>) -> Vec<Line> {
    let count = lines.len();
    let Some(last) = lines.into_iter().next_back() else { return Vec::new() };
    let what = format!("nodes begin, and meet ({count} lines)");
    vec![Line { node: None, what, times: 1, step: None, refused: None, ..last }]
}

pub(crate) fn is_usual(kind: &Kind) -> bool {
    match kind {
        Kind::Changed { what, .. } => !is_seeding(what),
        Kind::Noted { what, alarm } => *alarm || !is_routine(what),
        Kind::Clock { offset_ms, jumped } => *jumped || *offset_ms != 0,
        Kind::Merged { .. }
        | Kind::Learned { .. }
        | Kind::Step { .. }
        | Kind::Answer { .. }
        | Kind::Vain { .. }
        | Kind::Up { .. } => true,
        Kind::Down | Kind::Paused | Kind::Resumed | Kind::Refused { .. } | Kind::Cut { .. } | Kind::Mended { .. } => {
            true
        }
        Kind::Scene { .. } | Kind::Expected { .. } | Kind::Heal | Kind::Converged { .. } | Kind::Failed { .. } => {
            true
        }
        Kind::RoundFailed { .. } => false,
    }
}

/// Whether it only makes nodes known to each other.
pub(super) fn is_seeding(what: &str) -> bool {
    what == "seed node"
}

/// What every node notes when it begins, or now and then.
pub(super) fn is_routine(what: &str) -> bool {
    let begins = |reasons: &str| reasons.split(", ").all(|reason| STARTING.contains(&reason));
    what.starts_with("wrapping key")
        || what.starts_with("drop ")
        || what.strip_prefix("not ready: ").is_some_and(begins)
}

fn line(history: &History, entry: &Entry) -> Line {
    let refused = match &entry.kind {
        Kind::Refused { reason, .. } => Some(vec![*reason]),
        _ => None,
    };
    Line {
        at_ms: entry.at_ms,
        node: entry.node,
        what: words::entry(history, entry),
        states: entry.states.iter().map(|state| state.map_or("·".into(), words::letter)).collect(),
        refused,
        times: 1,
        step: match entry.kind {
            Kind::Changed { step, .. } => step,
            _ => None,
        },
        heading: matches!(entry.kind, Kind::Scene { .. }),
    }
}

/// Each message where it left, with what became of it.
fn message_lines(history: &History) -> Vec<(Place, Line)> {
    let lines = history.messages.iter().map(|message| {
        let what = words::message(history, message);
        let (at_ms, node) = (message.sent_ms, Some(message.from));
        (
            message.sent_after,
            Line { at_ms, node, what, states: Vec::new(), refused: None, times: 1, step: None, heading: false },
        )
    });
    lines.collect()
}

/// Equal lines that follow each other become one with a count, and so do all refusals until something else happens.
fn fold(lines: Vec<Line>) -> Vec<Line> {
    let mut folded: Vec<Line> = Vec::new();
    for line in lines {
        match folded.last_mut() {
            Some(known) if known.refused.is_some() && line.refused.is_some() => {
                known.node = known.node.filter(|node| Some(*node) == line.node);
                known.refused.as_mut().into_iter().for_each(|known| known.extend(line.refused.iter().flatten()));
                known.states = line.states;
            }
            Some(known) if known.node == line.node && known.what == line.what => {
                known.times += usize::from(known.step.is_none() || known.step != line.step);
                known.states = line.states;
            }
            Some(_) | None => folded.push(line),
        }
    }
    folded
}

fn text(line: &Line) -> String {
    match (&line.refused, line.times) {
        (Some(reasons), _) if reasons.len() > 1 => {
            let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
            reasons.iter().for_each(|reason| *counts.entry(reason).or_default() += 1);
            let alone = counts.len() == 1;
            let one = |(reason, count): (&&str, &usize)| match alone {
                true => reason.replace('_', " "),
                false => format!("{count} {}", reason.replace('_', " ")),
            };
            let told: Vec<String> = counts.iter().map(one).collect();
            format!("refuse {} messages: {}", reasons.len(), told.join(", "))
        }
        (_, 1) => line.what.clone(),
        (_, times) => format!("{}  ×{times}", line.what),
    }
}

/// A text in pieces no wider than this, if its words allow.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut pieces = vec![String::new()];
    for word in text.split_inclusive(' ') {
        let room = if pieces.len() == 1 { width } else { width - 2 };
        let last = pieces.last_mut().expect("there is always one");
        if !last.is_empty() && last.chars().count() + word.trim_end().chars().count() > room {
            pieces.push(word.to_owned());
        } else {
            last.push_str(word);
        }
    }
    pieces
}

fn render(history: &History, lines: &[Line]) -> String {
    let told: Vec<String> = lines.iter().map(text).collect();
    let ordinary = |text: &String| Some(text.chars().count()).filter(|width| *width <= WIDEST);
    let fact = told.iter().filter_map(ordinary).max().unwrap_or(0).max(4);
    let names = history.nodes.iter().map(|name| name.chars().count()).max().unwrap_or(0).max(4);
    let letters = lines.iter().flat_map(|line| &line.states).map(|letter| letter.chars().count()).max().unwrap_or(1);
    let columns: Vec<usize> = history.nodes.iter().map(|name| name.chars().count().max(letters)).collect();
    let row = |states: &[String]| {
        let cells = states.iter().zip(&columns).map(|(state, width)| format!("{state:>width$}"));
        cells.collect::<Vec<_>>().join(" ")
    };
    let mut out = String::new();
    let mut put = |text: &str| {
        let _ = writeln!(out, "{}", text.trim_end());
    };
    put(&format!("{:>8}  {:<names$}  {:<fact$}  {}", "time", "node", "fact", row(&history.nodes)));
    for (line, what) in lines.iter().zip(&told) {
        if line.heading {
            put(&format!("\n{:>8}  {what}", ""));
            continue;
        }
        let time = format!("{}.{:03}", line.at_ms / 1000, line.at_ms % 1000);
        let node = line.node.map_or("", |node| history.node(node));
        for (at, piece) in wrap(what, fact).iter().enumerate() {
            match at {
                0 => put(&format!("{time:>8}  {node:<names$}  {piece:<fact$}  {}", row(&line.states))),
                _ => put(&format!("{:>8}  {:<names$}    {piece}", "", "")),
            }
        }
    }
    if history.left_out > 0 {
        put(&format!("{:>8}  {} more were not kept", "…", history.left_out));
    }
    out
}

//! A run as one page that needs nothing else: nodes as lanes, time downward, messages as arrows, cuts as walls, states as
//! colours. It draws what the history says, and adds nothing.

use serde_json::{Value, json};

use super::story::Sentence;
use super::{timeline, words};
use crate::history::{Entry, Fate, History, Kind, Loss, Message, Place, Word};

/// The most entries and messages that a page shows; of a longer run it shows the end.
const MOST: usize = 20_000;

const FRAME: &str = include_str!("html/page.html");
const LOOKS: &str = include_str!("html/page.css");
const MOVES: &str = include_str!("html/page.js");

/// What a page is made of.
pub struct Page<'a> {
    /// What was run.
    pub title: &'a str,
    /// How to run it again.
    pub replay: &'a str,
    /// The weather, a line each.
    pub weather: &'a [String],
    /// What it did.
    pub history: &'a History,
    /// Why it failed.
    pub story: &'a [Sentence],
}

/// The whole page.
pub fn page(page: &Page<'_>) -> String {
    let data = data(page).to_string().replace("</", "<\\/");
    FRAME
        .replace("{{title}}", &escape(page.title))
        .replace("{{looks}}", LOOKS)
        .replace("{{moves}}", MOVES)
        .replace("{{data}}", &data)
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn data(page: &Page<'_>) -> Value {
    let history = page.history;
    let total = history.entries.len() + history.messages.len();
    let share = |count: usize| count.saturating_sub((count * MOST.min(total)).checked_div(total).unwrap_or(0));
    let (first_entry, first_message) = (share(history.entries.len()), share(history.messages.len()));
    let hidden = history.told_by_others();
    let entries = history.entries.iter().enumerate().skip(first_entry).map(|(place, one)| {
        let mut value = entry(history, one);
        if hidden.binary_search(&place).is_ok() {
            value["hid"] = json!(1);
        }
        value
    });
    let entries: Vec<Value> = entries.collect();
    let messages: Vec<Value> = history.messages[first_message..].iter().map(message).collect();
    let story: Vec<Value> = page
        .story
        .iter()
        .map(|sentence| {
            let near = |places: &[Place], first: usize| -> Vec<Place> {
                places.iter().filter_map(|place| place.checked_sub(first)).collect()
            };
            json!({
                "x": sentence.text,
                "e": near(&sentence.entries, first_entry),
                "m": near(&sentence.messages, first_message),
            })
        })
        .collect();
    json!({
        "title": page.title,
        "replay": page.replay,
        "weather": page.weather,
        "nodes": history.nodes,
        "end": history.end_ms(),
        "first": first_entry,
        "entries": entries,
        "messages": messages,
        "story": story,
        "omitted": history.left_out + first_entry + first_message,
    })
}

/// The family of an entry: what filters and looks go by.
fn family(kind: &Kind) -> &'static str {
    match kind {
        Kind::Step { fault: true, .. } => "fault",
        Kind::Step { fault: false, .. } => "step",
        Kind::Changed { what, .. } if timeline::is_seeding(what) => "routine",
        Kind::Changed { .. } => "change",
        Kind::Answer { .. } => "answer",
        Kind::Vain { .. } => "vain",
        Kind::Up { .. } => "up",
        Kind::Down => "down",
        Kind::Paused => "paused",
        Kind::Resumed => "resumed",
        Kind::Merged { .. } | Kind::Learned { .. } => "merge",
        Kind::Noted { alarm: true, .. } => "alarm",
        Kind::Noted { alarm: false, what } if timeline::is_routine(what) => "routine",
        Kind::Noted { alarm: false, .. } => "note",
        Kind::Refused { .. } => "refusal",
        Kind::RoundFailed { .. } => "silence",
        Kind::Cut { .. } => "cut",
        Kind::Mended { .. } => "mended",
        Kind::Clock { offset_ms: 0, jumped: false } => "routine",
        Kind::Clock { .. } => "clock",
        Kind::Scene { .. } => "scene",
        Kind::Expected { held: true, .. } => "held",
        Kind::Expected { held: false, .. } | Kind::Failed { .. } => "failed",
        Kind::Heal => "heal",
        Kind::Converged { .. } => "converged",
    }
}

fn entry(history: &History, entry: &Entry) -> Value {
    let mut value = json!({
        "t": entry.at_ms,
        "k": family(&entry.kind),
        "x": words::entry(history, entry),
        "s": entry.states.iter().map(|state| state.map_or(-1, |state| state as i64)).collect::<Vec<_>>(),
    });
    if let Some(node) = entry.node {
        value["n"] = json!(node);
    }
    match &entry.kind {
        Kind::Cut { cut, links } => {
            value["cut"] = json!(cut);
            value["links"] = json!(links);
        }
        Kind::Mended { cut } => value["cut"] = json!(cut),
        Kind::Clock { offset_ms, .. } => value["offset"] = json!(offset_ms),
        Kind::Changed { step: Some(step), .. } | Kind::Answer { step: Some(step), .. } => value["step"] = json!(step),
        _ => {}
    }
    value
}

fn message(message: &Message) -> Value {
    let look = match message.fate {
        Fate::Lost(Loss::Weather) => "lost",
        Fate::Lost(Loss::Cut) => "cut",
        Fate::Lost(Loss::Down) => "nobody",
        Fate::Refused { .. } => "refused",
        Fate::UnderWay => "underway",
        Fate::Arrived { .. } => "arrived",
    };
    let carried = match message.carried.word {
        Word::Delta | Word::Full => "delta",
        _ if message.carried.revocations > 0 => "delta",
        Word::Key => "key",
        Word::Ask | Word::Refusal | Word::Unreadable => "ask",
        Word::Beat if message.carried.records > 0 => "ask",
        Word::Beat => "beat",
    };
    let mut value = json!({
        "f": message.from,
        "t": message.to,
        "s": message.sent_ms,
        "p": message.sent_after,
        "l": look,
        "c": carried,
        "x": format!("{}{}", message.carried, words::fate(message)),
    });
    if let (Some(at_ms), Some(after)) = (message.fate.arrived_ms(), message.fate.arrived_after()) {
        value["a"] = json!(at_ms);
        value["q"] = json!(after);
    }
    if message.corrupt {
        value["bad"] = json!(1);
    }
    if message.again {
        value["again"] = json!(1);
    }
    value
}

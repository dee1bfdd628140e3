//! Entries and messages in words that need no knowledge of the code. One wording for timeline, story and page.

use std::collections::BTreeSet;

use crate::history::{Entry, Fate, History, Kind, Loss, Message};

/// An entry, without its time and its node.
pub fn entry(history: &History, entry: &Entry) -> String {
    let node = |place: usize| history.node(place);
    match &entry.kind {
        Kind::Step { title, .. } => title.clone(),
        Kind::Answer { what, .. } | Kind::Noted { what, .. } | Kind::Changed { what, .. } => what.clone(),
        Kind::Vain { what, why, .. } => format!("{what}, in vain: {why}"),
        Kind::Up { kept: true } => "up".into(),
        Kind::Up { kept: false } => "up, on another disk".into(),
        Kind::Down => "down".into(),
        Kind::Paused => "paused".into(),
        Kind::Resumed => "resumed".into(),
        Kind::Merged { from, cells, deep } => {
            let all = if *deep { " (everything it has)" } else { "" };
            format!("merge {cells} from {}{all}{}", node(*from), subjects(history, entry))
        }
        Kind::Learned { from, entries } => {
            let many = if *entries == 1 { "" } else { "s" };
            format!("learn {entries} revocation{many} from {}{}", node(*from), subjects(history, entry))
        }
        Kind::Refused { from, reason } => {
            let whose = from.map_or("an unknown sender", node);
            format!("refuse a message of {whose}: {}", spaced(reason))
        }
        Kind::RoundFailed { with, reason: None } => format!("no answer from {}", node(*with)),
        Kind::RoundFailed { with, reason: Some(reason) } => format!("refused by {}: {}", node(*with), spaced(reason)),
        Kind::Cut { links, .. } => wall(history, links),
        Kind::Mended { cut: Some(_) } => "a cut ends".into(),
        Kind::Mended { cut: None } => "all cuts end".into(),
        Kind::Clock { offset_ms: 0, .. } => "clock is right".into(),
        Kind::Clock { offset_ms, .. } => {
            let side = if *offset_ms > 0 { "ahead" } else { "behind" };
            format!("clock is {} {side}", span(offset_ms.unsigned_abs()))
        }
        Kind::Expected { title, held: true } => format!("holds {title}"),
        Kind::Expected { title, held: false } => format!("does not hold {title}"),
        Kind::Scene { title } => title.clone(),
        Kind::Heal => "heal".into(),
        Kind::Converged { after_ms } => format!("converged, {} after the heal", seconds(*after_ms)),
        Kind::Failed { check, what } => format!("FAILS {check}: {what}"),
    }
}

/// What an entry is about, if that is soon said.
fn subjects(history: &History, entry: &Entry) -> String {
    let names = entry.about.iter().filter_map(|place| Some(history.subjects.get(*place)?.as_str()));
    let names: Vec<&str> = names.collect();
    match names.len() {
        1 | 2 => format!(": {}", names.join(", ")),
        _ => String::new(),
    }
}

/// A message, from its sender's side.
pub fn message(history: &History, message: &Message) -> String {
    let again = if message.again { "again " } else { "" };
    format!(
        "{again}{} → {}  {}{}",
        history.node(message.from),
        history.node(message.to),
        message.carried,
        fate(message)
    )
}

/// What became of a message.
pub fn fate(message: &Message) -> String {
    let took = |at_ms: u64| format!("{} ms", at_ms.saturating_sub(message.sent_ms));
    let mut text = match message.fate {
        Fate::UnderWay => ", still under way".to_owned(),
        Fate::Arrived { at_ms, .. } => format!(", {}", took(at_ms)),
        Fate::Refused { at_ms, reason, .. } => format!(", {}, refused: {}", took(at_ms), spaced(reason)),
        Fate::Lost(Loss::Weather) => ", lost".to_owned(),
        Fate::Lost(Loss::Cut) => ", lost: the link is cut".to_owned(),
        Fate::Lost(Loss::Down) => ", lost: nobody is there".to_owned(),
    };
    if message.corrupt {
        text += ", altered on the way";
    }
    text
}

/// Who cannot speak with whom.
pub fn wall(history: &History, links: &[(usize, usize)]) -> String {
    let links: BTreeSet<(usize, usize)> = links.iter().copied().collect();
    let both = links.iter().all(|(from, to)| links.contains(&(*to, *from)));
    let names = |places: &[usize]| places.iter().map(|place| history.node(*place)).collect::<Vec<_>>().join(" ");
    if let Some((near, far)) = sides(history.nodes.len(), &links).filter(|_| both) {
        return format!("split  {} | {}", names(&near), names(&far));
    }
    let one = |(from, to): &(usize, usize)| format!("{} ↛ {}", history.node(*from), history.node(*to));
    format!("cut  {}", links.iter().map(one).collect::<Vec<_>>().join(", "))
}

/// The two sides of a cut that goes through all nodes.
pub fn sides(nodes: usize, links: &BTreeSet<(usize, usize)>) -> Option<(Vec<usize>, Vec<usize>)> {
    let (first, _) = links.first()?;
    let far: Vec<usize> = (0..nodes).filter(|node| links.contains(&(*first, *node))).collect();
    let near: Vec<usize> = (0..nodes).filter(|node| !far.contains(node)).collect();
    let all = near.iter().all(|one| far.iter().all(|other| links.contains(&(*one, *other))));
    (all && links.len() == 2 * near.len() * far.len()).then_some((near, far))
}

/// Seconds with milliseconds.
pub fn seconds(ms: u64) -> String {
    format!("{}.{:03} s", ms / 1000, ms % 1000)
}

/// A span in the unit that fits.
pub fn span(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..120_000 => format!("{:.1} s", ms as f64 / 1e3),
        120_000..7_200_000 => format!("{} min", (ms as f64 / 6e3).round() / 10.0),
        _ => format!("{:.1} h", ms as f64 / 3.6e6),
    }
}

fn spaced(reason: &str) -> String {
    reason.replace('_', " ")
}

/// A to Z, then AA and so on.
pub fn letter(state: usize) -> String {
    let last = char::from(b'A' + (state % 26) as u8);
    if state < 26 { last.to_string() } else { format!("{}{last}", letter(state / 26 - 1)) }
}

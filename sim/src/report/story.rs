//! Why a run failed, in sentences: from the failure back to what it is about, who made that, which messages brought it where,
//! and what kept it from the others. It tells what the history holds, and guesses nothing.

mod faults;
mod spread;

use std::collections::BTreeSet;

use super::words;
use crate::history::{Entry, History, Item, Kind, Place};

/// The most sentences.
const MOST: usize = 20;
/// The most items that a story follows.
const MOST_ITEMS: usize = 4;

/// One sentence, and what it speaks of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sentence {
    /// For people.
    pub text: String,
    /// Places in [`History::entries`].
    pub entries: Vec<Place>,
    /// Places in [`History::messages`].
    pub messages: Vec<Place>,
}

/// A sentence on its way into the story: where it stands in time, and how much it matters, 0 the most.
struct Told {
    at: (u64, Place),
    weight: u32,
    sentence: Sentence,
}

/// What is being told, and to what end.
struct Tale<'a> {
    history: &'a History,
    failure: &'a Entry,
    /// Entries that were there before the failure.
    end: Place,
    subjects: BTreeSet<Place>,
    /// The nodes that the failure is at, or speaks of.
    nodes: BTreeSet<usize>,
    /// Added to the weight of all that is told now: more for what the failure does not name.
    beside: u32,
    told: Vec<Told>,
}

/// The story of a run that failed; nothing of one that held.
pub fn story(history: &History) -> Vec<Sentence> {
    let Some(end) = history.entries.iter().rposition(|entry| matches!(entry.kind, Kind::Failed { .. })) else {
        return Vec::new();
    };
    let failure = &history.entries[end];
    let subjects = widened(history, &failure.about);
    let nodes = concerned(history, failure);
    let mut tale = Tale { history, failure, end, subjects, nodes, beside: 0, told: Vec::new() };
    let items = tale.items();
    for item in &items {
        let named = history.failed.is_empty() || history.failed.contains(item);
        tale.beside = if named { 0 } else { 3 };
        tale.follow(*item);
    }
    tale.beside = 0;
    tale.answers();
    tale.faults(&items);
    if tale.told.len() < 3 {
        tale.last_entries();
    }
    tale.finish()
}

/// What the failure is about, and what that belongs to: a token to its client.
fn widened(history: &History, about: &[Place]) -> BTreeSet<Place> {
    let mut subjects: BTreeSet<Place> = about.iter().copied().collect();
    let is_token = |place: &Place| history.subjects.get(*place).is_some_and(|name| name.starts_with("token "));
    for entry in history.entries.iter().filter(|entry| matches!(entry.kind, Kind::Answer { .. })) {
        if entry.about.first().is_some_and(|first| is_token(first) && subjects.contains(first)) {
            subjects.extend(&entry.about);
        }
    }
    subjects
}

/// The node of the failure, or those that its words name.
fn concerned(history: &History, failure: &Entry) -> BTreeSet<usize> {
    if let Some(node) = failure.node {
        return [node].into();
    }
    let text = words::entry(history, failure);
    let spoken: BTreeSet<&str> = text.split(|c: char| !c.is_alphanumeric() && c != '-').collect();
    (0..history.nodes.len()).filter(|node| spoken.contains(history.node(*node))).collect()
}

impl Tale<'_> {
    /// What to follow: what the failure names, else the last things that are about the same.
    fn items(&self) -> Vec<Place> {
        let items = &self.history.items;
        let mut chosen: Vec<Place> = self.history.failed.clone();
        let about = |place: &Place| items[*place].about.iter().any(|subject| self.subjects.contains(subject));
        let mut others: Vec<Place> =
            (0..items.len()).filter(|place| about(place) && !chosen.contains(place)).collect();
        others.sort_by_key(|place| (items[*place].is_record, std::cmp::Reverse(items[*place].at_ms)));
        chosen.truncate(MOST_ITEMS);
        chosen.extend(others.into_iter().take(MOST_ITEMS.saturating_sub(chosen.len())));
        chosen.sort_by_key(|place| items[*place].at_ms);
        chosen
    }

    fn tell(&mut self, at: (u64, Place), weight: u32, text: String, entries: Vec<Place>, messages: Vec<Place>) {
        let weight = weight + self.beside;
        self.told.push(Told { at, weight, sentence: Sentence { text, entries, messages } });
    }

    fn node(&self, node: usize) -> &str {
        self.history.node(node)
    }

    fn nodes_named(&self, nodes: impl IntoIterator<Item = usize>) -> String {
        let names: Vec<&str> = nodes.into_iter().map(|node| self.history.node(node)).collect();
        match names.split_last() {
            Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
            _ => names.concat(),
        }
    }

    /// What was heard when somebody looked.
    fn answers(&mut self) {
        let history = self.history;
        let about = |entry: &Entry| entry.about.iter().any(|subject| self.subjects.contains(subject));
        let answers = history.entries[..self.end].iter().enumerate();
        let mut answers: Vec<(Place, &Entry)> =
            answers.filter(|(_, entry)| matches!(entry.kind, Kind::Answer { .. }) && about(entry)).collect();
        let late = answers.split_off(answers.len().saturating_sub(4));
        for (place, entry) in late {
            let node = entry.node.map_or("", |node| history.node(node));
            let text = format!("{}  {node}: {}.", words::seconds(entry.at_ms), words::entry(history, entry));
            self.tell((entry.at_ms, place), 2, text, vec![place], Vec::new());
        }
    }

    /// Where nothing is known to follow: what happened last where it failed.
    fn last_entries(&mut self) {
        let history = self.history;
        let here = |entry: &Entry| match entry.node {
            Some(node) => self.nodes.is_empty() || self.nodes.contains(&node),
            None => true,
        };
        let hidden = history.told_by_others();
        let entries = history.entries[..self.end].iter().enumerate().rev();
        let entries = entries.filter(|(place, entry)| here(entry) && hidden.binary_search(place).is_err());
        let last: Vec<Place> = entries
            .filter(|(_, entry)| super::timeline::is_usual(&entry.kind))
            .take(8)
            .map(|(place, _)| place)
            .collect();
        for place in last {
            let entry = &history.entries[place];
            let node = entry.node.map_or("", |node| history.node(node));
            let text = format!("{}  {node}: {}.", words::seconds(entry.at_ms), words::entry(history, entry));
            self.tell((entry.at_ms, place), 4, text, vec![place], Vec::new());
        }
    }

    fn finish(mut self) -> Vec<Sentence> {
        self.told.sort_by_key(|told| (told.weight, told.at));
        self.told.truncate(MOST - 1);
        self.told.sort_by_key(|told| told.at);
        let mut sentences: Vec<Sentence> = Vec::new();
        for told in self.told {
            if !sentences.contains(&told.sentence) {
                sentences.push(told.sentence);
            }
        }
        let place = self.failure.node.map_or(String::new(), |node| format!("{}: ", self.history.node(node)));
        let what = words::entry(self.history, self.failure);
        let text = format!("{}  {place}{what}", words::seconds(self.failure.at_ms));
        sentences.push(Sentence { text, entries: vec![self.end], messages: Vec::new() });
        sentences
    }
}

/// An item, as sentences call it.
fn quoted(history: &History, item: &Item) -> String {
    format!("“{}” of {}", item.what, history.node(item.author))
}

//! One item: who made it, how it came to the nodes of the failure, who lost it, and why others never had it.

use std::collections::BTreeMap;

use super::{Tale, quoted, words};
use crate::history::{Fate, Holding, Loss, Message, Place};

impl Tale<'_> {
    pub(super) fn follow(&mut self, place: Place) {
        self.origin(place);
        let up: Vec<usize> =
            (0..self.history.nodes.len()).filter(|node| self.failure.states[*node].is_some()).collect();
        let named = self.nodes.clone();
        let concerned: Vec<usize> = if named.is_empty() { up } else { named.into_iter().collect() };
        let (have, lack): (Vec<usize>, Vec<usize>) = concerned
            .into_iter()
            .partition(|node| first(&self.history.items[place].spread, *node, self.end).is_some());
        have.into_iter().for_each(|node| self.road(place, node));
        if self.beside == 0 && !self.history.messages.is_empty() {
            self.missing(place, &lack);
        }
        self.elsewhere(place);
        self.losses(place);
    }

    /// Who made it, and when it was durable there.
    fn origin(&mut self, place: Place) {
        let item = &self.history.items[place];
        let durable = item.spread.iter().find(|holding| holding.node == item.author && holding.held);
        let author = self.node(item.author);
        let begins = format!("{}  {author}: {}", words::seconds(item.at_ms), item.what);
        let (text, entry) = match durable {
            Some(holding) if holding.at_ms == item.at_ms => (format!("{begins}."), holding.after),
            Some(holding) => {
                (format!("{begins}; durable there at {}.", words::seconds(holding.at_ms)), holding.after)
            }
            None => (format!("{begins}; it never became durable there."), item.step.unwrap_or(self.end)),
        };
        let mut entries: Vec<Place> = item.step.into_iter().collect();
        entries.extend((entry < self.end).then_some(entry));
        let at = (item.at_ms, item.step.unwrap_or(entry));
        self.tell(at, 0, text, entries, Vec::new());
    }

    /// How a node came to hold it, hop by hop.
    fn road(&mut self, place: Place, node: usize) {
        let mut at = node;
        let mut hops = 0;
        while let Some(holding) = first(&self.history.items[place].spread, at, self.end) {
            let Some(message) = holding.message.filter(|_| at != self.history.items[place].author && hops < 6) else {
                break;
            };
            self.hop(place, holding, message);
            at = self.history.messages[message].from;
            hops += 1;
        }
    }

    fn hop(&mut self, place: Place, holding: Holding, carrier: Place) {
        let item = &self.history.items[place];
        let message = &self.history.messages[carrier];
        let (from, to) = (self.node(message.from), self.node(message.to));
        let sent = words::seconds(message.sent_ms);
        let text = format!(
            "{sent}  {from} tells {to} of {}; durable there at {}.",
            quoted(self.history, item),
            words::seconds(holding.at_ms)
        );
        let entries = self.entry_of(holding).into_iter().collect();
        self.tell((message.sent_ms, message.sent_after), 1, text, entries, vec![carrier]);
    }

    /// The entry that a holding was noted with.
    fn entry_of(&self, holding: Holding) -> Option<Place> {
        let entry = self.history.entries.get(holding.after)?;
        (entry.node == Some(holding.node) && entry.at_ms == holding.at_ms).then_some(holding.after)
    }

    /// Who else held it, in one sentence.
    fn elsewhere(&mut self, place: Place) {
        let item = &self.history.items[place];
        let others = (0..self.history.nodes.len()).filter(|node| *node != item.author && !self.nodes.contains(node));
        let held: Vec<(usize, Holding)> =
            others.filter_map(|node| Some((node, first(&item.spread, node, self.end)?))).collect();
        let Some((_, last)) = held.iter().max_by_key(|(_, holding)| holding.after).copied() else {
            return;
        };
        if self.nodes.is_empty() {
            return;
        }
        let names = self.nodes_named(held.iter().map(|(node, _)| *node));
        let text = format!(
            "{}  By now {names} {} {} too.",
            words::seconds(last.at_ms),
            if held.len() == 1 { "holds" } else { "hold" },
            quoted(self.history, item)
        );
        let messages = held.iter().filter_map(|(_, holding)| holding.message).collect();
        self.tell((last.at_ms, last.after), 3, text, Vec::new(), messages);
    }

    fn losses(&mut self, place: Place) {
        let history = self.history;
        let item = &history.items[place];
        let end = self.end;
        for gone in item.spread.iter().filter(|holding| !holding.held && holding.after <= end) {
            let node = history.node(gone.node);
            let text = format!(
                "{}  {node} comes up and no longer holds {}.",
                words::seconds(gone.at_ms),
                quoted(self.history, item)
            );
            let entries = self.entry_of(*gone).into_iter().collect();
            self.tell((gone.at_ms, gone.after), 0, text, entries, Vec::new());
        }
    }

    /// Why nodes never held it: what became of the messages that would have brought it.
    fn missing(&mut self, place: Place, nodes: &[usize]) {
        let mut alike: BTreeMap<String, (Vec<usize>, Vec<Place>)> = BTreeMap::new();
        for node in nodes {
            let (why, messages) = self.fates(place, *node);
            let (lack, all) = alike.entry(why).or_default();
            lack.push(*node);
            all.extend(messages);
        }
        for (why, (lack, messages)) in alike {
            let item = quoted(self.history, &self.history.items[place]);
            let never = if lack.len() == 1 { "never holds" } else { "never hold" };
            let end = words::seconds(self.failure.at_ms);
            let text = format!("{end}  Until the end {} {never} {item}: {why}.", self.nodes_named(lack));
            self.tell((self.failure.at_ms, self.end), 0, text, Vec::new(), messages);
        }
    }

    /// What became of the messages that would have brought an item to a node, in words.
    fn fates(&self, place: Place, node: usize) -> (String, Vec<Place>) {
        let messages = self.history.messages.iter().enumerate();
        let would: Vec<(Place, &Message)> =
            messages.filter(|(_, message)| message.to == node && message.carried.items.contains(&place)).collect();
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for (_, message) in &would {
            *counts.entry(ending(message)).or_default() += 1;
        }
        let told: Vec<String> = counts.into_iter().map(|(ending, count)| format!("{count} {ending}")).collect();
        let why = match told.len() {
            0 => self.silence(node),
            _ => format!("of the messages with it, {}", told.join(", ")),
        };
        (why, would.into_iter().map(|(place, _)| place).collect())
    }

    /// Why nothing was even sent.
    fn silence(&self, node: usize) -> String {
        let lost = self.history.messages.iter().filter(|message| {
            (message.to == node || message.from == node) && matches!(message.fate, Fate::Lost(Loss::Cut))
        });
        match lost.count() {
            0 => "no message carried it there".into(),
            lost => format!("no message carried it there, and {lost} to or from there were lost at a cut link"),
        }
    }
}

fn first(spread: &[Holding], node: usize, end: Place) -> Option<Holding> {
    spread.iter().find(|holding| holding.node == node && holding.held && holding.after <= end).copied()
}

fn ending(message: &Message) -> String {
    match message.fate {
        Fate::UnderWay => "still under way".into(),
        Fate::Arrived { .. } if message.corrupt => "arrived altered".into(),
        Fate::Arrived { .. } => "arrived and changed nothing".into(),
        Fate::Refused { reason, .. } => format!("refused ({})", reason.replace('_', " ")),
        Fate::Lost(Loss::Weather) => "lost on the way".into(),
        Fate::Lost(Loss::Cut) => "lost at a cut link".into(),
        Fate::Lost(Loss::Down) => "found nobody there".into(),
    }
}

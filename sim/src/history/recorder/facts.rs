//! Facts of the core, as entries: in words, with names for ids.

use symbolon_core::crdt::NodeId;
use symbolon_core::replica::Fact;

use super::Recorder;
use crate::history::{Fate, Kind, Place};

impl Recorder {
    /// A node noted something.
    pub fn fact(&mut self, node: usize, fact: &Fact) {
        let plain = |what: String| Kind::Noted { what, alarm: false };
        let alarm = |what: String| Kind::Noted { what, alarm: true };
        let kind = match fact {
            Fact::Booted { .. } => return,
            Fact::Changed { request, .. } => return self.changed(node, request),
            Fact::Merged { from, cells, deep } => {
                let from = self.place(*from);
                return self.merged(node, from, Kind::Merged { from, cells: *cells, deep: *deep });
            }
            Fact::PutOff { from } => {
                let from = self.history.node(self.place(*from));
                plain(format!("waits for records of authors whom {from} names"))
            }
            Fact::BrokenOff { from, parts, .. } => {
                let from = self.history.node(self.place(*from));
                plain(format!(
                    "a delta of {from} broke off after {parts} {}",
                    plural(*parts as usize, "part", "parts")
                ))
            }
            Fact::Learned { from, entries } => {
                let from = self.place(*from);
                return self.merged(node, from, Kind::Learned { from, entries: *entries });
            }
            Fact::Rejected { from, reason } => {
                self.refuse_arriving(reason.name());
                Kind::Refused { from: from.map(|from| self.place(from)), reason: reason.name() }
            }
            Fact::RoundFailed { with, reason } => {
                Kind::RoundFailed { with: self.place(*with), reason: reason.map(symbolon_core::fault::Reject::name) }
            }
            Fact::KeyStage { kid, stage } => return self.key_stage(node, kid, stage),
            Fact::RingKey { id, how } => {
                let place = self.names.of("wrapping key", id);
                let what = format!("{} is {how}", self.names.name(place));
                return self.entry_about(Some(node), plain(what), vec![place]);
            }
            Fact::Dropped { cells } => plain(format!("drop {cells} empty {}", plural(*cells, "cell", "cells"))),
            Fact::Diverged { with } => {
                alarm(format!("holds as much as {}, and yet not the same", self.history.node(self.place(*with))))
            }
            Fact::Restored { from, ops } => {
                let from = self.history.node(self.place(*from));
                let changes = if *ops == 1 { "a change" } else { &format!("{ops} changes") };
                plain(format!("{from} shows it {changes} of its own that its disk lost"))
            }
            Fact::Superseded { stops, .. } if *stops => alarm("a later life of this node exists; it gives up".into()),
            Fact::Superseded { .. } => plain("a later life of this node exists; it begins another".into()),
            Fact::Readiness { reasons } if reasons.is_empty() => plain("ready".into()),
            Fact::Readiness { reasons } => plain(format!("not ready: {}", reasons.join(", "))),
            Fact::StoreFailed { reason } => alarm(format!("the disk failed: {reason}")),
            Fact::Unsound => alarm("the disk does not hold what was written to it".into()),
        };
        self.entry(Some(node), kind);
    }

    fn place(&self, id: NodeId) -> usize {
        self.ids.iter().position(|known| *known == id).unwrap_or(usize::MAX)
    }

    fn changed(&mut self, node: usize, request: &'static str) {
        let fresh = std::mem::take(&mut self.fresh[node]);
        let (mine, others): (Vec<_>, Vec<_>) =
            fresh.into_iter().partition(|item| self.history.items[*item].author == node);
        self.fresh[node] = others;
        let step = mine.iter().find_map(|item| self.history.items[*item].step);
        let what = match step.and_then(|step| self.history.entries.get(step)).map(|entry| &entry.kind) {
            Some(Kind::Step { title, .. }) => title.clone(),
            _ => request.replace('_', " "),
        };
        let about = self.about(&mine);
        self.entry_about(Some(node), Kind::Changed { what, step }, about);
    }

    fn merged(&mut self, node: usize, from: usize, kind: Kind) {
        let brought = &self.brought[node];
        let messages = &self.history.messages;
        let revokes = matches!(kind, Kind::Learned { .. });
        let blind = self.opener.is_none();
        let of_peer = |item: &Place| {
            let mut messages = brought.get(item).into_iter().flatten().filter_map(|message| messages.get(*message));
            self.history.items[*item].is_revocation == revokes
                && (blind || messages.any(|message| message.from == from))
        };
        let (theirs, others): (Vec<_>, Vec<_>) = std::mem::take(&mut self.fresh[node]).into_iter().partition(of_peer);
        self.fresh[node] = others;
        let ops: Vec<Place> = theirs.iter().copied().filter(|item| !self.history.items[*item].is_record).collect();
        let about = self.about(if ops.is_empty() { &theirs } else { &ops });
        self.entry_about(Some(node), kind, about);
    }

    fn about(&self, items: &[Place]) -> Vec<Place> {
        let mut about: Vec<Place> =
            items.iter().flat_map(|item| self.history.items[*item].about.iter().copied()).collect();
        about.sort_unstable();
        about.dedup();
        about
    }

    fn refuse_arriving(&mut self, reason: &'static str) {
        let Some(message) = self.arriving.and_then(|message| self.history.messages.get_mut(message)) else {
            return;
        };
        if let Fate::Arrived { at_ms, after } = message.fate {
            message.fate = Fate::Refused { at_ms, after, reason };
        }
    }

    fn key_stage(&mut self, node: usize, kid: &str, stage: &str) {
        let place = self.own_key(node, kid);
        let name = self.names.name(place);
        let what = match stage {
            "upcoming" => format!("{name} is published"),
            "active" => format!("{name} signs from now on"),
            "retiring" => format!("{name} signs no more"),
            _ => format!("{name} is {stage}"),
        };
        self.entry_about(Some(node), Kind::Noted { what, alarm: false }, vec![place]);
    }

    /// The subject of a signing key of this node.
    pub(super) fn own_key(&mut self, node: usize, kid: &str) -> Place {
        if let Some(place) = self.names.known(kid) {
            return place;
        }
        self.keys[node] += 1;
        let name = format!("key k{} of {}", self.keys[node], self.history.node(node));
        self.names.bind(kid, &name)
    }
}

pub(super) fn plural<'a>(count: usize, one: &'a str, many: &'a str) -> &'a str {
    if count == 1 { one } else { many }
}

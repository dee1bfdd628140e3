//! Fills a history from what a world sees of its nodes: facts, rows, views, frames. It changes none of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use symbolon_core::crdt::{NodeId, ReplicaId};
use symbolon_core::replica::Row;
use symbolon_core::state::View;

use super::carried::Spreading;
use super::{Entry, Fate, History, Holding, Item, Kind, Loss, MOST, Message, Names, Opener, Place, Subject, names};
use crate::checks::Failure;
use crate::plan::Verb;

mod facts;
mod items;

/// A history that is being written.
pub struct Recorder {
    history: History,
    names: Names,
    opener: Option<Opener>,
    ids: Vec<NodeId>,
    now_ms: u64,
    /// The step whose doing this is.
    step: Option<Place>,
    /// The step that was asked of a node last.
    asked: Option<Place>,
    /// By node, the last step, and until when what is written there comes of it.
    lately: Vec<Option<(Place, u64)>>,
    patience_ms: u64,
    /// The message whose arrival this is.
    arriving: Option<Place>,
    known: BTreeMap<Spreading, Place>,
    letters: BTreeMap<[u8; 32], usize>,
    states: Arc<[Option<usize>]>,
    views: Vec<Option<Arc<View>>>,
    lives: Vec<usize>,
    /// By node, how many signing keys it was seen with.
    keys: Vec<usize>,
    /// By node and item, the messages that brought it, one of each sender, the last one last.
    brought: Vec<BTreeMap<Place, Vec<Place>>>,
    /// By node, what its last view brought, until a fact speaks of it.
    fresh: Vec<Vec<Place>>,
    cuts: u64,
}

impl Recorder {
    /// For nodes of these names and ids. Without an opener messages are told without what they carry.
    pub fn new(nodes: Vec<String>, ids: Vec<NodeId>, opener: Option<Opener>) -> Recorder {
        let count = nodes.len();
        let mut names = Names::default();
        for (id, name) in ids.iter().zip(&nodes) {
            names.replace(&format!("NodeId({id})"), name);
            names.replace(&id.to_string(), name);
        }
        Recorder {
            history: History { nodes, ..History::default() },
            names,
            opener,
            ids,
            now_ms: 0,
            step: None,
            asked: None,
            lately: vec![None; count],
            patience_ms: 0,
            arriving: None,
            known: BTreeMap::new(),
            letters: BTreeMap::new(),
            states: vec![None; count].into(),
            views: vec![None; count],
            lives: vec![0; count],
            keys: vec![0; count],
            brought: vec![BTreeMap::new(); count],
            fresh: vec![Vec::new(); count],
            cuts: 0,
        }
    }

    /// From now on it is this true time, and a new thing happens.
    pub fn at(&mut self, now_ms: u64) {
        self.now_ms = now_ms;
        self.step = None;
        self.arriving = None;
    }

    /// In a world where calls take their time, what a node writes so long after a step comes of it.
    pub fn be_patient(&mut self, patience_ms: u64) {
        self.patience_ms = patience_ms;
    }

    /// Gives a random id this name, or one like it if something else has it.
    pub fn name(&mut self, id: &str, name: &str) -> Subject {
        let place = self.names.bind(id, name);
        self.names.name(place).to_owned()
    }

    /// The name of a random id, if it has one.
    pub fn known(&self, id: &str) -> Option<Subject> {
        self.names.known(id).map(|place| self.names.name(place).to_owned())
    }

    /// A text with names for ids.
    pub fn translate(&self, text: &str) -> String {
        self.names.translate(text).0
    }

    /// Something happened.
    pub fn entry(&mut self, node: Option<usize>, kind: Kind) {
        self.entry_about(node, kind, Vec::new());
    }

    fn entry_about(&mut self, node: Option<usize>, kind: Kind, about: Vec<Place>) {
        if self.history.entries.len() == MOST {
            self.history.left_out += 1;
            return;
        }
        let states = self.states.clone();
        self.history.entries.push(Entry { at_ms: self.now_ms, node, kind, about, states });
    }

    /// A step of the plan is done, about these subjects. What is written until something else happens comes of it.
    pub fn step(&mut self, node: Option<usize>, verb: &Verb, about: &[String]) {
        let about = about.iter().map(|name| self.names.subject(name)).collect();
        let (title, fault, asked) = (verb.title(), verb.is_fault(), verb.is_asked());
        self.step = asked.then_some(self.history.entries.len());
        self.asked = self.step.or(self.asked);
        if let (Some(node), Some(step)) = (node, self.step) {
            self.lately[node] = Some((step, self.now_ms + self.patience_ms));
        }
        self.entry_about(node, Kind::Step { title, fault, asked }, about);
    }

    /// What the step under way asked for is done.
    pub fn went_well(&mut self, node: usize) {
        if let Some(what) = self.step.and_then(|step| self.title(step)).map(str::to_owned) {
            self.answer(node, what, &[]);
        }
    }

    /// Somebody looked at what came of something, about these subjects.
    pub fn answer(&mut self, node: usize, what: String, about: &[String]) {
        let about = about.iter().map(|name| self.names.subject(name)).collect();
        self.entry_about(Some(node), Kind::Answer { what, step: self.step.or(self.asked_lately(node)) }, about);
    }

    /// A process came up, with what its disk gave back.
    pub fn up(&mut self, node: usize, view: &Arc<View>, kept: bool) {
        let identity = &view.identity;
        let id = ReplicaId { node: identity.node, incarnation: identity.incarnation };
        self.lives[node] += 1;
        let name = match self.lives[node] {
            1 => self.history.node(node).to_owned(),
            life => format!("{}/life {life}", self.history.node(node)),
        };
        self.names.replace(&id.to_string(), &name);
        self.lose(node, view);
        self.views[node] = None;
        self.published(node, view);
        self.fresh[node].clear();
        self.entry(Some(node), Kind::Up { kept });
    }

    /// From now on a node has the identity of another one.
    pub fn impersonates(&mut self, node: usize, id: NodeId) {
        if let (Some(opener), Some(of)) = (&mut self.opener, self.ids.iter().position(|known| *known == id)) {
            opener.impersonates(node, of);
        }
        self.ids[node] = id;
    }

    /// A process ended, if there was one.
    pub fn down(&mut self, node: usize) {
        if self.states[node].is_none() {
            return;
        }
        self.put_state(node, None);
        self.entry(Some(node), Kind::Down);
    }

    fn put_state(&mut self, node: usize, state: Option<usize>) {
        if self.states[node] != state {
            Arc::make_mut(&mut self.states)[node] = state;
        }
    }

    /// A frame leaves.
    pub fn sent(&mut self, from: usize, to: usize, frame: &[u8], answers: Option<Place>) -> Place {
        let opened = self.opener.as_ref().map(|opener| opener.open(from, to, frame));
        let (mut carried, spreading) = opened.unwrap_or_default();
        carried.items = spreading.iter().filter_map(|one| self.known.get(one).copied()).collect();
        carried.items.sort_unstable();
        carried.items.dedup();
        self.message(Message {
            from,
            to,
            sent_ms: self.now_ms,
            sent_after: self.history.entries.len(),
            carried,
            answers,
            fate: Fate::UnderWay,
            corrupt: false,
            again: false,
        })
    }

    fn message(&mut self, message: Message) -> Place {
        if self.history.messages.len() == MOST {
            self.history.left_out += 1;
            return MOST;
        }
        self.history.messages.push(message);
        self.history.messages.len() - 1
    }

    /// A message is on its way once more, perhaps to another.
    pub fn again(&mut self, message: Place, to: usize) -> Place {
        let Some(first) = self.history.messages.get(message).cloned() else {
            return MOST;
        };
        let (sent_ms, sent_after) = (self.now_ms, self.history.entries.len());
        self.message(Message { to, sent_ms, sent_after, fate: Fate::UnderWay, again: true, ..first })
    }

    /// A byte of a message was altered.
    pub fn corrupt(&mut self, message: Place) {
        if let Some(message) = self.history.messages.get_mut(message) {
            message.corrupt = true;
        }
    }

    /// A message never arrives.
    pub fn lost(&mut self, message: Place, loss: Loss) {
        if let Some(message) = self.history.messages.get_mut(message) {
            message.fate = Fate::Lost(loss);
        }
    }

    /// A message arrives; what happens until something else does comes of it.
    pub fn arrived(&mut self, message: Place) {
        let (at_ms, after) = (self.now_ms, self.history.entries.len());
        let Some(arrived) = self.history.messages.get_mut(message) else {
            return;
        };
        arrived.fate = Fate::Arrived { at_ms, after };
        self.arriving = Some(message);
        if !arrived.corrupt {
            let (from, to, items) = (arrived.from, arrived.to, arrived.carried.items.clone());
            for item in items {
                let brought = self.brought[to].entry(item).or_default();
                brought.retain(|former| self.history.messages[*former].from != from);
                brought.push(message);
            }
        }
    }

    /// Links are cut, in both directions only where both are named. What ends them names this cut.
    pub fn cut(&mut self, node: Option<usize>, links: Vec<(usize, usize)>) -> u64 {
        self.cuts += 1;
        let cut = self.cuts;
        self.entry(node, Kind::Cut { cut, links });
        cut
    }

    /// A cut ends, or all do.
    pub fn mended(&mut self, cut: Option<u64>) {
        self.entry(None, Kind::Mended { cut });
    }

    /// The step that was asked last came to nothing, at last.
    pub fn at_last_in_vain(&mut self, why: &str) {
        self.step = self.asked;
        self.in_vain(why);
    }

    /// The step under way came to nothing.
    pub fn in_vain(&mut self, why: &str) {
        let Some((step, entry)) = self.step.and_then(|step| Some((step, self.history.entries.get(step)?))) else {
            return;
        };
        let again = |last: &Entry| matches!(&last.kind, Kind::Vain { step: known, .. } if *known == step);
        if self.history.entries.last().is_some_and(again) {
            return;
        }
        let (node, about) = (entry.node, entry.about.clone());
        let what = self.title(step).unwrap_or_default().to_owned();
        let why = self.translate(why);
        self.entry_about(node, Kind::Vain { what, why, step }, about);
    }

    fn title(&self, step: Place) -> Option<&str> {
        match &self.history.entries.get(step)?.kind {
            Kind::Step { title, .. } => Some(title),
            _ => None,
        }
    }

    /// Where a clock stands beside the true time.
    pub fn clock(&mut self, node: usize, offset_ms: i64, jumped: bool) {
        self.entry(Some(node), Kind::Clock { offset_ms, jumped });
    }

    /// Rows go to a node's disk: what is new among them is its own doing.
    pub fn wrote(&mut self, node: usize, rows: &[Row]) {
        self.step = self.step.or(self.asked_lately(node));
        items::wrote(self, node, rows);
    }

    /// The run ended with this failure.
    pub fn failed(&mut self, failure: &Failure) {
        self.now_ms = failure.at_ms;
        let (what, items) = self.names.name_items(&failure.what);
        let (what, mut about) = self.names.translate(&what);
        let what = names::without_ids(&what);
        about.extend(items.iter().flat_map(|item| self.history.items[*item].about.iter().copied()));
        self.history.failed = items;
        if about.is_empty() {
            about = self.under_way();
        }
        if about.is_empty() {
            self.history.failed = self.unspread();
        }
        self.entry_about(failure.node, Kind::Failed { check: failure.check, what }, about);
    }

    /// What the step is about that began at this very time, if one did.
    fn under_way(&self) -> Vec<Place> {
        let last = self.history.entries.iter().rfind(|entry| matches!(entry.kind, Kind::Step { fault: false, .. }));
        last.filter(|step| step.at_ms == self.now_ms).map_or(Vec::new(), |step| step.about.clone())
    }

    /// The last step at a node, where calls take their time.
    fn asked_lately(&self, node: usize) -> Option<Place> {
        self.lately[node].filter(|(_, until_ms)| self.now_ms < *until_ms).map(|(step, _)| step)
    }

    /// The items that some nodes hold and others that are up do not.
    fn unspread(&self) -> Vec<Place> {
        let here = self.history.entries.len();
        let up: Vec<usize> = (0..self.states.len()).filter(|node| self.states[*node].is_some()).collect();
        let holders = |item: &Item| up.iter().filter(|node| item.is_held(**node, here)).count();
        let partly = |item: &Item| !item.is_record && (1..up.len()).contains(&holders(item));
        (0..self.history.items.len()).filter(|place| partly(&self.history.items[*place])).collect()
    }

    /// The whole history.
    pub fn finish(mut self) -> History {
        self.history.subjects = self.names.into_subjects();
        self.history
    }

    fn hold(&mut self, node: usize, item: Place, held: bool) {
        let (at_ms, after) = (self.now_ms, self.history.entries.len());
        let message = self.brought[node].get(&item).and_then(|brought| brought.last()).copied().filter(|_| held);
        if let Some(item) = self.history.items.get_mut(item) {
            let message = message.filter(|_| item.author != node);
            item.spread.push(Holding { node, at_ms, after, message, held });
        }
    }
}

//! What spreads: ops, revocations and records, as they are made, come to be held, and are lost with a disk.

use std::sync::Arc;

use symbolon_core::crdt::Dot;
use symbolon_core::replica::{Row, Table};
use symbolon_core::state::{Body, Collection, Key, KeyStage, NodeRecord, RevokedId, Standing, Value, View};
use symbolon_core::wire::row;

use super::Recorder;
use crate::history::carried::Spreading;
use crate::history::{Item, Kind, Place, names};
use crate::model::batch;

pub(super) fn wrote(recorder: &mut Recorder, node: usize, rows: &[Row]) {
    let id = recorder.ids[node];
    for (key, cell) in batch::cells(rows) {
        for op in cell.ops().iter().filter(|op| op.dot.replica.node == id) {
            let about = recorder.cell_subject(&key);
            if !recorder.known.contains_key(&Spreading::Op(op.dot)) {
                let what = recorder.done(|name| deed(name, op.value.as_ref()), about);
                recorder.make(node, Spreading::Op(op.dot), what, vec![about]);
            }
        }
    }
    for row in rows.iter().filter(|row| row.table == Table::Expiring && row.value.is_some()) {
        if let Ok(id) = row::read_revoked_key(&row.key)
            && !recorder.known.contains_key(&Spreading::Revoked(id))
        {
            let about = recorder.revoked_subject(id);
            let what = recorder.done(|name| format!("revoke {name}"), about);
            recorder.make(node, Spreading::Revoked(id), what, vec![about]);
        }
    }
    for row in rows.iter().filter(|row| row.table == Table::Records) {
        let record = row.value.as_deref().and_then(|value| row::read_record(value).ok());
        if let Some(record) = record.filter(|record| record.node == id) {
            recorder.wrote_record(node, &record);
        }
    }
}

impl Recorder {
    /// A node publishes a view.
    pub fn published(&mut self, node: usize, view: &Arc<View>) {
        let before = self.views[node].replace(view.clone());
        let empty = symbolon_core::crdt::VersionVector::new();
        let held = before.as_ref().map_or(&empty, |before| before.cells.vector());
        let mut gained = Vec::new();
        for (replica, seq) in view.cells.vector().changes_since(held) {
            let dots = (held.get(replica) + 1..=seq).map(|seq| Spreading::Op(Dot { replica, seq }));
            gained.extend(dots.filter_map(|dot| self.known.get(&dot).copied()));
        }
        let revoked = view.revoked.iter().map(|(_, id)| *id);
        let news = revoked.filter(|id| before.as_ref().is_none_or(|before| !before.revoked.contains(id)));
        gained.extend(news.filter_map(|id| self.known.get(&Spreading::Revoked(id)).copied()));
        for record in view.nodes.values() {
            let version = before.as_ref().and_then(|before| Some(before.nodes.get(&record.node)?.version));
            if version != Some(record.version) {
                gained.extend(self.known.get(&Spreading::Record(record.node, record.version)).copied());
            }
        }
        for item in gained {
            if !self.history.items[item].is_held(node, self.history.entries.len()) {
                self.hold(node, item, true);
                self.fresh[node].push(item);
            }
        }
        let state = self.letter(view);
        self.put_state(node, Some(state));
    }

    /// The number of a state: what is held, by whom it was made, and what is revoked.
    fn letter(&mut self, view: &View) -> usize {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&view.cells.root().0);
        for (replica, seq) in view.cells.vector().iter() {
            hasher.update(&replica.node.0);
            hasher.update(&replica.incarnation.0.to_le_bytes());
            hasher.update(&seq.to_le_bytes());
        }
        for (_, id) in view.revoked.iter() {
            let (RevokedId::Token(id) | RevokedId::Session(id)) = id;
            hasher.update(id);
        }
        let next = self.letters.len();
        *self.letters.entry(*hasher.finalize().as_bytes()).or_insert(next)
    }

    /// What a node held, and its disk did not give back.
    pub(super) fn lose(&mut self, node: usize, view: &View) {
        let here = self.history.entries.len();
        let holds = |one: &Spreading| match one {
            Spreading::Op(dot) => view.cells.vector().knows(*dot),
            Spreading::Revoked(id) => view.revoked.contains(id),
            Spreading::Record(node, version) => view.nodes.get(node).is_some_and(|record| record.version >= *version),
        };
        let gone =
            self.known.iter().filter(|(one, item)| self.history.items[**item].is_held(node, here) && !holds(one));
        let gone: Vec<Place> = gone.map(|(_, item)| *item).collect();
        gone.into_iter().for_each(|item| self.hold(node, item, false));
    }

    /// Somebody claims a change in the hand of a node, which does not know of it.
    pub fn lied(&mut self, node: usize, dot: Dot, key: &Key) {
        if !self.known.contains_key(&Spreading::Op(dot)) {
            let about = self.cell_subject(key);
            let what = format!("lie about {}", self.names.name(about));
            self.make(node, Spreading::Op(dot), what, vec![about]);
        }
    }

    fn make(&mut self, author: usize, name: Spreading, what: String, about: Vec<Place>) {
        let is_record = matches!(name, Spreading::Record(..));
        let is_revocation = matches!(name, Spreading::Revoked(_));
        let (at_ms, step) = (self.now_ms, self.step);
        let place = self.history.items.len();
        if let Spreading::Op(dot) = name {
            self.names.item(dot.to_string(), place, format!("“{what}” of {}", self.history.node(author)));
        }
        self.known.insert(name, place);
        self.history.items.push(Item {
            author,
            at_ms,
            step,
            what,
            is_record,
            is_revocation,
            about,
            spread: Vec::new(),
        });
    }

    /// As the step says that it comes of, or as it is found.
    fn done(&self, found: impl FnOnce(&str) -> String, about: Place) -> String {
        match self.step.and_then(|step| self.history.entries.get(step)).map(|entry| &entry.kind) {
            Some(Kind::Step { title, .. }) => title.clone(),
            _ => found(self.names.name(about)),
        }
    }

    /// The subject of the step under way that is of this kind.
    fn step_subject(&self, kind: &str) -> Option<String> {
        let entry = self.history.entries.get(self.step?)?;
        entry.about.iter().map(|place| self.names.name(*place)).find(|name| name.starts_with(kind)).map(str::to_owned)
    }

    fn cell_subject(&mut self, key: &Key) -> Place {
        match key.collection {
            Collection::CLIENT | Collection::CLIENT_SECRET | Collection::CLIENT_STANDING => {
                self.subject_of("client", &key.id)
            }
            Collection::SCOPE => self.names.bind(&format!("scopes/{}", key.id), &format!("scope {}", key.id)),
            Collection::SESSION_CUTOFF => {
                self.names.bind(&format!("session_cutoffs/{}", key.id), &format!("user {}", key.id))
            }
            Collection::RING_KEY => self.names.of("wrapping key", &key.id),
            Collection::KEY_STANDING => self.names.of("key", &key.id),
            Collection(_) => self.names.of("cell", &key.id),
        }
    }

    fn revoked_subject(&mut self, id: RevokedId) -> Place {
        let kind = match id {
            RevokedId::Token(_) => "token",
            RevokedId::Session(_) => "session",
        };
        self.subject_of(kind, &format!("{id:?}"))
    }

    /// A new id takes the name that the step under way speaks of.
    fn subject_of(&mut self, kind: &str, id: &str) -> Place {
        match (self.names.known(id), self.step_subject(kind)) {
            (None, Some(name)) => self.names.bind(id, &name),
            _ => self.names.of(kind, id),
        }
    }

    fn wrote_record(&mut self, node: usize, record: &NodeRecord) {
        let name = Spreading::Record(record.node, record.version);
        if self.known.contains_key(&name) {
            return;
        }
        let keys: Vec<(Place, KeyStage)> =
            record.token_keys.iter().map(|key| (self.own_key(node, &key.kid), key.stage)).collect();
        let told: Vec<String> = keys
            .iter()
            .map(|(place, stage)| format!("{} {}", self.names.name(*place), names::stage(*stage)))
            .collect();
        let what = match told.len() {
            0 => "publish a record without keys".to_owned(),
            _ => format!("publish a record with {}", told.join(", ")),
        };
        self.make(node, name, what, keys.into_iter().map(|(place, _)| place).collect());
    }
}

fn deed(name: &str, value: Option<&Value>) -> String {
    match value.map(Value::body) {
        Some(Body::Standing(Standing::Denied)) => format!("deny {name}"),
        Some(_) => format!("write {name}"),
        None => format!("remove {name}"),
    }
}

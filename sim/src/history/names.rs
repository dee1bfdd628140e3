//! Names for people: a client's id, a key's thumbprint or a token's `jti` becomes what the plan calls it, or a number in the
//! order of appearance. Nothing random is ever shown.

use std::collections::BTreeMap;

use symbolon_core::state::{Collection, Key, KeyStage};

use super::Place;

/// What something is about, as the plan names it: `client shop`, `token t1`, `key k1 of n2`.
pub type Subject = String;

/// What a cell is about, in words; where its id has a name, [`Names::translate`] puts it.
pub fn cell(key: &Key) -> String {
    let id = &key.id;
    match key.collection {
        Collection::CLIENT => format!("the profile of {id}"),
        Collection::CLIENT_SECRET => format!("the secret of {id}"),
        Collection::CLIENT_STANDING => format!("the standing of {id}"),
        Collection::SCOPE => format!("scope {id}"),
        Collection::RING_KEY => id.to_string(),
        Collection::SESSION_CUTOFF => format!("the end of all sessions of user {id}"),
        Collection::KEY_STANDING => format!("the standing of {id}"),
        Collection(_) => format!("cell {id}"),
    }
}

/// The stage of a signing key.
pub fn stage(stage: KeyStage) -> &'static str {
    match stage {
        KeyStage::Upcoming => "upcoming",
        KeyStage::Active => "active",
        KeyStage::Retiring(_) => "retiring",
    }
}

/// A text in which what was revoked and has no name is called what it is.
pub fn without_ids(text: &str) -> String {
    let mut told = text.to_owned();
    for (id, kind) in [("Token([", "a token"), ("Session([", "a session")] {
        while let Some(begin) = told.find(id)
            && let Some(len) = told[begin..].find("])")
        {
            told.replace_range(begin..begin + len + 2, kind);
        }
    }
    told
}

/// The names of one run.
#[derive(Clone, Debug, Default)]
pub struct Names {
    subjects: Vec<Subject>,
    places: BTreeMap<Subject, Place>,
    ids: BTreeMap<String, Place>,
    /// Texts that stand for nodes, the latest first.
    texts: Vec<(String, String)>,
    /// Texts that stand for items, and these.
    items: BTreeMap<String, (Place, String)>,
}

impl Names {
    /// The place of a subject, new or known.
    pub fn subject(&mut self, name: &str) -> Place {
        if let Some(place) = self.places.get(name) {
            return *place;
        }
        let place = self.subjects.len();
        self.subjects.push(name.to_owned());
        self.places.insert(name.to_owned(), place);
        place
    }

    /// Where this text stands, that one is meant.
    pub fn replace(&mut self, text: &str, by: &str) {
        self.texts.insert(0, (text.to_owned(), by.to_owned()));
    }

    /// This text means that item, which is called so.
    pub fn item(&mut self, text: String, item: Place, by: String) {
        self.items.insert(text, (item, by));
    }

    /// A text with the names of items in it, and which they are.
    pub fn name_items(&self, text: &str) -> (String, Vec<Place>) {
        let mut told = text.to_owned();
        let mut found = Vec::new();
        for (name, (item, by)) in &self.items {
            let mut from = 0;
            while let Some(at) = told[from..].find(name.as_str()).map(|at| from + at) {
                let end = at + name.len();
                if told[end..].starts_with(|next: char| next.is_ascii_digit()) {
                    from = end;
                    continue;
                }
                told.replace_range(at..end, by);
                from = at + by.len();
                found.push(*item);
            }
        }
        (told, found)
    }

    /// Gives a random id a name; a second thing of the same name gets a number.
    pub fn bind(&mut self, id: &str, name: &str) -> Place {
        if let Some(place) = self.ids.get(id) {
            return *place;
        }
        let taken = |places: &BTreeMap<Subject, Place>, ids: &BTreeMap<String, Place>, name: &str| {
            places.get(name).is_some_and(|place| ids.values().any(|bound| bound == place))
        };
        let mut whole = name.to_owned();
        let mut count = 2;
        while taken(&self.places, &self.ids, &whole) {
            whole = format!("{name}#{count}");
            count += 1;
        }
        let place = self.subject(&whole);
        self.ids.insert(id.to_owned(), place);
        place
    }

    /// The subject of a random id; a stranger becomes one of its kind, numbered.
    pub fn of(&mut self, kind: &str, id: &str) -> Place {
        match self.ids.get(id) {
            Some(place) => *place,
            None => {
                let count = self.subjects.iter().filter(|name| name.starts_with(kind)).count() + 1;
                self.bind(id, &format!("{kind} {count}"))
            }
        }
    }

    /// The subject of a random id, if it has one.
    pub fn known(&self, id: &str) -> Option<Place> {
        self.ids.get(id).copied()
    }

    /// The name at a place.
    pub fn name(&self, place: Place) -> &str {
        self.subjects.get(place).map_or("?", String::as_str)
    }

    /// A text with names for ids, and which subjects it names, in the order of their places.
    pub fn translate(&self, text: &str) -> (String, Vec<Place>) {
        let mut told = self.texts.iter().fold(text.to_owned(), |told, (text, by)| told.replace(text, by));
        let mut about = Vec::new();
        for (id, place) in &self.ids {
            if told.contains(id.as_str()) {
                told = told.replace(id.as_str(), self.name(*place));
                about.push(*place);
            }
        }
        let named = |name: &str| {
            told.match_indices(name).any(|(at, found)| {
                let next = told[at + found.len()..].chars().next();
                !next.is_some_and(|next| next.is_alphanumeric() || next == '#')
            })
        };
        about.extend((0..self.subjects.len()).filter(|place| named(self.name(*place))));
        about.sort_unstable();
        about.dedup();
        (told, about)
    }

    /// All subjects, by place.
    pub fn into_subjects(self) -> Vec<Subject> {
        self.subjects
    }
}

//! From text to settings. Every problem is found in one reading, each with its place and what would be right.

use std::ops::Range;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::options::{Given, Kind, OPTIONS, find};
use super::{Place, Problem, Settings};

/// Environment variables of this prefix are ours.
pub const PREFIX: &str = "SYMBOLON_";
/// A key further away than this is no suggestion.
const MIN_LIKENESS: f64 = 0.75;
/// Bytes of a configuration file.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// Reads the file and these environment variables.
pub fn read(path: &Path, environment: impl IntoIterator<Item = (String, String)>) -> Result<Settings, Vec<Problem>> {
    let cannot = |message: String| {
        vec![Problem { place: Place::File { path: path.to_owned(), line: None }, key: None, message }]
    };
    let length = std::fs::metadata(path).map_err(|e| cannot(format!("cannot be read: {e}")))?.len();
    if length > MAX_FILE_BYTES {
        return Err(cannot(format!("is longer than {MAX_FILE_BYTES} bytes")));
    }
    let text = std::fs::read_to_string(path).map_err(|e| cannot(format!("cannot be read: {e}")))?;
    parse(path, &text, environment)
}

/// Settings from the text of a file at `path` and from environment variables, which win.
pub fn parse(
    path: &Path,
    text: &str,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<Settings, Vec<Problem>> {
    let mut reader = Reader { path, text, problems: Vec::new(), given: Vec::new(), settings: Settings::blank() };
    reader.defaults();
    reader.file();
    for (variable, value) in environment {
        reader.variable(variable, &value);
    }
    reader.finish()
}

struct Reader<'a> {
    path: &'a Path,
    text: &'a str,
    problems: Vec<Problem>,
    /// Where each key was given, the last place that counts.
    given: Vec<(&'static str, Place)>,
    settings: Settings,
}

impl Reader<'_> {
    fn defaults(&mut self) {
        for option in OPTIONS {
            let Some(default) = option.default else { continue };
            option
                .kind
                .parse(default)
                .and_then(|given| (option.set)(&mut self.settings, given))
                .expect("the default of an option is right");
        }
    }

    fn file(&mut self) {
        match DeTable::parse(self.text) {
            Ok(table) => table.get_ref().iter().for_each(|(name, value)| self.section(name, value)),
            Err(error) => {
                let place = self.at(error.span().unwrap_or_default());
                self.problems.push(Problem { place, key: None, message: error.message().to_owned() });
            }
        }
    }

    fn section(&mut self, name: &Spanned<std::borrow::Cow<'_, str>>, value: &Spanned<DeValue<'_>>) {
        let section = name.get_ref();
        let known = OPTIONS.iter().any(|option| option.key.split_once('.').is_some_and(|(s, _)| s == section));
        match value.get_ref() {
            DeValue::Table(table) if known => {
                for (key, value) in table {
                    self.entry(format!("{section}.{}", key.get_ref()), key.span(), value);
                }
            }
            _ => {
                let place = self.at(name.span());
                self.problem(place, section, unknown(section));
            }
        }
    }

    fn entry(&mut self, key: String, span: Range<usize>, value: &Spanned<DeValue<'_>>) {
        let place = self.at(span);
        let Some(option) = find(&key) else { return self.problem(place, &key, unknown(&key)) };
        let checked = given(option.kind, value.get_ref()).and_then(|given| (option.set)(&mut self.settings, given));
        match checked {
            Ok(()) => self.given.push((option.key, place)),
            Err(message) => self.problem(place, &key, message),
        }
    }

    fn variable(&mut self, variable: String, value: &str) {
        let Some((section, key)) = variable.strip_prefix(PREFIX).and_then(|rest| rest.split_once("__")) else {
            return;
        };
        let key = format!("{section}.{key}").to_lowercase();
        let place = Place::Environment { variable };
        let Some(option) = find(&key) else { return self.problem(place, &key, unknown(&key)) };
        match option.kind.parse(value).and_then(|given| (option.set)(&mut self.settings, given)) {
            Ok(()) => self.given.push((option.key, place)),
            Err(message) => self.problem(place, &key, message),
        }
    }

    fn finish(mut self) -> Result<Settings, Vec<Problem>> {
        if self.problems.is_empty() {
            for (key, message) in self.settings.contradictions() {
                let place = self.given.iter().rev().find(|(given, _)| *given == key).map(|(_, place)| place.clone());
                let place = place.unwrap_or(Place::File { path: self.path.to_owned(), line: None });
                self.problem(place, key, message);
            }
        }
        if !self.problems.is_empty() {
            return Err(self.problems);
        }
        self.settings.rebase(self.path.parent().unwrap_or(Path::new("")));
        Ok(self.settings)
    }

    fn problem(&mut self, place: Place, key: &str, message: String) {
        self.problems.push(Problem { place, key: Some(key.to_owned()), message });
    }

    fn at(&self, span: Range<usize>) -> Place {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        Place::File { path: self.path.to_owned(), line: Some(line) }
    }
}

fn given(kind: Kind, value: &DeValue<'_>) -> Result<Given, String> {
    match value {
        DeValue::String(text) => kind.check(Given::Text(text.to_string())),
        DeValue::Boolean(flag) => kind.check(Given::Flag(*flag)),
        DeValue::Integer(digits) => u64::from_str_radix(digits.as_str(), digits.radix())
            .map_err(|_| kind.expected(digits.as_str()))
            .and_then(|number| kind.check(Given::Number(number))),
        DeValue::Array(items) => {
            let texts: Option<Vec<String>> =
                items.iter().map(|item| item.get_ref().as_str().map(str::to_owned)).collect();
            kind.check(Given::List(texts.ok_or_else(|| kind.expected("an array of something else"))?))
        }
        DeValue::Float(_) | DeValue::Datetime(_) | DeValue::Table(_) => {
            Err(kind.expected(format!("a {}", value.type_str())))
        }
    }
}

fn unknown(key: &str) -> String {
    let sections = OPTIONS.iter().filter_map(|option| option.key.split_once('.')).map(|(section, _)| section);
    let keys = OPTIONS.iter().map(|option| option.key);
    let candidates: Vec<&str> = if key.contains('.') { keys.collect() } else { sections.chain(keys).collect() };
    let likeness = |candidate: &str| {
        let whole = strsim::jaro_winkler(key, candidate);
        let last = |key: &str| key.rsplit('.').next().unwrap_or_default().to_owned();
        let tail = if last(key) == last(candidate) { 1.0 } else { 0.0 };
        f64::max(whole, tail)
    };
    let nearest = candidates.into_iter().map(|candidate| (likeness(candidate), candidate));
    match nearest.max_by(|a, b| a.0.total_cmp(&b.0)).filter(|(likeness, _)| *likeness >= MIN_LIKENESS) {
        Some((_, candidate)) => format!("unknown key; did you mean {candidate}?"),
        None => "unknown key; `symbolon config docs` lists all of them".to_owned(),
    }
}

//! From TOML to a plan. Each error names the file, the line and the column; nothing unknown is passed over.

use std::fmt;
use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue, Error, ValueDeserializer};

use super::{Act, Expect, MAX_ACTS, On, Plan, Span, Step, VERSION, Verb, What};

/// Why a plan cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanError {
    /// The file, as it was named.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong, and what would be right.
    pub problem: String,
}

/// What is wrong, at which byte.
struct Broken {
    offset: usize,
    problem: String,
}

/// Everything of a step but its verb.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StepHead {
    #[serde(default)]
    scene: Option<String>,
    #[serde(default)]
    at: Option<Span>,
    #[serde(default)]
    on: On,
    #[serde(default)]
    refused: bool,
}

/// Reads the text; names are checked by [`super::check`].
pub(super) fn read(file: &str, text: &str) -> Result<Plan, PlanError> {
    plan(text).map_err(|broken| PlanError {
        file: file.into(),
        line: line_of(text, broken.offset),
        problem: broken.problem,
    })
}

/// The line of a byte offset, from 1.
fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

fn plan(text: &str) -> Result<Plan, Broken> {
    let document = DeTable::parse(text)?;
    let whole = document.span();
    let mut table = document.into_inner();
    version(&table)?;
    let steps = tables(&mut table, "step")?;
    let expects = tables(&mut table, "expect")?;
    let mut plan = head(Spanned::new(whole, table))?;
    let mut acts = Vec::with_capacity(steps.len() + expects.len());
    for step in steps {
        let (start, line) = (step.span().start, line_of(text, step.span().start));
        let (scene, step) = read_step(step)?;
        acts.push((start, Act { line, scene, what: What::Step(step) }));
    }
    for expect in expects {
        let (start, line) = (expect.span().start, line_of(text, expect.span().start));
        let mut expect: Expect = from_table(expect)?;
        acts.push((start, Act { line, scene: expect.scene.take(), what: What::Expect(expect) }));
    }
    if acts.len() > MAX_ACTS {
        return Err(Broken { offset: acts[MAX_ACTS].0, problem: format!("a plan has at most {MAX_ACTS} acts") });
    }
    acts.sort_by_key(|(start, _)| *start);
    plan.story = plan.story.trim().into();
    plan.acts = acts.into_iter().map(|(_, act)| act).collect();
    Ok(plan)
}

/// Everything of a plan but its acts. Whoever mistypes their names is told these, too.
fn head(table: Spanned<DeTable<'_>>) -> Result<Plan, Broken> {
    let keys: Vec<usize> = table.get_ref().keys().map(|key| key.span().start).collect();
    from_table(table).map_err(|mut broken| {
        if broken.problem.starts_with("unknown field") && keys.contains(&broken.offset) {
            broken.problem.push_str(", `step`, `expect`");
        }
        broken
    })
}

/// A later version may mean anything, so it is looked at before all else.
fn version(table: &DeTable<'_>) -> Result<(), Broken> {
    let Some(version) = table.get("version") else { return Ok(()) };
    match version.get_ref() {
        DeValue::Integer(number) if number.as_str() == VERSION.to_string() => Ok(()),
        other => {
            let found = match other {
                DeValue::Integer(number) => number.as_str().to_owned(),
                _ => "something that is no number".into(),
            };
            let problem = format!("version {found} of the language is not known here; this build reads {VERSION}");
            Err(at(version.span(), problem))
        }
    }
}

/// Takes `[[key]]` out of the table.
fn tables<'i>(table: &mut DeTable<'i>, key: &str) -> Result<Vec<Spanned<DeTable<'i>>>, Broken> {
    let Some(found) = table.remove(key) else { return Ok(Vec::new()) };
    let wrong = |span| at(span, format!("`{key}` is a list of tables: write [[{key}]]"));
    let span = found.span();
    let DeValue::Array(items) = found.into_inner() else { return Err(wrong(span)) };
    items
        .into_iter()
        .map(|item| {
            let span = item.span();
            match item.into_inner() {
                DeValue::Table(table) => Ok(Spanned::new(span, table)),
                _ => Err(wrong(span)),
            }
        })
        .collect()
}

fn read_step(step: Spanned<DeTable<'_>>) -> Result<(Option<String>, Step), Broken> {
    let span = step.span();
    let mut table = step.into_inner();
    let Some(verb) = table.remove("do") else {
        return Err(at(span, "a step needs `do`, such as do = { create-client = \"shop\" }".into()));
    };
    let head: StepHead = from_table(Spanned::new(span, table))?;
    let span = verb.span();
    let DeValue::Table(verb) = verb.into_inner() else {
        return Err(at(span, "`do` is a table, such as do = { create-client = \"shop\" }".into()));
    };
    let mut keys = verb.keys().filter_map(|key| Verb::KEYS.iter().find(|known| *known == key.get_ref()).copied());
    let Some(key) = keys.next() else {
        return Err(at(span, format!("no verb here; verbs are {}", Verb::KEYS.join(", "))));
    };
    if let Some(second) = keys.next() {
        return Err(at(span, format!("one step does one thing, here are `{key}` and `{second}`")));
    }
    drop(keys);
    let verb = Verb::read(key, deserializer(Spanned::new(span, verb)))?;
    Ok((head.scene, Step { at: head.at, on: head.on, refused: head.refused, verb }))
}

fn deserializer(table: Spanned<DeTable<'_>>) -> ValueDeserializer<'_> {
    let span = table.span();
    ValueDeserializer::from(Spanned::new(span, DeValue::Table(table.into_inner())))
}

fn from_table<'de, T: Deserialize<'de>>(table: Spanned<DeTable<'de>>) -> Result<T, Broken> {
    Ok(T::deserialize(deserializer(table))?)
}

fn at(span: Range<usize>, problem: String) -> Broken {
    Broken { offset: span.start, problem }
}

impl From<Error> for Broken {
    fn from(error: Error) -> Broken {
        let problem = error.message().lines().next().unwrap_or_default().into();
        Broken { offset: error.span().map_or(0, |span| span.start), problem }
    }
}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.problem)
    }
}

impl std::error::Error for PlanError {}

//! One figure, what it is compared with, and the table for people.

use serde::Serialize;

/// Something measured.
#[derive(Clone, Debug, Serialize)]
pub struct Figure {
    /// Its stable name.
    pub name: String,
    /// How much.
    pub value: f64,
    /// Of what.
    pub unit: &'static str,
    /// What it is compared with, measured in the same run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ceiling: Option<Ceiling>,
    /// The value by that of the ceiling.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ratio: Option<f64>,
    /// What it should be.
    #[serde(skip)]
    pub wanted: Option<Wanted>,
}

/// A value of the same kind, of something simpler.
#[derive(Clone, Debug, Serialize)]
pub struct Ceiling {
    /// Its stable name.
    pub name: String,
    /// How much.
    pub value: f64,
}

/// A bound on the ratio, where there is a ceiling, and else on the value.
#[derive(Clone, Copy, Debug)]
pub enum Wanted {
    /// Not less.
    AtLeast(f64),
    /// Not more.
    AtMost(f64),
}

impl Figure {
    /// A figure on its own.
    pub fn new(name: impl Into<String>, value: f64, unit: &'static str) -> Figure {
        Figure { name: name.into(), value, unit, ceiling: None, ratio: None, wanted: None }
    }

    /// Compared with this.
    pub fn under(mut self, name: impl Into<String>, value: f64) -> Figure {
        self.ratio = (value > 0.0).then(|| self.value / value);
        self.ceiling = Some(Ceiling { name: name.into(), value });
        self
    }

    /// With a bound.
    pub fn wanted(mut self, wanted: Wanted) -> Figure {
        self.wanted = Some(wanted);
        self
    }

    fn verdict(&self) -> String {
        let measured = if self.ceiling.is_some() { self.ratio } else { Some(self.value) };
        match (self.wanted, measured) {
            (Some(Wanted::AtLeast(bound)), Some(measured)) => format!("{} ≥ {bound}", mark(measured >= bound)),
            (Some(Wanted::AtMost(bound)), Some(measured)) => format!("{} ≤ {bound}", mark(measured <= bound)),
            (Some(_) | None, _) => String::new(),
        }
    }
}

fn mark(good: bool) -> char {
    if good { '✓' } else { '✗' }
}

/// The table.
pub fn print(figures: &[Figure]) {
    let width = figures.iter().map(|figure| figure.name.len()).max().unwrap_or_default().max(8);
    println!("\n{:<width$}  {:>12} {:<6} {:>12}  {:>6}  wanted", "figure", "value", "unit", "bare", "ratio");
    for figure in figures {
        let bare = figure.ceiling.as_ref().map(|ceiling| number(ceiling.value)).unwrap_or_default();
        let ratio = figure.ratio.map(|ratio| format!("{ratio:.2}")).unwrap_or_default();
        let (value, unit) = (number(figure.value), figure.unit);
        let line =
            format!("{:<width$}  {value:>12} {unit:<6} {bare:>12}  {ratio:>6}  {}", figure.name, figure.verdict());
        println!("{}", line.trim_end());
    }
}

fn number(value: f64) -> String {
    match value.abs() {
        small if small < 10.0 => format!("{value:.2}"),
        medium if medium < 1000.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

//! From a plan to TOML, in the order of its acts. What is written is read back as the same plan.

use std::fmt::Write as _;

use serde::Serialize;
use toml::ser::ValueSerializer;

use super::{Act, On, Plan, What};

/// The whole file.
pub(super) fn write(plan: &Plan) -> String {
    let mut text = toml::to_string_pretty(plan).expect("a plan is made of strings, numbers and tables");
    for act in &plan.acts {
        text.push('\n');
        // Writing to a string cannot fail.
        let _ = write_act(&mut text, act);
    }
    text
}

fn write_act(text: &mut String, act: &Act) -> std::fmt::Result {
    let key = if matches!(act.what, What::Step(_)) { "step" } else { "expect" };
    writeln!(text, "[[{key}]]")?;
    if let Some(scene) = &act.scene {
        writeln!(text, "scene = {}", inline(scene))?;
    }
    match &act.what {
        What::Step(step) => {
            if let Some(at) = step.at {
                writeln!(text, "at = {}", inline(&at))?;
            }
            if step.on != On::default() {
                writeln!(text, "on = {}", inline(&step.on))?;
            }
            if step.refused {
                writeln!(text, "refused = true")?;
            }
            writeln!(text, "do = {}", inline(&step.verb))
        }
        What::Expect(expect) => {
            let table = toml::Table::try_from(expect).expect("an expectation is a table");
            table.iter().try_for_each(|(key, value)| writeln!(text, "{key} = {}", inline(value)))
        }
    }
}

/// A value on one line, its keys in the order of the type.
fn inline(value: &impl Serialize) -> String {
    let mut text = String::new();
    value.serialize(ValueSerializer::new(&mut text)).expect("plans are made of strings, numbers and tables");
    text
}

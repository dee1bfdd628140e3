//! What is said of a plan before its run is told: how to run it again, its story, its weather. It runs nothing.

use crate::plan::Plan;

/// The weather of a plan, a line each.
pub fn weather(plan: &Plan) -> Vec<String> {
    let mut lines = vec![plan.weather.words()];
    let clocks: Vec<String> =
        plan.clocks.iter().map(|(node, clock)| format!("{node} {} {:+} ppm", clock.offset, clock.ppm)).collect();
    if !clocks.is_empty() {
        lines.push(format!("clocks: {}", clocks.join(", ")));
    }
    if !plan.heals.is_empty() {
        lines.push(format!("only {} heal", plan.heals.join(" ")));
    }
    lines
}

/// The steps of a plan, a line each.
pub fn steps(plan: &Plan) -> impl Iterator<Item = String> + '_ {
    plan.steps().map(|step| {
        let at = step.at.unwrap_or_default();
        format!("{at:>8}  {:<4} {}", step.on.label(), step.verb.title())
    })
}

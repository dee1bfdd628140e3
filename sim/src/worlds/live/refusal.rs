//! What a plan may ask of this world, and what it may not because here nothing is faked. It looks at plans only.

use super::disk::MOST_SLOW;
use crate::plan::{Plan, Range, Start, Verb, Weather, What};
use crate::worlds::Cannot;

/// What of a plan this world cannot do, if anything. A step of a plan that forgives is passed over
/// instead, when its turn comes.
pub fn cannot(plan: &Plan) -> Option<Cannot> {
    if plan.start == Start::Acquainted {
        let problem = "`start = \"acquainted\"`: real nodes are pinned by operators; run this plan in another world";
        return Some(Cannot { line: 1, problem: problem.into() });
    }
    if !plan.clocks.is_empty() {
        return Some(Cannot { line: 1, problem: format!("`clocks`: {CLOCKS}") });
    }
    if plan.forgiving {
        return None;
    }
    plan.acts.iter().find_map(|act| match &act.what {
        What::Step(step) => of_verb(&step.verb).map(|problem| Cannot { line: act.line, problem }),
        What::Expect(_) => None,
    })
}

const CLOCKS: &str = "real processes have the clock of this machine; run this plan in another world";

/// Why this verb cannot be done here, if so.
pub(super) fn of_verb(verb: &Verb) -> Option<String> {
    match verb {
        Verb::StepClock(_) | Verb::FreezeClock(_) => {
            Some(format!("`{}` cannot be done in the live world: {CLOCKS}", verb.key()))
        }
        hostile if hostile.is_hostile() => Some(format!(
            "`{}` is not done in the live world: only simulated ones lend the keys of a node",
            hostile.key()
        )),
        Verb::SlowDisk(slow) if slow.by.0 > MOST_SLOW => {
            let most = MOST_SLOW.as_secs();
            Some(format!("`slow-disk` beyond {most}s cannot be done in the live world: SQLite calls it a failure"))
        }
        _ => None,
    }
}

/// Whether the plan does anything to the network between nodes, so that there must be proxies.
pub(super) fn needs_network(plan: &Plan) -> bool {
    // Commits take what the disk takes: nothing here is faster or slower for them.
    let weather = Weather { commit: Range::default(), ..plan.weather };
    let stormy = weather != Weather::default() || !plan.heals.is_empty();
    stormy
        || plan.steps().any(|step| {
            matches!(
                step.verb,
                Verb::Partition(_) | Verb::Cut(_) | Verb::Clog(_) | Verb::Heal(_) | Verb::Replay(_) | Verb::Forge(_)
            )
        })
}

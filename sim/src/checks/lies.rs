//! Whom a hostile member lies to either refuses the lie, or notices later what it did: forged changes and times are refused,
//! what was said in two ways raises an alarm, and of a node and its clone one stops.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use symbolon_core::replica::Fact;
use symbolon_core::state::View;
use symbolon_core::time::Wall;

use super::{Check, End, Kinds, Lie, Moment, Shows, Sight};
use crate::plan::Plan;

#[derive(Default)]
pub(super) struct Lies {
    /// What may arrive, by the name of its frame.
    told: BTreeMap<u64, Lie>,
    /// What was believed, though none who believed it could see through it.
    believed: Vec<Lie>,
    /// Where an alarm was raised.
    alarmed: BTreeSet<usize>,
    /// The clones, and when they began.
    clones: BTreeMap<usize, u64>,
    /// Whether a process stopped since another one has its identity.
    stopped: bool,
    /// What each node publishes.
    latest: BTreeMap<usize, Arc<View>>,
    /// Whether anybody lies in this plan.
    is_needed: bool,
}

impl Lies {
    pub(super) fn new(plan: &Plan) -> Lies {
        Lies { is_needed: plan.steps().any(|step| step.verb.is_hostile()), ..Lies::default() }
    }

    fn took(&mut self, moment: Moment<'_>, name: u64, wall: Wall) -> Result<(), String> {
        let lives = |lie: &&Lie| self.latest.get(&moment.node).is_none_or(|view| view.identity.incarnation == lie.to);
        let Some(lie) = self.told.get(&name).filter(lives) else { return Ok(()) };
        let latest = wall.after(moment.plan.gossip.config().max_clock_drift);
        match lie.shows {
            // While its author is unknown it is put off, not refused; that nobody holds it is judged by what is held.
            Shows::Always => return Ok(()),
            Shows::To(stamp) if stamp > latest => return Err(format!("a frame was taken that {}", lie.what)),
            Shows::To(_) | Shows::Never => {}
        }
        self.believed.push(lie.clone());
        Ok(())
    }

    /// Whether a node holds a change that is stamped so late already, because others took it for true.
    fn holds_as_late(&self, node: usize, stamp: Wall) -> bool {
        let mut ops =
            self.latest.get(&node).into_iter().flat_map(|view| view.cells.iter()).flat_map(|(_, cell)| cell.ops());
        ops.any(|op| op.hlc.wall() >= stamp)
    }

    /// What everybody can see through is in no view.
    fn holds(&self, view: &View) -> Result<(), String> {
        let forged = self.told.values().filter(|lie| lie.shows == Shows::Always);
        let held = forged.into_iter().find(|lie| view.cells.get(&lie.key).is_some());
        held.map_or(Ok(()), |lie| Err(format!("what is held here comes of a frame that {}", lie.what)))
    }

    /// A clone that ran for long was noticed.
    fn ended(&mut self, moment: Moment<'_>) -> Result<(), String> {
        let began_ms = self.clones.remove(&moment.node);
        match began_ms.filter(|began_ms| began_ms + moment.plan.settle_ms() <= moment.at_ms && !self.stopped) {
            Some(_) => Err("a node and its clone ran side by side, and neither stopped".into()),
            None => Ok(()),
        }
    }

    /// Two nodes that hold different things under one name have noticed it.
    fn alarm(&self, end: &End<'_>) -> Result<(), String> {
        for lie in &self.believed {
            let value = |view: &View| {
                let mut siblings = view.cells.get(&lie.key)?.siblings();
                siblings.find(|sibling| sibling.dot == lie.dot).map(|sibling| sibling.value.raw().to_vec())
            };
            let said: Vec<_> = end.nodes.iter().filter_map(|one| Some((one.node, value(one.view)?))).collect();
            let differing = said.windows(2).find(|pair| pair[0].1 != pair[1].1);
            if let Some(pair) = differing.filter(|_| self.alarmed.is_empty()) {
                let (one, other) = (end.name(pair[0].0), end.name(pair[1].0));
                return Err(format!("{one} and {other} were told different things, and nobody raised an alarm"));
            }
        }
        Ok(())
    }
}

impl Check for Lies {
    fn name(&self) -> &'static str {
        "lies"
    }

    fn watches(&self) -> Kinds {
        if !self.is_needed {
            return Kinds::NONE;
        }
        Kinds::ENDED | Kinds::PUBLISHED | Kinds::TOOK | Kinds::NOTED | Kinds::LIED | Kinds::CLONED
    }

    fn see(&mut self, moment: Moment<'_>, sight: &Sight<'_>) -> Result<(), String> {
        match sight {
            Sight::Lied { name, lie } => {
                let shows = match lie.shows {
                    Shows::To(stamp) if self.holds_as_late(moment.node, stamp) => Shows::Never,
                    shows => shows,
                };
                self.told.insert(*name, Lie { shows, ..(*lie).clone() });
            }
            Sight::Took { name, wall, .. } if !self.told.is_empty() => return self.took(moment, *name, *wall),
            Sight::Published { after, .. } => {
                self.latest.insert(moment.node, Arc::clone(after));
                return self.holds(after);
            }
            Sight::Cloned => {
                self.clones.insert(moment.node, moment.at_ms);
            }
            Sight::Ended => return self.ended(moment),
            Sight::Noted(Fact::Diverged { .. }) => {
                self.alarmed.insert(moment.node);
            }
            Sight::Noted(Fact::Superseded { stops: true, .. }) => self.stopped = true,
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, end: &End<'_>) -> Result<(), String> {
        self.alarm(end)
    }
}

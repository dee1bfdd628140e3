//! A whole run: storm, heal, agreement, quiet, verdict. A pure function of the plan.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use symbolon_core::state::View;
use symbolon_core::time::Wall;

use super::play::Play;
use crate::checks::{Calm, End, Failure, Standing};
use crate::history::Kind;
use crate::model::{Meaning, Sense};
use crate::plan::Plan;
use crate::worlds::Step;
use crate::worlds::quick::{Planted, Reseed, Verdict, alike, plant, same, versions, words};

/// How often agreement is looked for.
const LOOK_MS: u64 = 20;

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// As of any world.
    pub verdict: Verdict,
    /// What it all means in the end.
    pub sense: Sense,
    /// Every step of the trace, if they were asked for.
    pub steps: Vec<Step>,
    /// Requests of clients and operators that a node answered, whatever it said; one for each call of the plan.
    pub answered: u64,
    /// How long it was, in simulated time.
    pub lasted_ms: u64,
}

/// A node, what it shows, and its clock.
type Shown = (usize, Arc<View>, Wall);

/// Runs a plan.
pub fn run(plan: &Plan) -> Outcome {
    run_planted(plan, None)
}

/// Runs a plan in a world with a mistake.
pub fn run_planted(plan: &Plan, planted: Option<Planted>) -> Outcome {
    finish(Play::new(plan, (planted, None), false))
}

/// Runs a plan as before up to a time, and with other draws of network losses, disks and boots from then on. What turmoil draws,
/// the latency of each segment, stays.
pub fn run_reseeded(plan: &Plan, planted: Option<Planted>, reseed: Reseed) -> Outcome {
    finish(Play::new(plan, (planted, Some(reseed)), false))
}

/// Runs a plan in a world that may have a mistake, and keeps every step of its trace.
pub fn tell(plan: &Plan, planted: Option<Planted>) -> Outcome {
    finish(Play::new(plan, (planted, None), true))
}

/// A broken promise of the core is a panic; here it is a verdict.
fn finish(mut play: Play<'_>) -> Outcome {
    plant(play.planted);
    let outcome = catch_unwind(AssertUnwindSafe(|| play.all()));
    plant(None);
    let (converged_ms, panicked) = match outcome {
        Ok(converged_ms) => (converged_ms, None),
        Err(panic) => (None, Some(words(&*panic))),
    };
    let at_ms = play.world.at_ms();
    let failed = |check, what| Failure { check, at_ms, node: None, what };
    let failure = match (panicked, play.trouble.take()) {
        (Some(what), _) => Some(failed("panic", what)),
        (None, Some(what)) => Some(failed("world", what)),
        (None, None) => play.checks.failure().cloned(),
    };
    let (counts, marks) = (play.counts, play.marks);
    let acts = std::mem::take(&mut play.script.done);
    let trace = play.world.trace();
    let history = play.recorder.take().map(|mut recorder| {
        if let Some(failure) = &failure {
            recorder.failed(failure);
        }
        Box::new(recorder.finish())
    });
    let verdict = Verdict { failure, trace, counts, converged_ms, acts, marks, history };
    let (steps, answered) = (play.world.steps(), play.answered);
    Outcome { sense: play.sense(), steps, answered, lasted_ms: at_ms, verdict }
}

impl Play<'_> {
    /// When the nodes agreed after the heal, if they did.
    fn all(&mut self) -> Option<u64> {
        while !self.healed {
            if !self.pass() {
                return None;
            }
        }
        let converged_ms = self.settle()?;
        let (ending, stood_ms) = (self.standing(), self.world.at_ms());
        let quiet = self.quiet(&ending)?;
        self.conclude((&ending, stood_ms), converged_ms, quiet);
        converged_ms
    }

    /// `None` if a check failed on the way; else the time that agreement took, if there was any.
    fn settle(&mut self) -> Option<Option<u64>> {
        let healed_ms = self.world.at_ms();
        let end_ms = healed_ms + self.plan.settle_ms();
        while self.world.at_ms() < end_ms {
            if !self.pass_until(self.world.at_ms() + LOOK_MS) {
                return None;
            }
            if self.agree() {
                let after_ms = self.world.at_ms() - healed_ms;
                self.told(|recorder| recorder.entry(None, Kind::Converged { after_ms }));
                return Some(Some(after_ms));
            }
        }
        Some(None)
    }

    /// Counts the frames of a quiet time, if nothing disturbs it.
    fn quiet(&mut self, ending: &[Shown]) -> Option<Option<Calm>> {
        let beat_ms = self.plan.gossip.heartbeat_ms();
        if !self.pass_until(self.world.at_ms() + beat_ms) {
            return None;
        }
        let before = self.rounds(ending);
        if !self.pass_until(self.world.at_ms() + 2 * beat_ms) {
            return None;
        }
        let after = self.rounds(ending);
        let calm = Calm { span_ms: 2 * beat_ms, asked: after.0 - before.0, delivered: after.1 - before.1 };
        let is_still =
            |now: &View, view: &View| now.cells.vector() == view.cells.vector() && versions(now) == versions(view);
        let still =
            ending.iter().all(|(node, view, _)| self.world.view(*node).is_some_and(|now| is_still(&now, view)));
        Some(still.then_some(calm))
    }

    /// Requests of these nodes so far, and frames that arrived anywhere.
    fn rounds(&self, of: &[Shown]) -> (u64, u64) {
        (of.iter().map(|(node, _, _)| self.asked[*node]).sum(), self.counts.delivered)
    }

    fn conclude(&mut self, (ending, stood_ms): (&[Shown], u64), converged_ms: Option<u64>, quiet: Option<Calm>) {
        let latest = |(node, view, _): &Shown| self.world.view(*node).unwrap_or_else(|| view.clone());
        let now: Vec<_> = ending.iter().map(latest).collect();
        let shown = ending.iter().zip(&now);
        let nodes: Vec<Standing<'_>> =
            shown.map(|((node, view, wall), latest)| Standing { node: *node, view, wall: *wall, latest }).collect();
        let end = End {
            at_ms: self.world.at_ms(),
            plan: self.plan,
            nodes: &nodes,
            tokens: &self.tokens,
            stood_ms,
            converged_ms,
            quiet: quiet.filter(|_| converged_ms.is_some()),
        };
        self.checks.end(&end);
    }

    /// Members that ever began, and healed.
    fn members(&self) -> impl Iterator<Item = usize> {
        let plan = self.plan;
        (0..plan.nodes.len()).filter(|node| plan.heals(*node) && plan.invites(*node) && self.world.life(*node) > 0)
    }

    fn standing(&self) -> Vec<Shown> {
        self.members().filter_map(|node| Some((node, self.world.view(node)?, self.world.now(node).wall))).collect()
    }

    /// Whether all that healed hold the same, and serve.
    fn agree(&self) -> bool {
        let nodes = self.standing();
        nodes.len() == self.members().count()
            && nodes.iter().all(|(node, view, _)| view.readiness.is_ready() && self.world.disk_is_idle(*node))
            && nodes.windows(2).all(|pair| self.alike(&pair[0].1, &pair[1].1))
    }

    /// Whether two views are one state.
    pub(super) fn same(&self, one: &View, other: &View) -> bool {
        same(one, other) && self.kids(one) == self.kids(other)
    }

    /// Whether two views are one state, as far as the nodes can tell.
    fn alike(&self, one: &View, other: &View) -> bool {
        alike(one, other, &self.lies.said.in_doubt) && self.kids(one) == self.kids(other)
    }

    /// Keys of a node that lost its disk count for as long as its peers remember them, each on its own.
    fn kids(&self, view: &View) -> Vec<Arc<str>> {
        let kept = view.token_keys.values().filter(|key| self.world.keeps_its_disk(key.owner));
        kept.map(|key| key.published.kid.clone()).collect()
    }

    fn sense(&self) -> Sense {
        let standing = self.standing();
        let meaning = standing.first().map(|(node, view, _)| Meaning::of(self.plan, &self.stand(*node, view), self));
        Sense { meaning: meaning.unwrap_or_default(), judgements: self.judgements.clone() }
    }
}

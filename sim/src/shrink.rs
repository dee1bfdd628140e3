//! Shrinking: the least plan that fails the same check, by delta debugging. Draws belong to what they are drawn for, so what
//! stays behaves as it did.

use crate::checks::Failure;
use crate::plan::{Gossip, Plan, Span, Tokens, Weather, What};
use crate::worlds::quick;

/// Runs that one shrinking may take.
const MOST_RUNS: usize = 600;

/// The least plan that was found, its failure, and how many runs it took.
pub struct Shrunk {
    /// The plan.
    pub plan: Plan,
    /// How it fails.
    pub failure: Failure,
    /// Runs.
    pub runs: usize,
}

/// Shrinks a plan in the quick world; `None` if it does not fail there.
pub fn shrink(plan: &Plan) -> Option<Shrunk> {
    shrink_with(plan, |plan| quick::run(plan).failure)
}

/// Shrinks a plan, judged by `run`; `None` if it does not fail.
pub fn shrink_with(plan: &Plan, run: impl FnMut(&Plan) -> Option<Failure>) -> Option<Shrunk> {
    let mut run = run;
    let failure = run(plan)?;
    let shrunk = Shrunk { plan: plan.clone(), failure, runs: 1 };
    let mut shrinker = Shrinker { best: shrunk, run };
    shrinker.best.plan.forgiving = true;
    shrinker.delete_acts();
    shrinker.calm();
    shrinker.leave_nodes();
    shrinker.delete_acts();
    Some(shrinker.best)
}

struct Shrinker<R> {
    best: Shrunk,
    run: R,
}

impl<R: FnMut(&Plan) -> Option<Failure>> Shrinker<R> {
    /// Takes a candidate if it fails the same check.
    fn attempt(&mut self, change: impl FnOnce(&mut Plan)) -> bool {
        let mut candidate = self.best.plan.clone();
        change(&mut candidate);
        if self.best.runs >= MOST_RUNS || candidate == self.best.plan {
            return false;
        }
        self.best.runs += 1;
        match (self.run)(&candidate) {
            Some(failure) if failure.check == self.best.failure.check => {
                (self.best.plan, self.best.failure) = (candidate, failure);
                true
            }
            Some(_) | None => false,
        }
    }

    /// Deletes halves, quarters, and at last single acts, until nothing more can go.
    fn delete_acts(&mut self) {
        let mut piece = self.best.plan.acts.len().div_ceil(2);
        while piece > 0 {
            let mut at = 0;
            let mut deleted = false;
            while at < self.best.plan.acts.len() {
                let end = (at + piece).min(self.best.plan.acts.len());
                if self.attempt(|plan| drop(plan.acts.drain(at..end))) {
                    deleted = true;
                } else {
                    at += piece;
                }
            }
            if !deleted || piece > 1 {
                piece = if piece == 1 { 0 } else { piece / 2 };
            }
        }
    }

    /// Tries the same in better weather.
    fn calm(&mut self) {
        self.attempt(|plan| plan.weather = Weather::default());
        let better: [fn(&mut Weather); 9] = [
            |weather| weather.slow = Default::default(),
            |weather| weather.lost_requests = 0,
            |weather| weather.lost_replies = 0,
            |weather| weather.silent = 0,
            |weather| weather.twice = 0,
            |weather| weather.corrupt = 0,
            |weather| weather.truncated = 0,
            |weather| weather.bandwidth = 0,
            |weather| weather.commit = Weather::default().commit,
        ];
        for better in better {
            self.attempt(|plan| better(&mut plan.weather));
        }
        self.attempt(|plan| plan.clocks.clear());
        self.attempt(|plan| plan.heals.clear());
        self.attempt(|plan| plan.uninvited.clear());
        self.attempt(|plan| plan.gossip = Gossip::default());
        self.attempt(|plan| plan.tokens = Tokens::default());
        self.attempt(|plan| {
            let last = plan.steps().filter_map(|step| step.at).max().unwrap_or_default();
            plan.until = Span::of_ms(last.ms() + 1);
        });
    }

    /// Tries it with fewer nodes: the last ones go, with all that is about them.
    fn leave_nodes(&mut self) {
        while self.best.plan.nodes.len() > 2 && self.attempt(leave_last) {}
    }
}

fn leave_last(plan: &mut Plan) {
    let Some(last) = plan.nodes.pop() else { return };
    plan.clocks.remove(&last);
    for names in [&mut plan.heals, &mut plan.absent, &mut plan.uninvited] {
        names.retain(|name| *name != last);
    }
    for act in &mut plan.acts {
        if let What::Step(step) = &mut act.what
            && let crate::plan::Verb::Partition(partition) = &mut step.verb
        {
            partition.groups.iter_mut().for_each(|group| group.retain(|name| *name != last));
            partition.groups.retain(|group| !group.is_empty());
        }
    }
    plan.acts.retain(|act| match &act.what {
        What::Step(step) => {
            let hollow = matches!(&step.verb, crate::plan::Verb::Partition(partition) if partition.groups.is_empty());
            !hollow && !step.on.names(&last) && !step.verb.nodes().contains(&last.as_str())
        }
        What::Expect(expect) => !expect.on.names(&last),
    });
}

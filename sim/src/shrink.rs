//! Shrinking: the least plan that fails the same check, by delta debugging. Draws belong to what they are drawn for, so what
//! stays behaves as it did. It never goes beyond its bound, and says so where the bound ended it.

use std::fmt;
use std::time::{Duration, Instant};

use crate::checks::Failure;
use crate::plan::{Act, Gossip, Plan, Span, Tokens, Weather, What};
use crate::worlds::quick;

/// Plans of more acts are not tried without each pair of them.
const MOST_PAIRED: usize = 14;
/// Other seeds that are tried, unless so few acts are left already.
const RESEEDS: u64 = 12;
const FEW: usize = 3;

/// How far one shrinking may go. No run begins beyond either.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    /// Runs, the first one included.
    pub runs: usize,
    /// Time on the wall.
    pub time: Duration,
}

/// What ended a shrinking though there was more to try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// So many runs.
    Runs(usize),
    /// So much time.
    Time(Duration),
}

impl Bound {
    /// What a shrinking in the quick world takes, and some more.
    pub const QUICK: Bound = Bound { runs: 800, time: Duration::from_secs(60) };
    /// A run of the whole world takes as long as a hundred of the quick one.
    pub const WHOLE: Bound = Bound { runs: 200, time: Duration::from_secs(120) };

    fn reached(self, runs: usize, begun: Instant) -> Option<Limit> {
        if runs >= self.runs {
            return Some(Limit::Runs(self.runs));
        }
        (begun.elapsed() >= self.time).then_some(Limit::Time(self.time))
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Limit::Runs(runs) => write!(f, "perhaps not the least: its {runs} runs were up"),
            Limit::Time(time) => write!(f, "perhaps not the least: its {} were up", Span(*time)),
        }
    }
}

/// The least plan that was found, its failure, and how many runs it took.
pub struct Shrunk {
    /// The plan.
    pub plan: Plan,
    /// How it fails.
    pub failure: Failure,
    /// Runs.
    pub runs: usize,
    /// What ended it, unless nothing was left to try.
    pub limit: Option<Limit>,
}

/// Shrinks a plan in the quick world; `None` if it does not fail there.
pub fn shrink(plan: &Plan) -> Option<Shrunk> {
    shrink_with(plan, Bound::QUICK, |plan| quick::run(plan).failure)
}

/// Shrinks a plan, judged by `run`; `None` if it does not fail.
pub fn shrink_with(plan: &Plan, bound: Bound, run: impl FnMut(&Plan) -> Option<Failure>) -> Option<Shrunk> {
    let (begun, mut run) = (Instant::now(), run);
    let failure = run(plan)?;
    let shrunk = Shrunk { plan: plan.clone(), failure, runs: 1, limit: None };
    let mut shrinker = Shrinker { best: shrunk, bound, begun, run };
    shrinker.best.plan.forgiving = true;
    shrinker.end_with_the_failure();
    shrinker.settle();
    shrinker.delete_pairs();
    shrinker.reseed();
    Some(shrinker.best)
}

struct Shrinker<R> {
    best: Shrunk,
    bound: Bound,
    begun: Instant,
    run: R,
}

impl<R: FnMut(&Plan) -> Option<Failure>> Shrinker<R> {
    /// Takes a candidate if it fails the same check.
    fn attempt(&mut self, change: impl FnOnce(&mut Plan)) -> bool {
        let mut candidate = self.best.plan.clone();
        change(&mut candidate);
        if candidate == self.best.plan || self.is_over() {
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

    fn is_over(&mut self) -> bool {
        self.best.limit = self.best.limit.or_else(|| self.bound.reached(self.best.runs, self.begun));
        self.best.limit.is_some()
    }

    /// What came after the failure has no part in it.
    fn end_with_the_failure(&mut self) {
        let at_ms = self.best.failure.at_ms;
        let is_before = |act: &Act| match &act.what {
            What::Step(step) => step.at.is_none_or(|at| at.ms() <= at_ms),
            What::Expect(_) => true,
        };
        self.attempt(|plan| plan.acts.retain(is_before));
    }

    /// Everything that makes it smaller, until nothing does.
    fn settle(&mut self) {
        loop {
            let before = self.best.plan.clone();
            self.delete_acts();
            self.calm();
            self.leave_nodes();
            if self.best.plan == before {
                return;
            }
        }
    }

    /// Two acts may undo each other, so that neither can go alone.
    fn delete_pairs(&mut self) {
        if self.best.plan.acts.len() > MOST_PAIRED {
            return;
        }
        let mut first = 0;
        while first < self.best.plan.acts.len() {
            let acts = self.best.plan.acts.len();
            let both = |second: usize| {
                move |plan: &mut Plan| {
                    plan.acts.remove(second);
                    plan.acts.remove(first);
                }
            };
            let gone = (first + 1..acts).rev().any(|second| self.attempt(both(second)));
            first = if gone { 0 } else { first + 1 };
        }
    }

    /// With other draws fewer acts may do.
    fn reseed(&mut self) {
        for seed in 1..=RESEEDS {
            if self.best.plan.acts.len() <= FEW || self.best.limit.is_some() {
                return;
            }
            let (plan, failure) = (self.best.plan.clone(), self.best.failure.clone());
            if self.attempt(|plan| plan.seed = seed) {
                self.settle();
            }
            if self.best.plan.acts.len() >= plan.acts.len() {
                (self.best.plan, self.best.failure) = (plan, failure);
            }
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

    /// Tries it with fewer nodes: each that can go goes, the last ones first, with all that is about it.
    fn leave_nodes(&mut self) {
        for place in (0..self.best.plan.nodes.len()).rev() {
            if self.best.plan.nodes.len() > 2 {
                self.attempt(|plan| leave(plan, place));
            }
        }
    }
}

fn leave(plan: &mut Plan, place: usize) {
    let name = plan.nodes.remove(place);
    plan.clocks.remove(&name);
    for names in [&mut plan.heals, &mut plan.absent, &mut plan.uninvited] {
        names.retain(|other| *other != name);
    }
    for act in &mut plan.acts {
        if let What::Step(step) = &mut act.what
            && let crate::plan::Verb::Partition(partition) = &mut step.verb
        {
            partition.groups.iter_mut().for_each(|group| group.retain(|other| *other != name));
            partition.groups.retain(|group| !group.is_empty());
        }
    }
    plan.acts.retain(|act| match &act.what {
        What::Step(step) => {
            let hollow = matches!(&step.verb, crate::plan::Verb::Partition(partition) if partition.groups.is_empty());
            !hollow && !step.on.names(&name) && !step.verb.nodes().contains(&name.as_str())
        }
        What::Expect(expect) => !expect.on.names(&name),
    });
}

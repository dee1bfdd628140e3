//! Shrinking: the least plan that fails the same check, by delta debugging. Draws belong to what they are drawn for, so what
//! stays behaves as it did.

use crate::checks::Failure;
use crate::plan::drawn::{Clock, Disk, Drawn, Network};
use crate::worlds::quick;

/// Runs that one shrinking may take.
const MOST_RUNS: usize = 600;

/// The least plan that was found, its failure, and how many runs it took.
pub struct Shrunk {
    /// The plan.
    pub plan: Drawn,
    /// How it fails.
    pub failure: Failure,
    /// Runs.
    pub runs: usize,
}

/// Shrinks a plan; `None` if it does not fail.
pub fn shrink(plan: &Drawn) -> Option<Shrunk> {
    let failure = quick::run(plan).failure?;
    let mut best = Shrunk { plan: plan.clone(), failure, runs: 1 };
    best.delete_items();
    best.calm();
    best.delete_items();
    Some(best)
}

impl Shrunk {
    /// Takes a candidate if it fails the same check.
    fn attempt(&mut self, candidate: Drawn) -> bool {
        if self.runs >= MOST_RUNS || candidate == self.plan {
            return false;
        }
        self.runs += 1;
        match quick::run(&candidate).failure {
            Some(failure) if failure.check == self.failure.check => {
                (self.plan, self.failure) = (candidate, failure);
                true
            }
            Some(_) | None => false,
        }
    }

    /// Deletes halves, quarters, and at last single things, until nothing more can go.
    fn delete_items(&mut self) {
        let mut piece = self.plan.items.len().div_ceil(2);
        while piece > 0 {
            let mut at = 0;
            let mut deleted = false;
            while at < self.plan.items.len() {
                let mut candidate = self.plan.clone();
                let end = (at + piece).min(candidate.items.len());
                candidate.items.drain(at..end);
                if self.attempt(candidate) {
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
        let weather: [fn(&mut Network); 6] = [
            |network| network.slow = 0,
            |network| network.lost_requests = 0,
            |network| network.lost_replies = 0,
            |network| network.silent = 0,
            |network| network.twice = 0,
            |network| network.corrupt = 0,
        ];
        for better in weather {
            let mut candidate = self.plan.clone();
            better(&mut candidate.network);
            self.attempt(candidate);
        }
        let mut candidate = self.plan.clone();
        candidate.clocks.fill(Clock::default());
        self.attempt(candidate);
        let candidate = Drawn { disk: Disk::default(), ..self.plan.clone() };
        self.attempt(candidate);
        let candidate = Drawn { core: Vec::new(), ..self.plan.clone() };
        self.attempt(candidate);
        while self.plan.nodes > 2 {
            let last = self.plan.nodes - 1;
            let mut candidate = self.plan.clone();
            candidate.nodes = last;
            candidate.clocks.truncate(last);
            candidate.core.retain(|node| *node < last);
            candidate.items.retain(|item| item.on < last && !item.deed.names(last));
            if !self.attempt(candidate) {
                break;
            }
        }
    }
}

//! What a fleet writes for programs: JSON, a line at a time. A head, a line for each failure as it is found, a sum. What is of
//! another form is refused, never guessed at.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::seeds::{Seeds, Shard};
use super::spread::Spread;
use super::stamp::stamp;
use super::world::{Counts, Run, World};
use crate::marks::Mark;
use crate::worlds::quick::Planted;

/// The version of this form.
pub const FORM: u32 = 1;

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Line {
    /// What was asked for.
    Head(Head),
    /// A seed that failed.
    Failed(Failed),
    /// What came of all.
    Sum(Sum),
}

/// What was asked for, and of which build.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// [`FORM`].
    pub form: u32,
    /// The commit.
    pub commit: String,
    /// The lock file.
    pub lock: String,
    /// The world.
    pub world: World,
    /// A mistake that was put into the world on purpose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planted: Option<String>,
    /// The seeds, one range unless ranges were merged.
    pub seeds: Vec<Seeds>,
    /// The share of them.
    pub shard: Shard,
    /// What was not there to be merged.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
}

/// A seed that failed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Failed {
    /// The seed.
    pub seed: u64,
    /// The check.
    pub check: String,
    /// When, in true time.
    pub at_ms: u64,
    /// Where, if at one node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// What was wrong.
    pub what: String,
    /// The line that runs it again.
    pub replay: String,
}

/// What came of all seeds together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sum {
    /// Why no more were run.
    pub ended: Why,
    /// Seeds that were asked for.
    pub planned: u64,
    /// Seeds that were run.
    pub seeds: u64,
    /// Of them failed.
    pub failed: u64,
    /// Processor time.
    pub cpu_ms: u64,
    /// Time on the wall; of what was merged, the longest.
    pub wall_ms: u64,
    /// What the runs were made of, in all.
    #[serde(flatten)]
    pub counts: Counts,
    /// From the heal to agreement: pairs of time and how often.
    pub converged_ms: Spread,
    /// Rare situations, all of them, also those that never were.
    pub marks: BTreeMap<String, Times>,
}

/// How often a situation was met.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Times {
    /// In how many runs.
    pub runs: u64,
    /// How often in all.
    pub times: u64,
}

/// Why a fleet ended, from the best to the worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// All seeds were run.
    All,
    /// The time was up.
    Budget,
    /// There were failures enough.
    Failures,
    /// Somebody interrupted it.
    Interrupted,
}

impl Head {
    /// The head of a run of this build.
    pub fn new(world: World, planted: Option<Planted>, seeds: Seeds, shard: Shard) -> Head {
        let stamp = stamp();
        Head {
            form: FORM,
            commit: stamp.commit,
            lock: stamp.lock,
            world,
            planted: planted.map(|planted| planted.name().to_owned()),
            seeds: vec![seeds],
            shard,
            missing: Vec::new(),
        }
    }

    /// The line that runs a seed again.
    pub fn replay(&self, seed: u64) -> String {
        let planted = self.planted.as_ref().map_or(String::new(), |planted| format!(" --bug {planted}"));
        let Head { commit, lock, world, .. } = self;
        format!("symbolon-sim replay {seed} --world {}{planted}  # commit {commit}, lock {lock}", world.name())
    }
}

impl Failed {
    /// The line of a run, if it failed.
    pub fn of(run: &Run, head: &Head) -> Option<Failed> {
        let failure = run.failure.as_ref()?;
        Some(Failed {
            seed: run.seed,
            check: failure.check.to_owned(),
            at_ms: failure.at_ms,
            node: failure.node.map(|node| format!("n{}", node + 1)),
            what: failure.what.clone(),
            replay: head.replay(run.seed),
        })
    }

    /// For people.
    pub fn sentence(&self) -> String {
        let place = self.node.as_ref().map_or(String::new(), |node| format!(" at {node}"));
        format!("{} at {}.{:03} s{place}: {}", self.check, self.at_ms / 1000, self.at_ms % 1000, self.what)
    }
}

impl Sum {
    /// Of nothing yet.
    pub fn new(planned: u64) -> Sum {
        Sum {
            ended: Why::All,
            planned,
            seeds: 0,
            failed: 0,
            cpu_ms: 0,
            wall_ms: 0,
            counts: Counts::default(),
            converged_ms: Spread::default(),
            marks: Mark::ALL.iter().map(|mark| (mark.name().to_owned(), Times::default())).collect(),
        }
    }

    /// Adds a run.
    pub fn add(&mut self, run: &Run) {
        self.seeds += 1;
        self.failed += u64::from(run.failure.is_some());
        self.add_counts(run.counts);
        if let Some(ms) = run.converged_ms {
            self.converged_ms.add(ms);
        }
        for mark in Mark::ALL.iter().filter(|mark| run.marks.times(**mark) > 0) {
            let Times { runs, times } = self.marks.entry(mark.name().to_owned()).or_default();
            *runs += 1;
            *times += u64::from(run.marks.times(*mark));
        }
    }

    /// Adds what another machine found.
    pub fn join(&mut self, other: &Sum) {
        let Sum { ended, planned, seeds, failed, cpu_ms, wall_ms, counts, converged_ms, marks } = other;
        self.ended = self.ended.max(*ended);
        self.planned += planned;
        self.seeds += seeds;
        self.failed += failed;
        self.cpu_ms += cpu_ms;
        self.wall_ms = self.wall_ms.max(*wall_ms);
        self.add_counts(*counts);
        self.converged_ms.join(converged_ms);
        for (mark, other) in marks {
            let own = self.marks.entry(mark.clone()).or_default();
            own.runs += other.runs;
            own.times += other.times;
        }
    }

    fn add_counts(&mut self, other: Counts) {
        let Counts { delivered, calls, faults, events } = other;
        self.counts.delivered += delivered;
        self.counts.calls += calls;
        self.counts.faults += faults;
        self.counts.events += events;
    }
}

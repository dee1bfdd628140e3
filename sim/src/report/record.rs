//! A run as data: what `--json` prints.

use std::time::Duration;

use serde::Serialize;

use crate::plan::{Act, What};
use crate::worlds::Done;
use crate::worlds::live::api::Gossip;
use crate::worlds::live::{NodeTraffic, Outcome};

/// A whole run.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Record {
    /// The plan's file.
    pub plan: String,
    /// The world.
    pub world: &'static str,
    /// Whether everything held.
    pub pass: bool,
    /// How long it took.
    pub elapsed_ms: f64,
    /// How much simulated time passed until the heal and agreement, where time is simulated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub simulated: Option<Simulated>,
    /// What was done and expected.
    pub acts: Vec<ActRecord>,
    /// Figures by node.
    pub nodes: Vec<NodeRecord>,
}

/// What a simulated world says of the whole run.
#[derive(Clone, Debug, Serialize)]
pub struct Simulated {
    /// What names every draw that the plan does not hold.
    pub seed: u64,
    /// From the heal to agreement.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub converged_ms: Option<u64>,
    /// A hash over everything that happened: the same plan, seed and build give the same.
    pub trace: String,
    /// The check that did not hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed: Option<Failed>,
}

/// A check that did not hold.
#[derive(Clone, Debug, Serialize)]
pub struct Failed {
    /// Its stable name.
    pub check: &'static str,
    /// When, in simulated time.
    pub at_ms: u64,
    /// Where, if at one node.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// What was wrong.
    pub what: String,
}

/// One act.
#[derive(Clone, Debug, Serialize)]
pub struct ActRecord {
    /// The line in the plan; 0 for what the world does by itself.
    pub line: usize,
    /// Where.
    pub on: String,
    /// What.
    pub title: String,
    /// Whether it went well.
    pub pass: bool,
    /// What was seen.
    pub saw: String,
    /// How long it took.
    pub elapsed_ms: f64,
    /// When it began, in simulated time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_ms: Option<u64>,
}

/// One node's figures.
#[derive(Clone, Debug, Serialize)]
pub struct NodeRecord {
    /// The node.
    pub name: String,
    /// Requests of the traffic.
    pub requests: u64,
    /// Those answered as they should be.
    pub successes: u64,
    /// Median latency of these.
    pub p50_ms: f64,
    /// 99 of 100 were faster.
    pub p99_ms: f64,
    /// Frames sent at once because of a change.
    pub pushes: u64,
    /// Frame bytes sent.
    pub bytes_out: u64,
    /// Bytes of a sent frame, on average.
    pub bytes_per_frame: u64,
    /// Rounds not held because the peer was known to be equal.
    pub skips: u64,
    /// Their share of all rounds that were due.
    pub skip_rate: f64,
}

/// Milliseconds, to the microsecond.
pub fn milliseconds(elapsed: Duration) -> f64 {
    elapsed.as_micros() as f64 / 1000.0
}

impl ActRecord {
    /// From what came of it.
    pub fn of(line: usize, outcome: &Outcome) -> ActRecord {
        let (pass, saw) = match &outcome.saw {
            Ok(saw) => (true, saw),
            Err(problem) => (false, problem),
        };
        let elapsed_ms = milliseconds(outcome.elapsed);
        ActRecord {
            line,
            on: outcome.on.clone(),
            title: outcome.title.clone(),
            pass,
            saw: saw.clone(),
            elapsed_ms,
            at_ms: None,
        }
    }

    /// From what came of it in simulated time.
    pub fn simulated(act: &Act, done: &Done) -> ActRecord {
        let (on, title) = match &act.what {
            What::Step(step) => (&step.on, step.verb.title()),
            What::Expect(expect) => (&expect.on, expect.title()),
        };
        let (pass, saw) = match &done.saw {
            Ok(saw) => (true, saw.clone()),
            Err(problem) => (false, problem.clone()),
        };
        let elapsed_ms = (done.ended_ms - done.began_ms) as f64;
        ActRecord { line: act.line, on: on.label(), title, pass, saw, elapsed_ms, at_ms: Some(done.began_ms) }
    }
}

impl NodeRecord {
    /// From what traffic saw and gossip counted.
    pub fn of(name: &str, traffic: &NodeTraffic, gossip: &Gossip) -> NodeRecord {
        let due = gossip.skips + gossip.rounds;
        NodeRecord {
            name: name.into(),
            requests: traffic.requests,
            successes: traffic.successes,
            p50_ms: traffic.quantile_ms(0.5),
            p99_ms: traffic.quantile_ms(0.99),
            pushes: gossip.pushes,
            bytes_out: gossip.bytes_out,
            bytes_per_frame: gossip.bytes_out.checked_div(gossip.frames_out).unwrap_or_default(),
            skips: gossip.skips,
            skip_rate: if due == 0 { 0.0 } else { gossip.skips as f64 / due as f64 },
        }
    }
}

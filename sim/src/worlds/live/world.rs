//! One run of a plan on real nodes: one act after the other, the heal at its end, and what came of each.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::task::JoinHandle;

use super::api::{Client, Gossip, Session};
use super::cluster::{Cluster, Layout};
use super::expect::agreement;
use super::ports::Ports;
use super::refusal;
use super::stage::Stage;
use super::traffic::{NodeTraffic, Progress};
use crate::plan::{Act, Expect, On, Plan, Span, Start, Step, What};

/// What a busy machine may add to the bound within which nodes agree after the heal.
const SLACK: Duration = Duration::from_secs(5);

/// A plan that runs. What it started ends when it is dropped.
pub struct Live {
    stage: Arc<Stage>,
    begin: Instant,
    /// The former act, if it has a time of its own and may not have ended yet.
    former: Option<JoinHandle<Outcome>>,
    /// Those before it.
    others: Vec<JoinHandle<Outcome>>,
}

/// What came of one act.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The line of the plan; 0 for what the world does by itself.
    pub line: usize,
    /// Where.
    pub on: String,
    /// What was done or expected.
    pub title: String,
    /// What was seen, or what went wrong.
    pub saw: Result<String, String>,
    /// How long it took.
    pub elapsed: Duration,
}

/// Nobody looks at how far traffic is that goes on beside other acts.
struct Unseen;

impl Progress for Unseen {
    fn tell(&self, _passed: Duration, _whole: Duration, _requests: u64, _failures: u64) {}
}

impl Live {
    /// Starts the nodes of the plan, and makes them a cluster unless they are to be strangers; the second is what is to be told.
    ///
    /// # Errors
    /// A port in use, a missing program, settings that a node does not take
    /// ([`Misconfigured`](super::cluster::Misconfigured)), a node that does not come up.
    pub async fn start(plan: &Plan, ports: Ports, short: bool) -> Result<(Live, Outcome)> {
        let begin = Instant::now();
        let layout = Layout {
            names: plan.nodes.clone(),
            ports,
            proxies: refusal::needs_network(plan),
            seed: plan.seed,
            gossip: plan.gossip,
            tokens: plan.tokens,
            ..Layout::of(0)
        };
        let stage = Arc::new(Stage::new(plan.clone(), Cluster::lay_out(&layout).await?, short));
        let mut live = Live { stage, begin, former: None, others: Vec::new() };
        let saw = live.stage.open().await?;
        let title = match plan.start {
            Start::Cluster | Start::Acquainted => "start on fresh databases as a cluster",
            Start::Strangers => "start on fresh databases",
        };
        let outcome =
            Outcome { line: 0, on: "all".into(), title: title.into(), saw: Ok(saw), elapsed: begin.elapsed() };
        live.begin = Instant::now();
        Ok((live, outcome))
    }

    /// Does one act of the plan, and tells all that ended meanwhile. Traffic tells `progress` how far it is.
    pub async fn act(&mut self, act: &Act, progress: &dyn Progress) -> Vec<Outcome> {
        let mut ended = Vec::new();
        match &act.what {
            What::Step(step @ Step { at: Some(at), .. }) => {
                tokio::time::sleep_until((self.begin + at.0).into()).await;
                self.others.extend(self.former.take());
                let (stage, step, line) = (self.stage.clone(), step.clone(), act.line);
                self.former = Some(tokio::spawn(async move { stage.do_step(line, &step, &Unseen).await }));
            }
            What::Step(step) => {
                ended.extend(self.former_ended().await);
                ended.push(self.stage.do_step(act.line, step, progress).await);
            }
            What::Expect(expect) => {
                ended.extend(self.former_ended().await);
                ended.push(self.stage.do_expect(act.line, expect).await);
            }
        }
        for at in (0..self.others.len()).rev().filter(|at| self.others[*at].is_finished()).collect::<Vec<_>>() {
            ended.insert(0, joined(self.others.remove(at)).await);
        }
        ended
    }

    /// Waits for all that is under way, ends all faults, and waits until the nodes agree.
    pub async fn finish(&mut self) -> Vec<Outcome> {
        let mut ended = Vec::new();
        for task in self.others.drain(..).chain(self.former.take()) {
            ended.push(joined(task).await);
        }
        let plan = &self.stage.plan;
        tokio::time::sleep_until((self.begin + plan.until.0).into()).await;
        let begin = Instant::now();
        let healed = self.stage.heal().await.map_err(|error| format!("{error:#}"));
        let standing = self.stage.standing();
        let on = match standing.len() == plan.nodes.len() {
            true => On::default(),
            false => On::Many(standing.iter().map(|place| plan.nodes[*place].clone()).collect()),
        };
        let well = healed.is_ok();
        let title = "all faults end".into();
        ended.push(Outcome { line: 0, on: on.label(), title, saw: healed, elapsed: begin.elapsed() });
        if well {
            let within = Span(Duration::from_millis(plan.settle_ms()) + SLACK);
            ended.push(self.stage.do_expect(0, &agreement(on, within)).await);
        }
        ended
    }

    /// The nodes.
    pub fn cluster(&self) -> &Cluster {
        &self.stage.cluster
    }

    /// What traffic saw, node by node, all traffic steps together.
    pub fn traffic(&self) -> Vec<NodeTraffic> {
        self.stage.traffic()
    }

    /// What a node counts of its gossip; nothing, if it cannot be asked.
    pub async fn gossip(&self, place: usize) -> Gossip {
        let Ok(admin) = self.operator(place) else { return Gossip::default() };
        let stats = self.stage.node(place).api.stats(&admin).await;
        stats.map(|stats| Gossip::of(&stats)).unwrap_or_default()
    }

    /// The administrator's session of a node.
    ///
    /// # Errors
    /// None has logged in.
    pub fn operator(&self, place: usize) -> Result<Session> {
        self.stage.operator(place)
    }

    /// A confidential client of the plan, to show people how to use it.
    pub fn any_client(&self) -> Option<Client> {
        self.stage.any_client()
    }

    async fn former_ended(&mut self) -> Option<Outcome> {
        Some(joined(self.former.take()?).await)
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        for task in self.others.iter().chain(&self.former) {
            task.abort();
        }
        self.stage.forget_timers();
    }
}

async fn joined(task: JoinHandle<Outcome>) -> Outcome {
    task.await.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))
}

impl Stage {
    async fn do_step(self: &Arc<Self>, line: usize, step: &Step, progress: &dyn Progress) -> Outcome {
        let begin = Instant::now();
        let saw = match self.step(step, progress).await {
            Err(error) if step.refused => Ok(format!("refused, as it must be: {error:#}")),
            Ok(_) if step.refused => Err("it was not refused".into()),
            Err(error) if self.plan.forgiving => Ok(format!("passed over: {error:#}")),
            saw => saw.map_err(|error| format!("{error:#}")),
        };
        Outcome { line, on: step.on.label(), title: step.verb.title(), saw, elapsed: begin.elapsed() }
    }

    async fn do_expect(&self, line: usize, expect: &Expect) -> Outcome {
        let begin = Instant::now();
        let saw = self.expect(expect).await.map_err(|error| format!("{error:#}"));
        Outcome { line, on: expect.on.label(), title: expect.title(), saw, elapsed: begin.elapsed() }
    }
}

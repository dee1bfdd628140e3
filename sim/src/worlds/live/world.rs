//! One run of a plan on real nodes: what the names of the plan stand for here, and one act after the other.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};

use super::api::{Client, Session};
use super::cluster::{Cluster, Layout, Node};
use super::ports::Ports;
use super::traffic::{NodeTraffic, Progress};
use crate::plan::{Act, On, Plan, Start, Step, What};

/// A plan that runs.
pub struct Live {
    /// The nodes.
    pub cluster: Cluster,
    pub(super) names: Names,
    pub(super) short: bool,
    /// What traffic saw, node by node, all traffic steps together.
    pub(super) traffic: Vec<NodeTraffic>,
    /// Who administers, node by node: the last administrator who logged in there.
    pub(super) operators: Vec<Option<Session>>,
    nodes: Vec<String>,
    begin: Instant,
}

/// What the names of the plan stand for.
#[derive(Default)]
pub(super) struct Names {
    pub clients: BTreeMap<String, Client>,
    pub tokens: BTreeMap<String, Issued>,
    /// By name, then by the node where it was opened.
    pub sessions: BTreeMap<String, BTreeMap<usize, Session>>,
    pub keys: BTreeMap<String, [u8; 32]>,
}

/// A token, and the plan's name of its client.
pub(super) struct Issued {
    pub value: String,
    pub client: String,
}

/// What came of one act.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Where.
    pub on: String,
    /// What was done or expected.
    pub title: String,
    /// What was seen, or what went wrong.
    pub saw: Result<String, String>,
    /// How long it took.
    pub elapsed: Duration,
}

impl Live {
    /// Starts the nodes of the plan; the second is what is to be told about it.
    ///
    /// # Errors
    /// A port in use, a missing program, a node that does not come up.
    pub async fn start(plan: &Plan, ports: Ports, short: bool) -> Result<(Live, Outcome)> {
        let begin = Instant::now();
        let layout = Layout { names: plan.nodes.clone(), ports, gossip: plan.gossip, ..Layout::of(0) };
        let mut cluster = Cluster::lay_out(&layout).await?;
        cluster.start().await?;
        let count = cluster.nodes().len();
        let operators = match plan.start {
            Start::Cluster => cluster.join().await?.into_iter().map(Some).collect(),
            Start::Strangers => vec![None; count],
        };
        let ports: Vec<_> = cluster.nodes().iter().map(|node| node.port.to_string()).collect();
        let outcome = Outcome {
            on: "all".into(),
            title: "start on fresh databases".into(),
            saw: Ok(format!("ready on 127.0.0.1:{}, one P-256 certificate", ports.join(" "))),
            elapsed: begin.elapsed(),
        };
        let live = Live {
            cluster,
            names: Names::default(),
            short,
            traffic: vec![NodeTraffic::default(); count],
            operators,
            nodes: plan.nodes.clone(),
            begin,
        };
        Ok((live, outcome))
    }

    /// Does one act of the plan, and tells what came of it. Traffic tells `progress` how far it is.
    pub async fn act(&mut self, act: &Act, progress: &dyn Progress) -> Outcome {
        let (on, title) = match &act.what {
            What::Step(step) => (&step.on, step.verb.title()),
            What::Expect(expect) => (&expect.on, expect.title()),
        };
        let on = on.clone();
        if let What::Step(Step { at: Some(at), .. }) = &act.what {
            tokio::time::sleep_until((self.begin + at.0).into()).await;
        }
        let begin = Instant::now();
        let saw = match &act.what {
            What::Step(step) => self.step(step, progress).await,
            What::Expect(expect) => self.expect(expect).await,
        };
        let saw = saw.map_err(|error| format!("{error:#}"));
        let must_fail = matches!(&act.what, What::Step(Step { refused: true, .. }));
        let saw = match saw {
            Err(why) if must_fail => Ok(format!("refused, as it must be: {why}")),
            Ok(_) if must_fail => Err("it was not refused".into()),
            saw => saw,
        };
        Outcome { on: self.label(&on), title, saw, elapsed: begin.elapsed() }
    }

    /// What traffic saw, node by node.
    pub fn traffic(&self) -> &[NodeTraffic] {
        &self.traffic
    }

    /// The administrator's session of a node.
    pub fn operator(&self, index: usize) -> Result<&Session> {
        let node = &self.node(index).name;
        self.operators[index].as_ref().with_context(|| format!("no administrator has logged in on {node}"))
    }

    /// A confidential client of the plan, to show people how to use it.
    pub fn any_client(&self) -> Option<&Client> {
        self.names.clients.values().find(|client| client.secret.is_some())
    }

    pub(super) fn node(&self, index: usize) -> &Node {
        &self.cluster.nodes()[index]
    }

    pub(super) fn resolve(&self, on: &On) -> Result<Vec<usize>> {
        on.resolve(&self.nodes).map_err(|name| anyhow!("there is no node {name}"))
    }

    pub(super) fn client(&self, name: &str) -> Result<&Client> {
        self.names.clients.get(name).with_context(|| format!("the client {name} was never created"))
    }

    pub(super) fn token(&self, name: &str) -> Result<&Issued> {
        self.names.tokens.get(name).with_context(|| format!("the token {name} was never issued"))
    }

    /// The session of this name: the one opened on the node, or the only one.
    pub(super) fn session(&self, name: &str, index: usize) -> Result<&Session> {
        let sessions =
            self.names.sessions.get(name).with_context(|| format!("the session {name} was never opened"))?;
        sessions.get(&index).or_else(|| sessions.values().next()).context("a name stands for a session")
    }

    fn label(&self, on: &On) -> String {
        match on {
            On::One(name) => name.clone(),
            On::Many(names) => names.join(" "),
        }
    }
}

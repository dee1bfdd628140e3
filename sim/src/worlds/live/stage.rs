//! What all acts of a run share: the nodes, what the names of the plan stand for here, who administers where, and what ends by
//! itself. It begins no act.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use tokio::task::JoinSet;

use super::api::{Client, Session};
use super::cluster::{Cluster, Node, PASSWORD};
use super::config::OPERATOR;
use super::disk::Slow;
use super::expect::agreement;
use super::network::Network;
use super::node::{Clock, READY_WITHIN};
use super::traffic::NodeTraffic;
use crate::plan::{On, Plan, Span, Start};

/// A node that starts while its peers are away may wait for them as long as the run lasts.
const PATIENCE: Duration = Duration::from_secs(3600);

/// One run.
pub(super) struct Stage {
    pub plan: Plan,
    pub cluster: Cluster,
    pub short: bool,
    state: Mutex<State>,
    timers: Mutex<JoinSet<()>>,
}

/// What changes as the plan goes on.
#[derive(Default)]
pub(super) struct State {
    pub names: Names,
    /// What traffic saw, by node.
    pub traffic: Vec<NodeTraffic>,
    /// By node: the last administrator who logged in there.
    pub operators: BTreeMap<usize, Operator>,
    /// Who pinned whom by the hand of this world.
    pinned: BTreeSet<(usize, usize)>,
    /// Nodes whose database is not the one that their operator's session is of.
    pub replaced: BTreeSet<usize>,
    /// Slow disks.
    pub slow: BTreeMap<usize, Slow>,
    /// Full disks.
    pub full: BTreeSet<usize>,
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
#[derive(Clone)]
pub(super) struct Issued {
    pub value: String,
    pub client: String,
}

/// Somebody who administers a node, and can log in there again.
#[derive(Clone)]
pub(super) struct Operator {
    pub user: String,
    pub password: String,
    pub session: Session,
}

impl Stage {
    pub(super) fn new(plan: Plan, cluster: Cluster, short: bool) -> Stage {
        let traffic = vec![NodeTraffic::default(); plan.nodes.len()];
        let state = Mutex::new(State { traffic, ..State::default() });
        Stage { plan, cluster, short, state, timers: Mutex::default() }
    }

    /// Starts the nodes that are not absent, makes them what they are to each other, and lets the weather begin.
    pub(super) async fn open(&self) -> Result<String> {
        let all = 0..self.plan.nodes.len();
        let there: Vec<usize> = all.filter(|place| !self.plan.absent.contains(&self.plan.nodes[*place])).collect();
        self.cluster.start_some(&there).await?;
        let mut saw = format!("ready on 127.0.0.1:{}, one P-256 certificate", self.ports(&there));
        if self.plan.start == Start::Cluster {
            for place in &there {
                self.log_in_anew(*place).await?;
            }
            for place in &there {
                self.pin_for(*place).await?;
            }
            let members: Vec<_> = there.into_iter().filter(|place| self.plan.invites(*place)).collect();
            if members.len() > 1 {
                let names = members.iter().map(|place| self.plan.nodes[*place].clone()).collect();
                let agreement = agreement(On::Many(names), Span(READY_WITHIN));
                self.expect(&agreement).await.context("the nodes did not become one cluster")?;
                saw += ", every pair pinned, one digest";
            }
        }
        if let Some(network) = self.cluster.network() {
            network.blow(self.plan.weather);
        }
        Ok(saw)
    }

    fn ports(&self, places: &[usize]) -> String {
        places.iter().map(|place| self.node(*place).port.to_string()).collect::<Vec<_>>().join(" ")
    }

    /// Starts a node; whether it was down. When this returns it is ready, and administered again.
    pub(super) async fn start(&self, place: usize, clock: Clock, within: Duration) -> Result<bool> {
        if !self.node(place).launch(clock).await? {
            return Ok(false);
        }
        self.started(place, within).await.map(|()| true)
    }

    async fn started(&self, place: usize, within: Duration) -> Result<()> {
        self.node(place).wait_ready(within).await?;
        self.cluster.introduce(place).await?;
        let is_known = self.state().operators.contains_key(&place);
        let is_new = self.state().replaced.remove(&place) || !is_known;
        if is_new && (is_known || self.plan.start == Start::Cluster) {
            self.log_in_anew(place).await?;
        }
        if self.plan.start == Start::Cluster {
            self.pin_for(place).await?;
        }
        Ok(())
    }

    /// Starts a node beside what else happens. That it does not come up shows at the heal at the latest.
    pub(super) fn start_beside(self: &Arc<Self>, place: usize) {
        self.beside(|stage| async move {
            let _ = stage.start(place, Clock::Judged, PATIENCE).await;
        });
    }

    /// Opens a session on a node as whoever administers it.
    pub(super) async fn log_in_anew(&self, place: usize) -> Result<()> {
        let former = self.state().operators.get(&place).map(|of| (of.user.clone(), of.password.clone()));
        let (user, password) = former.unwrap_or_else(|| (OPERATOR.into(), PASSWORD.into()));
        let session = self.node(place).api.login(&user, &password).await?;
        self.state().operators.insert(place, Operator { user, password, session });
        Ok(())
    }

    /// Lets the world's own operator take the place of one whose sessions were ended.
    pub(super) async fn relieve(&self, user: &str) -> Result<()> {
        let of_user = |(place, of): (&usize, &Operator)| (of.user == user).then_some(*place);
        let places: Vec<usize> = self.state().operators.iter().filter_map(of_user).collect();
        for place in places {
            self.state().operators.remove(&place);
            if self.plan.start == Start::Cluster && self.node(place).is_up().await {
                self.log_in_anew(place).await?;
            }
        }
        Ok(())
    }

    /// Pins on a node whom it does not know yet, and the node on those that do not know it, as far as they run.
    async fn pin_for(&self, place: usize) -> Result<()> {
        for other in (0..self.plan.nodes.len()).filter(|other| *other != place) {
            for (at, whom) in [(place, other), (other, place)] {
                let is_wanted = self.plan.invites(whom) && !self.state().pinned.contains(&(at, whom));
                if !is_wanted || !self.node(at).is_up().await || self.node(whom).lives() == 0 {
                    continue;
                }
                let Ok(admin) = self.operator(at) else { continue };
                match self.cluster.pin(at, &admin, whom).await {
                    Ok(()) => {
                        self.state().pinned.insert((at, whom));
                    }
                    // It may be frozen, or waiting for peers; it learns of the newcomer when it starts again.
                    Err(_) if at == other => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(())
    }

    /// Ends all faults: for those that heal for good, for the others never.
    pub(super) async fn heal(self: &Arc<Self>) -> Result<String> {
        self.forget_timers();
        let standing = self.standing();
        if let Some(network) = self.cluster.network() {
            network.mend_all();
            network.calm();
            network.part((0..self.plan.nodes.len()).filter(|place| !self.plan.heals(*place)));
        }
        for place in (0..self.plan.nodes.len()).filter(|place| !self.plan.invites(*place)) {
            if self.node(place).is_up().await {
                self.node(place).kill().await?;
            }
        }
        let mut started = 0;
        for place in &standing {
            self.mend_disk(*place).await?;
            let was_down = self.node(*place).launch(Clock::Judged).await?;
            if !was_down {
                self.node(*place).resume().await?;
            }
            started += usize::from(was_down);
        }
        for place in &standing {
            self.started(*place, Duration::from_millis(self.plan.settle_ms()).max(READY_WITHIN)).await?;
        }
        Ok(match started {
            0 => "ready".into(),
            some => format!("ready, {some} started again"),
        })
    }

    /// The members that heal in the end and were there.
    pub(super) fn standing(&self) -> Vec<usize> {
        let stands =
            |place: &usize| self.plan.heals(*place) && self.plan.invites(*place) && self.node(*place).lives() > 0;
        (0..self.plan.nodes.len()).filter(stands).collect()
    }

    /// Does something after a while, if there is one, beside what else happens.
    pub(super) fn later<F>(
        self: &Arc<Self>,
        lasts: Option<Span>,
        action: impl FnOnce(Arc<Stage>) -> F + Send + 'static,
    ) where
        F: Future<Output = ()> + Send + 'static,
    {
        if let Some(lasts) = lasts {
            self.beside(|stage| async move {
                tokio::time::sleep(lasts.0).await;
                action(stage).await;
            });
        }
    }

    fn beside<F>(self: &Arc<Self>, action: impl FnOnce(Arc<Stage>) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let task = action(self.clone());
        self.timers.lock().unwrap_or_else(PoisonError::into_inner).spawn(task);
    }

    /// What would end by itself does not any more.
    pub(super) fn forget_timers(&self) {
        self.timers.lock().unwrap_or_else(PoisonError::into_inner).abort_all();
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn node(&self, place: usize) -> &Node {
        &self.cluster.nodes()[place]
    }

    pub(super) fn network(&self) -> Result<&Arc<Network>> {
        self.cluster.network().context("this plan was to need no network of this world's")
    }

    pub(super) fn resolve(&self, on: &On) -> Result<Vec<usize>> {
        on.resolve(&self.plan.nodes).map_err(|name| anyhow!("there is no node {name}"))
    }

    pub(super) fn traffic(&self) -> Vec<NodeTraffic> {
        self.state().traffic.clone()
    }

    pub(super) fn operator(&self, place: usize) -> Result<Session> {
        let state = self.state();
        let operator = state.operators.get(&place);
        let operator =
            operator.with_context(|| format!("no administrator has logged in on {}", self.plan.nodes[place]))?;
        Ok(operator.session.clone())
    }

    pub(super) fn any_client(&self) -> Option<Client> {
        self.state().names.clients.values().find(|client| client.secret.is_some()).cloned()
    }

    pub(super) fn client(&self, name: &str) -> Result<Client> {
        let client = self.state().names.clients.get(name).cloned();
        client.with_context(|| format!("the client {name} was never created"))
    }

    pub(super) fn token(&self, name: &str) -> Result<Issued> {
        let token = self.state().names.tokens.get(name).cloned();
        token.with_context(|| format!("the token {name} was never issued"))
    }

    /// The session of this name: the one opened on the node, or the only one.
    pub(super) fn session(&self, name: &str, place: usize) -> Result<Session> {
        let state = self.state();
        let sessions = state.names.sessions.get(name);
        let sessions = sessions.with_context(|| format!("the session {name} was never opened"))?;
        sessions.get(&place).or_else(|| sessions.values().next()).cloned().context("a name stands for a session")
    }

    /// Where the copy of this name of a node's database lies.
    pub(super) fn copy(&self, place: usize, name: &str) -> PathBuf {
        let backups = (0..).zip(self.plan.steps()).filter_map(|(at, step)| match &step.verb {
            crate::plan::Verb::Backup(backup) if backup.backup == name => Some(at),
            _ => None,
        });
        // A name of the plan may hold anything; the place of its first step is a file name.
        let at: usize = backups.min().unwrap_or(usize::MAX);
        self.cluster.dir().join(format!("{}.backup-{at}", self.plan.nodes[place]))
    }
}

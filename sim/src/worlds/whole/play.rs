//! A plan that runs in this world: its state, and one step of time after the other. What the plan says is in `script`, what its
//! steps do is in `steps`, what comes of its calls is in `answers`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use anyhow::Result;

use symbolon_node::node::NodeError;

use super::answers::Open;
use super::calls::{Caller, Got};
use super::lies::Lies;
use super::record::{Entry, Seen};
use super::script::Script;
use super::world::World;
use crate::checks::{Checks, Continuity, Minted, Moment, Sight};
use crate::history::Recorder;
use crate::marks::Marks;
use crate::model::{Batch, Judgement};
use crate::plan::{Chance, Plan};
use crate::worlds::client::api::{Client, Session};
use crate::worlds::quick::{Counts, Planted, Reseed};

/// The plan begins then at the latest.
const BEGIN_MS: u64 = 1000;
/// A process that gave up is started anew after this.
const RESPAWN_MS: u64 = 500;

/// What arrives in an exchange: a frame, and what it is answered with.
const EXCHANGE: u64 = 2;

/// Answers of the desk, by the number of their call.
pub(super) type Answers = Arc<Mutex<Vec<(u64, Result<Got>)>>>;

/// A plan that runs.
pub(super) struct Play<'p> {
    pub plan: &'p Plan,
    pub planted: Option<Planted>,
    pub chance: Chance,
    pub world: World,
    pub script: Script,
    pub checks: Checks,
    pub names: Names,
    pub tokens: Vec<Minted>,
    pub judgements: Vec<Judgement>,
    pub callers: Vec<Caller>,
    pub open: BTreeMap<u64, Open>,
    pub answers: Answers,
    pub calls: u64,
    /// What hostile members said.
    pub lies: Lies,
    /// Calls of the plan that a node answered, whatever it said.
    pub answered: u64,
    pub counts: Counts,
    /// Requests of each node to peers.
    pub asked: Vec<u64>,
    pub marks: Marks,
    /// What is told of the run, if it was asked for.
    pub recorder: Option<Box<Recorder>>,
    /// Every node was up once.
    has_begun: bool,
    pub healed: bool,
    /// What went wrong in the world itself.
    pub trouble: Option<String>,
    later: BTreeMap<(u64, u64), Later>,
    scheduled: u64,
}

/// What the names of the plan stand for.
#[derive(Default)]
pub(super) struct Names {
    pub clients: BTreeMap<String, Client>,
    /// Which of all tokens, and the plan's name of its client.
    pub tokens: BTreeMap<String, (usize, String)>,
    pub sessions: BTreeMap<String, Session>,
}

/// The end of a fault.
pub(super) enum Later {
    Mends {
        ways: Vec<(usize, usize)>,
        cut: u64,
    },
    Unclogs(Vec<(usize, usize)>),
    Starts(usize),
    /// A supervisor begins another life after this one gave up.
    Respawns {
        node: usize,
        life: u64,
    },
    /// A supervisor ends this life and begins another.
    Restarts {
        node: usize,
        life: u64,
    },
    Resumes {
        node: usize,
        life: u64,
    },
    Hastens(usize),
    Rights {
        node: usize,
        step: u64,
    },
    Vouches(usize),
}

impl<'p> Play<'p> {
    pub(super) fn new(
        plan: &'p Plan,
        (planted, reseed): (Option<Planted>, Option<Reseed>),
        recording: bool,
    ) -> Play<'p> {
        let world = World::new(plan, (planted, reseed), recording);
        Play {
            plan,
            planted,
            chance: Chance::of(plan.seed, 50),
            script: Script::default(),
            checks: Checks::new(plan),
            names: Names::default(),
            tokens: Vec::new(),
            judgements: Vec::new(),
            callers: (0..plan.nodes.len()).map(|node| Caller::new(world.api(node))).collect(),
            open: BTreeMap::new(),
            answers: Answers::default(),
            calls: 0,
            lies: Lies::default(),
            answered: 0,
            counts: Counts::default(),
            asked: vec![0; plan.nodes.len()],
            marks: Marks::default(),
            recorder: recording.then(|| Box::new(world.recorder())),
            has_begun: false,
            healed: false,
            trouble: None,
            later: BTreeMap::new(),
            scheduled: 0,
            world,
        }
    }

    /// Whether nothing failed yet.
    pub(super) fn holds(&self) -> bool {
        self.checks.failure().is_none() && self.trouble.is_none()
    }

    /// Lets one step of time pass; false once something failed.
    pub(super) fn pass(&mut self) -> bool {
        while let Some(entry) = self.later.first_entry().filter(|entry| entry.key().0 <= self.world.at_ms()) {
            let later = entry.remove();
            self.comes(later);
        }
        if !self.healed && self.are_up() {
            self.go_on();
        }
        if let Err(problem) = self.world.step() {
            self.trouble.get_or_insert(problem);
        }
        self.see_news();
        self.take_answers();
        self.hear_of_lies();
        self.respawn();
        self.holds()
    }

    /// Whether the nodes that run at the beginning answer by now; the plan begins then.
    fn are_up(&mut self) -> bool {
        let is_up = |node: usize| self.world.life(node) == 0 || self.world.view(node).is_some();
        self.has_begun |= self.world.at_ms() >= BEGIN_MS || (0..self.plan.nodes.len()).all(is_up);
        self.has_begun
    }

    /// Lets time pass up to this instant; false once something failed.
    pub(super) fn pass_until(&mut self, end_ms: u64) -> bool {
        while self.world.at_ms() < end_ms {
            if !self.pass() {
                return false;
            }
        }
        true
    }

    pub(super) fn schedule(&mut self, at_ms: u64, later: Later) {
        self.scheduled += 1;
        self.later.insert((at_ms, self.scheduled), later);
    }

    pub(super) fn see(&mut self, node: usize, sight: &Sight<'_>) {
        self.checks.see(Moment { at_ms: self.world.at_ms(), node, plan: self.plan }, sight);
    }

    fn comes(&mut self, later: Later) {
        match later {
            Later::Mends { ways, cut } if !self.healed => {
                self.told(|recorder| recorder.mended(Some(cut)));
                self.world.mend(&ways);
            }
            Later::Mends { .. } => {}
            Later::Unclogs(ways) => self.world.unclog(&ways),
            Later::Starts(node) => self.world.start(node),
            Later::Restarts { node, life } if self.world.life(node) == life => {
                self.world.kill(node);
                self.world.start(node);
            }
            Later::Resumes { node, life } if self.world.life(node) == life => self.world.resume(node),
            Later::Respawns { node, life } if self.world.life(node) == life => self.world.start(node),
            Later::Restarts { .. } | Later::Resumes { .. } | Later::Respawns { .. } => {}
            Later::Hastens(node) => self.world.slow_disk(node, 0),
            Later::Rights { node, step } if self.world.clock_steps(node) == step => self.world.right_clock(node),
            Later::Rights { .. } => {}
            Later::Vouches(node) => self.vouch(node),
        }
    }

    pub(super) fn told(&mut self, tell: impl FnOnce(&mut Recorder)) {
        let at_ms = self.world.at_ms();
        if let Some(recorder) = &mut self.recorder {
            recorder.at(at_ms);
            tell(recorder);
        }
    }

    /// A supervisor starts processes that gave up, but for one that says that it has a clone: which of the two goes on is not for
    /// him to say.
    fn respawn(&mut self) {
        for node in 0..self.plan.nodes.len() {
            let why = self.world.take_gave_up(node);
            if why.is_some_and(|why| !matches!(why, NodeError::Superseded)) {
                let life = self.world.life(node);
                self.schedule(self.world.at_ms() + RESPAWN_MS, Later::Respawns { node, life });
            }
        }
    }

    /// Shows the checks what happened.
    fn see_news(&mut self) {
        for Entry { at_ms, node, what } in self.world.news() {
            self.told(|recorder| told(recorder, at_ms, node, &what));
            let sight = match &what {
                Seen::Booted { view, disk } => Sight::Booted { view, disk: *disk },
                Seen::Ended => Sight::Ended,
                Seen::Wrote(rows) => Sight::Wrote(Batch::new(rows)),
                Seen::Landed(rows) => Sight::Landed(rows),
                Seen::Published { before, after, wall } => {
                    let waiting = self.open.values_mut().filter(|open| open.node == node);
                    waiting.for_each(|open| open.later.push(after.clone()));
                    Sight::Published { before, after, wall: *wall }
                }
                Seen::Sent(frame) => {
                    self.asked[node] += 1;
                    Sight::Sent(frame)
                }
                Seen::Returned(frame) => {
                    self.counts.delivered += EXCHANGE;
                    Sight::Sent(frame)
                }
                Seen::Refused => {
                    self.counts.delivered += EXCHANGE;
                    continue;
                }
                Seen::Noted(fact) => {
                    self.marks.note(fact);
                    Sight::Noted(fact)
                }
                Seen::Secrets(secrets) => Sight::Secrets(secrets),
            };
            self.counts.events += 1;
            self.checks.see(Moment { at_ms, node, plan: self.plan }, &sight);
        }
    }
}

/// Tells what happened at a node. Who sent what to whom is not seen in this world.
fn told(recorder: &mut Recorder, at_ms: u64, node: usize, what: &Seen) {
    recorder.at(at_ms);
    match what {
        Seen::Booted { view, disk } => recorder.up(node, view, *disk == Continuity::Kept),
        Seen::Ended => recorder.down(node),
        Seen::Wrote(rows) => recorder.wrote(node, rows),
        Seen::Published { after, .. } => recorder.published(node, after),
        Seen::Noted(fact) => recorder.fact(node, fact),
        Seen::Landed(_) | Seen::Sent(_) | Seen::Returned(_) | Seen::Secrets(_) | Seen::Refused => {}
    }
}

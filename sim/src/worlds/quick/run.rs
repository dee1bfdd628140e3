//! A whole run: storm, heal, agreement, quiet, verdict. A pure function of the plan.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use symbolon_core::state::{Key, View};
use symbolon_core::time::Wall;

use super::node::Node;
use super::planted::{Planted, plant};
use super::trace::Trace;
use super::world::{Counts, Happening, World};
use crate::checks::{Calm, Check, Checks, End, Failure, Standing};
use crate::history::{History, Kind};
use crate::marks::Marks;
use crate::model::{Meaning, Sense};
use crate::plan::{Chance, Plan, Start, Verb};
use crate::worlds::{Done, Step};

/// A node at the end: what it publishes, and its clock.
type Shown = (usize, Arc<View>, Wall);

/// How often agreement is looked for.
const LOOK_MS: u64 = 100;

/// Other draws from a time on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reseed {
    /// True time. What was drawn before stays.
    pub at_ms: u64,
    /// Names the other draws.
    pub salt: u64,
}

/// What is kept beside the hash of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Recording {
    /// Nothing.
    Nothing,
    /// Its history.
    History,
    /// Every step of the hash.
    Steps,
}

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// What did not hold.
    pub failure: Option<Failure>,
    /// Over everything that happened.
    pub trace: [u8; 32],
    /// What it was made of.
    pub counts: Counts,
    /// From the heal to agreement.
    pub converged_ms: Option<u64>,
    /// What came of the acts, as far as they were reached.
    pub acts: Vec<Done>,
    /// Rare situations.
    pub marks: Marks,
    /// What it did, if that was asked for.
    pub history: Option<Box<History>>,
}

/// Runs a plan.
pub fn run(plan: &Plan) -> Verdict {
    run_planted(plan, None)
}

/// Runs a plan, and keeps its history.
pub fn tell(plan: &Plan) -> Verdict {
    tell_planted(plan, None)
}

/// Runs a plan in a world with a mistake, and keeps its history.
pub fn tell_planted(plan: &Plan, planted: Option<Planted>) -> Verdict {
    safely(plan, planted, Recording::History).0
}

/// Runs a plan, and keeps every step of its trace.
pub fn steps(plan: &Plan, planted: Option<Planted>) -> Vec<Step> {
    safely(plan, planted, Recording::Steps).1
}

/// Runs a plan, and shows everything that happens to an observer as well.
pub fn watch(plan: &Plan, observer: &mut dyn Check) -> Verdict {
    let mut world = World::new(plan, None, Recording::Nothing);
    world.observer = Some(observer);
    finish(world).0
}

/// Runs a plan, and tells what it all means in the end.
pub fn sense(plan: &Plan) -> (Verdict, Sense) {
    let mut sense = Sense::default();
    let (verdict, _) = finish_with(World::new(plan, None, Recording::Nothing), |world| sense = world.sense());
    (verdict, sense)
}

/// Runs a plan in a world with a mistake.
pub fn run_planted(plan: &Plan, planted: Option<Planted>) -> Verdict {
    safely(plan, planted, Recording::Nothing).0
}

/// Runs a plan whose draws are others from this time on: of network, disks and crashes, while the plan stays what it is.
pub fn run_reseeded(plan: &Plan, planted: Option<Planted>, reseed: Reseed) -> Verdict {
    let mut world = World::new(plan, planted, Recording::Nothing);
    world.reseed = Some(reseed);
    finish(world).0
}

fn safely(plan: &Plan, planted: Option<Planted>, recording: Recording) -> (Verdict, Vec<Step>) {
    finish(World::new(plan, planted, recording))
}

fn finish(world: World<'_>) -> (Verdict, Vec<Step>) {
    finish_with(world, |_| {})
}

/// A broken promise of the core is a panic; here it is a verdict. Who wants may look at the world as it ended.
fn finish_with(mut world: World<'_>, look: impl FnOnce(&World<'_>)) -> (Verdict, Vec<Step>) {
    plant(world.planted);
    let outcome = catch_unwind(AssertUnwindSafe(|| world.play()));
    plant(None);
    let (converged_ms, panicked) = match outcome {
        Ok(converged_ms) => (converged_ms, None),
        Err(panic) => (None, Some(words(&*panic))),
    };
    let at_ms = world.at_ms;
    let failed = |check, what| Failure { check, at_ms, node: None, what };
    let failure = match (panicked, world.trouble.take()) {
        (Some(what), _) => Some(failed("panic", what)),
        (None, Some(what)) => Some(failed("world", what)),
        (None, None) => world.checks.failure().cloned(),
    };
    look(&world);
    let (counts, marks) = (world.counts, world.marks);
    let history = world.recorder.map(|mut recorder| {
        if let Some(failure) = &failure {
            recorder.failed(failure);
        }
        Box::new(recorder.finish())
    });
    let (trace, steps) = world.trace.finish();
    let acts = world.script.done;
    (Verdict { failure, trace, counts, converged_ms, acts, marks, history }, steps)
}

/// What a panic said.
pub(in crate::worlds) fn words(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "a panic without words".into())
}

impl<'a> World<'a> {
    fn new(plan: &'a Plan, planted: Option<Planted>, recording: Recording) -> World<'a> {
        let nodes: Vec<Node> = (0..plan.nodes.len()).map(|place| Node::new(plan, place)).collect();
        let mut world = World {
            plan,
            script: Default::default(),
            planted,
            chance: Chance::of(plan.seed, 50),
            reseed: None,
            at_ms: 0,
            nodes,
            agenda: Default::default(),
            effects: Default::default(),
            carrying: false,
            checks: Checks::new(plan),
            observer: None,
            trace: Trace::new(recording == Recording::Steps),
            recorder: None,
            healed: false,
            cut: Default::default(),
            clogged: Default::default(),
            held: Default::default(),
            busy: Default::default(),
            sent: vec![0; plan.nodes.len() * plan.nodes.len()],
            heard: Default::default(),
            overheard: plan.steps().any(|step| matches!(step.verb, Verb::Replay(_) | Verb::Forge(_))),
            open: Default::default(),
            next_call: 0,
            pending: Default::default(),
            names: Default::default(),
            tokens: Vec::new(),
            judgements: Vec::new(),
            counts: Counts::default(),
            said: Default::default(),
            marks: Marks::default(),
            down: Default::default(),
            trouble: None,
        };
        if recording == Recording::History {
            world.record();
        }
        world
    }

    /// When the nodes agreed after the heal, if they did.
    fn play(&mut self) -> Option<u64> {
        if self.plan.start == Start::Acquainted {
            self.acquaint();
        }
        for node in (0..self.plan.nodes.len()).filter(|node| !self.plan.absent.contains(&self.plan.nodes[*node])) {
            self.schedule(0, Happening::Starts { node });
        }
        self.schedule(0, Happening::Act);
        if !self.run_storm() {
            return None;
        }
        let converged_ms = self.settle()?;
        let (ending, stood_ms) = (self.standing(), self.at_ms);
        let quiet = self.quiet(&ending)?;
        self.conclude((&ending, stood_ms), converged_ms, quiet);
        converged_ms
    }

    /// `None` if a check failed on the way; else the time that agreement took, if there was any.
    fn settle(&mut self) -> Option<Option<u64>> {
        let healed_ms = self.at_ms;
        let end_ms = healed_ms + self.plan.settle_ms();
        while self.at_ms < end_ms {
            if !self.run_until(self.at_ms + LOOK_MS) {
                return None;
            }
            if self.agree() {
                let (at_ms, after_ms) = (self.at_ms, self.at_ms - healed_ms);
                self.told(|recorder| {
                    recorder.at(at_ms);
                    recorder.entry(None, Kind::Converged { after_ms });
                });
                return Some(Some(after_ms));
            }
        }
        Some(None)
    }

    /// Counts the frames of a quiet time, if nothing disturbs it.
    fn quiet(&mut self, ending: &[Shown]) -> Option<Option<Calm>> {
        let beat_ms = self.plan.gossip.heartbeat_ms();
        if !self.run_until(self.at_ms + beat_ms) {
            return None;
        }
        let before = self.rounds(ending);
        if !self.run_until(self.at_ms + 2 * beat_ms) {
            return None;
        }
        let after = self.rounds(ending);
        let calm = Calm { span_ms: 2 * beat_ms, asked: after.0 - before.0, delivered: after.1 - before.1 };
        let still = ending.iter().all(|(node, view, _)| {
            self.view(*node)
                .is_some_and(|now| now.cells.vector() == view.cells.vector() && versions(&now) == versions(view))
        });
        Some(still.then_some(calm))
    }

    /// Requests of these nodes so far, and frames that arrived anywhere.
    fn rounds(&self, of: &[Shown]) -> (u64, u64) {
        (of.iter().map(|(node, _, _)| self.nodes[*node].asked).sum(), self.counts.delivered)
    }

    fn conclude(&mut self, (ending, stood_ms): (&[Shown], u64), converged_ms: Option<u64>, quiet: Option<Calm>) {
        let latest = |(node, view, _): &Shown| self.view(*node).unwrap_or_else(|| view.clone());
        let now: Vec<_> = ending.iter().map(latest).collect();
        let shown = ending.iter().zip(&now);
        let nodes: Vec<Standing<'_>> =
            shown.map(|((node, view, wall), latest)| Standing { node: *node, view, wall: *wall, latest }).collect();
        let end = End {
            at_ms: self.at_ms,
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
    fn healed(&self) -> impl Iterator<Item = usize> {
        let plan = self.plan;
        (0..plan.nodes.len()).filter(|node| plan.heals(*node) && plan.invites(*node) && self.nodes[*node].life > 0)
    }

    fn sense(&self) -> Sense {
        let standing = self.standing();
        let meaning = standing.first().map(|(node, view, _)| Meaning::of(self.plan, &self.stand(*node, view), self));
        Sense { meaning: meaning.unwrap_or_default(), judgements: self.judgements.clone() }
    }

    fn standing(&self) -> Vec<Shown> {
        self.healed()
            .filter_map(|node| Some((node, self.view(node)?, self.nodes[node].now(self.at_ms).wall)))
            .collect()
    }

    /// Whether all that healed hold the same, and serve.
    fn agree(&self) -> bool {
        let nodes = self.standing();
        nodes.len() == self.healed().count()
            && nodes.iter().all(|(node, view, _)| view.readiness.is_ready() && self.nodes[*node].disk.is_idle())
            && nodes.windows(2).all(|pair| alike(&pair[0].1, &pair[1].1, &self.said.in_doubt))
    }
}

/// Which version of each record a view holds.
pub(in crate::worlds) fn versions(view: &View) -> Vec<(symbolon_core::crdt::NodeId, u64)> {
    view.nodes.values().map(|record| (record.node, record.version)).collect()
}

/// Whether two views are one state, signing keys aside.
pub(in crate::worlds) fn same(one: &View, other: &View) -> bool {
    one.cells.root() == other.cells.root() && same_beside_cells(one, other)
}

/// Whether two views are one state, but for keys of which hostile members told different nodes different things: nothing can mend
/// that but another change.
pub(in crate::worlds) fn alike(one: &View, other: &View, in_doubt: &BTreeSet<Key>) -> bool {
    let told = |view: &View| {
        let certain = view.cells.iter().filter(|(key, _)| !in_doubt.contains(*key));
        let dots = certain.map(|(key, cell)| (key.clone(), cell.siblings().map(|sibling| sibling.dot).collect()));
        dots.filter(|(_, dots): &(_, Vec<_>)| !dots.is_empty()).collect::<Vec<_>>()
    };
    same(one, other) || (!in_doubt.is_empty() && same_beside_cells(one, other) && told(one) == told(other))
}

fn same_beside_cells(one: &View, other: &View) -> bool {
    let ring = |view: &View| view.ring.keys.iter().map(|key| key.id).collect::<Vec<_>>();
    one.cells.vector() == other.cells.vector()
        && one.revoked.iter().eq(other.revoked.iter())
        && versions(one) == versions(other)
        && one.token_keys.keys().eq(other.token_keys.keys())
        && ring(one) == ring(other)
}

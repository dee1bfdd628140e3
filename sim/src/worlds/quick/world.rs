//! The heap and its loop: what happens next, to whom, and what the effects of it become. The parts of the world are next door.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::hash::BuildHasher as _;

use foldhash::quality::FixedState;
use symbolon_core::replica::{CallId, Effect, Event, ExchangeId, Fact, WriteId};

use super::agenda::Agenda;
use super::calls::{Names, Pending};
use super::node::Node;
use super::script::Script;
use super::trace::Trace;
use super::{Planted, Reseed};
use crate::checks::{Check, Checks, Minted, Moment, Sight};
use crate::history::{Place, Recorder};
use crate::marks::Marks;
use crate::model::{Batch, Judgement};
use crate::plan::{Chance, Plan};
use crate::worlds::lies::Said;

/// A node that is woken so often within one millisecond spins.
const MOST_TICKS: u32 = 100;

/// Something that is going to happen.
pub(super) enum Happening {
    /// A node asked to be woken.
    Tick { node: usize, life: u64 },
    /// A frame arrives, perhaps with the name under which it left.
    Arrives { from: usize, to: usize, bytes: Vec<u8>, name: Option<u64>, reply_to: Option<ReplyTo>, message: Place },
    /// The reply to an exchange arrives.
    Returns { to: ReplyTo, outcome: Result<Vec<u8>, Option<symbolon_core::fault::Reject>>, message: Place },
    /// A commit is done.
    Commits { node: usize, life: u64, commit: u64 },
    /// The plan may go on.
    Act,
    /// A process comes up.
    Starts { node: usize },
    /// A process that gave up is started anew.
    Restarts { node: usize, life: u64 },
    /// A pause ends.
    Resumes { node: usize, life: u64 },
    /// The disk is as fast as before.
    Hastens { node: usize },
    /// Links are mended, one step.
    Mends { links: Vec<(usize, usize)>, cut: u64 },
    /// What waited on these links goes on, one clog less.
    Unclogs { links: Vec<(usize, usize)> },
    /// A process gives up and ends.
    GivesUp { node: usize, life: u64 },
    /// A clock is set right.
    Rights { node: usize, step: u64 },
    /// An operator vouches for a clock.
    Vouches { node: usize },
    /// The faults end.
    Heals,
}

/// Who awaits a reply.
#[derive(Clone, Copy)]
pub(super) struct ReplyTo {
    pub node: usize,
    pub life: u64,
    pub exchange: ExchangeId,
    pub from: usize,
    /// The request, in the history.
    pub message: Place,
}

/// Everything.
pub(super) struct World<'a> {
    pub plan: &'a Plan,
    pub script: Script,
    pub planted: Option<Planted>,
    pub chance: Chance,
    /// From then on its draws are others.
    pub reseed: Option<Reseed>,
    pub at_ms: u64,
    pub nodes: Vec<Node>,
    pub agenda: Agenda,
    pub effects: VecDeque<(usize, u64, Effect)>,
    pub carrying: bool,
    pub checks: Checks,
    pub observer: Option<&'a mut dyn Check>,
    pub trace: Trace,
    /// What is told of the run, if it was asked for.
    pub recorder: Option<Box<Recorder>>,
    pub healed: bool,
    /// Links that are cut, each as often as it was cut.
    pub cut: BTreeMap<(usize, usize), u32>,
    /// Links that hold what is sent, each as often as it was clogged.
    pub clogged: BTreeMap<(usize, usize), u32>,
    /// What they hold.
    pub held: Vec<((usize, usize), Happening)>,
    /// Until when a link of little bandwidth is busy.
    pub busy: BTreeMap<(usize, usize), u64>,
    /// Parcels sent on each link, by its place: from each node to each.
    pub sent: Vec<u64>,
    /// Old frames, for those who send them again: to whom, the bytes, the message of the history.
    pub heard: VecDeque<(usize, Vec<u8>, Place)>,
    /// Whether the plan has somebody who would.
    pub overheard: bool,
    /// Requests of peers that await a reply.
    pub open: BTreeMap<CallId, Option<ReplyTo>>,
    pub next_call: u64,
    pub pending: BTreeMap<CallId, Pending>,
    pub names: Names,
    pub tokens: Vec<Minted>,
    /// What callers heard of tokens.
    pub judgements: Vec<Judgement>,
    pub counts: Counts,
    /// What hostile members said.
    pub said: Said,
    pub marks: Marks,
    pub down: BTreeSet<usize>,
    /// What went wrong in the world itself.
    pub trouble: Option<String>,
}

/// What a run was made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Frames that arrived.
    pub delivered: u64,
    /// Calls of clients that were made.
    pub calls: u64,
    /// Faults that were done.
    pub faults: u64,
    /// Events that replicas handled.
    pub events: u64,
    /// Of them ticks.
    pub ticks: u64,
}

impl World<'_> {
    pub(super) fn schedule(&mut self, at_ms: u64, happening: Happening) {
        self.agenda.insert(at_ms, happening);
    }

    /// Lets everything happen up to this time; false once a check failed.
    pub(super) fn run_until(&mut self, end_ms: u64) -> bool {
        while self.agenda.next_ms().is_some_and(|at_ms| at_ms <= end_ms) {
            if !self.run_one() {
                return false;
            }
        }
        self.at_ms = end_ms;
        true
    }

    /// Lets everything happen until the storm is over; false once a check failed.
    pub(super) fn run_storm(&mut self) -> bool {
        while !self.healed {
            if !self.run_one() {
                return false;
            }
        }
        true
    }

    /// Lets the next thing happen; false if there is none, or a check failed.
    fn run_one(&mut self) -> bool {
        let Some((at_ms, happening)) = self.agenda.pop() else {
            return false;
        };
        self.at_ms = at_ms;
        if let Some(reseed) = self.reseed.take_if(|reseed| reseed.at_ms <= at_ms) {
            self.chance = self.chance.at(reseed.salt);
        }
        self.told(|recorder| recorder.at(at_ms));
        self.happen(happening);
        self.checks.failure().is_none() && self.trouble.is_none()
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Tick { node, life } => self.tick(node, life),
            Happening::Arrives { from, to, bytes, name, reply_to, message } => {
                self.arrives(from, to, (bytes, name), reply_to, message);
            }
            Happening::Returns { to, outcome, message } => self.returns(to, outcome, message),
            Happening::Commits { node, life, commit } => self.commits(node, life, commit),
            Happening::Act => self.go_on(),
            Happening::Starts { node } => self.start(node),
            Happening::Restarts { node, life } => self.restart(node, life),
            Happening::Resumes { node, life } => self.resume(node, life),
            Happening::GivesUp { node, life } => self.give_up(node, life),
            Happening::Hastens { node } => self.nodes[node].disk.slow_ms = 0,
            Happening::Mends { links, cut } => self.mend(&links, cut),
            Happening::Unclogs { links } => self.unclog(&links),
            Happening::Rights { node, step } => self.right(node, step),
            Happening::Vouches { node } => self.vouch(node),
            Happening::Heals => self.heal(),
        }
    }

    pub(super) fn name_call(&mut self) -> CallId {
        self.next_call += 1;
        CallId(self.next_call)
    }

    pub(super) fn see(&mut self, node: usize, sight: &Sight<'_>) {
        let moment = Moment { at_ms: self.at_ms, node, plan: self.plan };
        self.checks.see(moment, sight);
        if let Some(observer) = &mut self.observer
            && let Err(what) = observer.see(moment, sight)
        {
            self.trouble = Some(what);
        }
    }

    fn tick(&mut self, node: usize, life: u64) {
        let place = &mut self.nodes[node];
        if place.life != life || place.tick_at != Some(self.at_ms) {
            return;
        }
        place.tick_at = None;
        let again = if place.ticked_at == self.at_ms { place.ticks + 1 } else { 0 };
        (place.ticked_at, place.ticks) = (self.at_ms, again);
        if again > MOST_TICKS {
            let why = place.replica.as_ref().map(|replica| replica.deadline().1);
            self.trouble = Some(format!("{} asks to be woken at once, without end: {why:?}", self.plan.nodes[node]));
            return;
        }
        self.counts.ticks += 1;
        self.handle(node, Event::Tick);
    }

    /// Hands an event to a node, or keeps it while the node is paused, and carries out what comes of it.
    pub(super) fn handle(&mut self, node: usize, event: Event) {
        self.handle_named(node, event, None);
    }

    /// The same for a frame whose name may be known.
    pub(super) fn handle_named(&mut self, node: usize, event: Event, known: Option<u64>) {
        let now = self.nodes[node].now(self.at_ms);
        let place = &mut self.nodes[node];
        if let Some(waiting) = place.paused.as_mut() {
            waiting.push_back(event);
            return;
        }
        let Some(replica) = place.replica.as_mut() else {
            return;
        };
        self.counts.events += 1;
        let frame = match &event {
            Event::Frame { bytes, .. } => Some(known.unwrap_or_else(|| name(bytes))),
            _ => None,
        };
        let effects = replica.handle(now, event);
        let (life, began) = (place.life, place.began);
        let from = self.effects.len();
        self.effects.extend(effects.into_iter().map(|effect| (node, life, effect)));
        if let Some(name) = frame
            && !self.effects.range(from..).any(|(_, _, effect)| refuses(effect))
        {
            self.see(node, &Sight::Took { name, wall: now.wall, began });
        }
        self.carry_out();
        self.wake(node, self.at_ms);
    }

    /// Puts the next tick of a node on the heap, unless an earlier one is there.
    pub(super) fn wake(&mut self, node: usize, earliest_ms: u64) {
        let place = &mut self.nodes[node];
        let Some(replica) = place.replica.as_ref().filter(|_| place.paused.is_none()) else {
            return;
        };
        let due = replica.deadline().0.0.max(earliest_ms);
        if place.tick_at.is_some_and(|at| at <= due) {
            return;
        }
        place.tick_at = Some(due);
        let life = place.life;
        self.schedule(due, Happening::Tick { node, life });
    }

    /// Effects are carried out in order; those that come of them queue behind.
    pub(super) fn carry_out(&mut self) {
        if std::mem::replace(&mut self.carrying, true) {
            return;
        }
        while let Some((node, life, effect)) = self.effects.pop_front() {
            if self.nodes[node].life == life {
                self.carry_out_one(node, effect);
            }
        }
        self.carrying = false;
    }

    fn carry_out_one(&mut self, node: usize, effect: Effect) {
        match effect {
            Effect::Write { id, batch } => self.write(node, id, batch),
            Effect::Publish(view) => self.publish(node, view),
            Effect::Send { exchange, to, door: _, frame } => {
                if let Some(to) = self.addressed(&to) {
                    self.send(node, to, exchange, frame);
                }
            }
            Effect::Reply { call, outcome } => self.reply(node, call, outcome),
            Effect::Answer { call, reply } => self.answer(node, call, reply),
            Effect::Work { call, work } => self.work(node, call, &work),
            Effect::Note(fact) => {
                self.trace.fact(self.at_ms, node, &fact);
                self.told(|recorder| recorder.fact(node, &fact));
                self.mark_fact(node, &fact);
                self.see(node, &Sight::Noted(&fact));
                if let Fact::Superseded { stops: true, .. } = fact {
                    let life = self.nodes[node].life;
                    self.schedule(self.at_ms + 1, Happening::GivesUp { node, life });
                }
            }
        }
    }

    fn publish(&mut self, node: usize, view: std::sync::Arc<symbolon_core::state::View>) {
        let wall = self.nodes[node].now(self.at_ms).wall;
        let before = self.nodes[node].view.replace(view.clone());
        let before = before.unwrap_or_else(|| view.clone());
        self.told(|recorder| recorder.published(node, &view));
        self.mark_purge(node, &before, &view);
        self.see(node, &Sight::Published { before: &before, after: &view, wall });
    }

    fn write(&mut self, node: usize, id: WriteId, batch: Vec<symbolon_core::replica::Row>) {
        let secrets = self.nodes[node].source.take_given();
        self.see(node, &Sight::Secrets(&secrets));
        self.told(|recorder| recorder.wrote(node, &batch));
        self.see(node, &Sight::Wrote(Batch::new(&batch)));
        self.nodes[node].disk.waiting.push((id, batch));
        self.commit(node);
    }
}

/// The name of a frame in checks: all bytes count, and it is quick; nobody here looks for two frames of one name.
pub(in crate::worlds) fn name(frame: &[u8]) -> u64 {
    FixedState::with_seed(0).hash_one(frame)
}

/// Whether this tells a peer that his frame was refused.
fn refuses(effect: &Effect) -> bool {
    matches!(effect, Effect::Reply { outcome: Err(_), .. } | Effect::Note(Fact::Rejected { .. }))
}

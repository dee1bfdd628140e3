//! The acts of the plan, one after the other: when each begins, and when it ended. It does none of them itself.

use std::collections::BTreeSet;

use symbolon_core::replica::{CallId, Reply};

use super::world::{Happening, World};
use crate::checks::Failure;
use crate::history::Kind;
use crate::plan::{Act, Expect, Step, Verb, What};
use crate::worlds::Done;

/// How often something that is awaited is looked at.
const LOOK_MS: u64 = 5;
/// A step that needs longer has failed.
const PATIENCE_MS: u64 = 30_000;

/// Where the plan stands.
#[derive(Default)]
pub(super) struct Script {
    next: usize,
    /// What the act that is under way waits for.
    awaits: Option<Awaits>,
    /// Calls of the step that is under way.
    calls: BTreeSet<CallId>,
    /// The act whose calls are being made.
    asking: Option<usize>,
    /// Why the step that is under way was refused, where it must be.
    refusal: Option<String>,
    /// When the act that is under way began.
    began_ms: Option<u64>,
    /// What came of the acts so far.
    pub done: Vec<Done>,
}

/// What must come before the next act.
enum Awaits {
    /// Answers to all calls of the step.
    Answers { since_ms: u64 },
    /// These nodes are ready.
    Ready { nodes: Vec<usize>, since_ms: u64 },
    /// An expectation holds.
    Holds { since_ms: u64 },
    /// A time.
    Time(u64),
}

impl World<'_> {
    /// Goes on with the plan as far as it can now.
    pub(super) fn go_on(&mut self) {
        let plan = self.plan;
        while self.checks.failure().is_none() && self.trouble.is_none() {
            let Some(act) = plan.acts.get(self.script.next) else {
                let heals_ms = plan.until.ms().max(self.at_ms) + 1;
                return self.schedule(heals_ms, Happening::Heals);
            };
            if !self.is_over(act) {
                return;
            }
        }
    }

    /// Whether the act ended, so that the next one may begin. If not, it is looked at again in time.
    fn is_over(&mut self, act: &Act) -> bool {
        let over = match (self.script.awaits.take(), &act.what) {
            (None, What::Step(step)) => self.begin(act, step),
            (None, What::Expect(expect)) => {
                self.scene(act);
                self.expectation(act, expect, self.at_ms)
            }
            (Some(Awaits::Holds { since_ms }), What::Expect(expect)) => self.expectation(act, expect, since_ms),
            (Some(Awaits::Answers { since_ms }), _) => {
                self.script.calls.is_empty() || self.wait_on(act, Awaits::Answers { since_ms }, since_ms)
            }
            (Some(Awaits::Ready { nodes, since_ms }), _) => {
                let is_ready = |node: &usize| self.view(*node).is_some_and(|view| view.readiness.is_ready());
                nodes.iter().all(is_ready) || self.wait_on(act, Awaits::Ready { nodes, since_ms }, since_ms)
            }
            (Some(Awaits::Time(at_ms)), What::Step(step)) if self.at_ms >= at_ms => match step.verb {
                Verb::Wait(_) => true,
                _ => self.begin(act, step),
            },
            (Some(awaits @ (Awaits::Time(_) | Awaits::Holds { .. })), _) => {
                self.script.awaits = Some(awaits);
                false
            }
        };
        if over {
            self.ended(act);
            self.script.next += 1;
        }
        over
    }

    fn scene(&mut self, act: &Act) {
        if let Some(scene) = &act.scene {
            self.told(|recorder| recorder.entry(None, Kind::Scene { title: scene.clone() }));
        }
    }

    /// An act is over. A step that must be refused, and was not, fails.
    fn ended(&mut self, act: &Act) {
        let saw = match (&act.what, self.script.refusal.take()) {
            (What::Step(Step { refused: true, .. }), Some(why)) => format!("refused, as it must be: {why}"),
            (What::Step(Step { refused: true, .. }), None) => {
                return self.fails(act.line, "step", "it was not refused".into());
            }
            _ => String::new(),
        };
        self.done(Ok(saw));
    }

    fn done(&mut self, saw: Result<String, String>) {
        let began_ms = self.script.began_ms.take().unwrap_or(self.at_ms);
        self.script.done.push(Done { act: self.script.next, began_ms, ended_ms: self.at_ms, saw });
    }

    /// Begins a step; whether it ended as well.
    fn begin(&mut self, act: &Act, step: &Step) -> bool {
        if let Some(at) = step.at
            && at.ms() > self.at_ms
        {
            return self.wait_until(at.ms());
        }
        self.scene(act);
        self.script.began_ms = Some(self.at_ms);
        let nodes = step.on.resolve(&self.plan.nodes).unwrap_or_default();
        if let Verb::Wait(wait) = &step.verb {
            return self.wait_until(self.at_ms + wait.span.ms());
        }
        self.script.asking = step.at.is_none().then_some(act.line);
        self.step(&nodes, &step.verb);
        self.script.asking = None;
        if step.at.is_some() {
            return true;
        }
        let since_ms = self.at_ms;
        match &step.verb {
            Verb::Restart(_) => self.wait_on(act, Awaits::Ready { nodes, since_ms }, since_ms),
            _ if self.script.calls.is_empty() => true,
            _ => self.wait_on(act, Awaits::Answers { since_ms }, since_ms),
        }
    }

    fn wait_until(&mut self, at_ms: u64) -> bool {
        self.script.awaits = Some(Awaits::Time(at_ms));
        self.schedule(at_ms, Happening::Act);
        false
    }

    fn wait_on(&mut self, act: &Act, awaits: Awaits, since_ms: u64) -> bool {
        if self.at_ms >= since_ms + PATIENCE_MS {
            self.fails(act.line, "step", "it did not end".into());
            return false;
        }
        self.script.awaits = Some(awaits);
        self.schedule(self.at_ms + LOOK_MS, Happening::Act);
        false
    }

    /// Whether an expectation holds on all its nodes; if not and its time is over, the run failed.
    fn expectation(&mut self, act: &Act, expect: &Expect, since_ms: u64) -> bool {
        self.script.began_ms = Some(since_ms);
        let nodes = expect.on.resolve(&self.plan.nodes).unwrap_or_default();
        let Err(seen) = self.look(expect, &nodes) else {
            let took_ms = self.at_ms - since_ms;
            let after = if took_ms == 0 { String::new() } else { format!(", after {took_ms} ms") };
            let title = format!("on {}{after}: {}", expect.on.label(), expect.title());
            self.told(|recorder| recorder.entry(None, Kind::Expected { title, held: true }));
            return true;
        };
        let within_ms = expect.within.map_or(0, |within| within.ms());
        if self.at_ms >= since_ms + within_ms {
            self.fails(act.line, "expectation", format!("{}: {seen}, after {within_ms} ms", expect.title()));
            return false;
        }
        self.script.awaits = Some(Awaits::Holds { since_ms });
        self.schedule((self.at_ms + LOOK_MS).min(since_ms + within_ms), Happening::Act);
        false
    }

    /// A call was made for the step that is under way.
    pub(super) fn asked_by_script(&mut self, call: CallId) {
        if self.script.asking.is_some() {
            self.script.calls.insert(call);
        }
    }

    /// A call of the step that is under way was answered, or never will be. The step fails with it, unless the plan forgives.
    pub(super) fn answered_to_script(&mut self, call: CallId, reply: Option<&Reply>) -> bool {
        let is_ours = self.script.calls.remove(&call);
        if is_ours && let Some(Reply::Refused(refusal)) = reply {
            self.refused(&refusal.to_string());
        }
        is_ours
    }

    /// What a step asked for was refused, or makes no sense now.
    pub(super) fn refused(&mut self, why: &str) {
        self.told(|recorder| recorder.at_last_in_vain(why));
        let act = self.plan.acts.get(self.script.next);
        if let Some(Act { what: What::Step(Step { refused: true, .. }), .. }) = act {
            self.script.refusal = Some(why.to_owned());
        } else if !self.plan.forgiving {
            self.fails(act.map_or(0, |act| act.line), "step", why.to_owned());
        }
    }

    /// Runs this as a part of the step that is under way.
    pub(super) fn within_step(&mut self, is_ours: bool, action: impl FnOnce(&mut Self)) {
        let before = self.script.asking;
        if is_ours {
            self.script.asking = Some(self.script.next);
        }
        action(self);
        self.script.asking = before;
    }

    fn fails(&mut self, line: usize, check: &'static str, what: String) {
        if self.checks.failure().is_none() {
            self.done(Err(what.clone()));
        }
        let at = if line == 0 { String::new() } else { format!("line {line}: ") };
        self.checks.fail(Failure { check, at_ms: self.at_ms, node: None, what: format!("{at}{what}") });
    }
}

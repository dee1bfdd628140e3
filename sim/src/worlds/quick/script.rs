//! The acts of the plan, one after the other: when each begins, and when it ended. It does none of them itself.

use std::collections::BTreeSet;

use symbolon_core::replica::{CallId, Reply};

use super::world::{Happening, World};
use crate::checks::Failure;
use crate::history::Kind;
use crate::plan::{Act, Expect, Step, Verb, What};

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
            (None, What::Expect(expect)) => self.expectation(act, expect, self.at_ms),
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
            self.script.next += 1;
        }
        over
    }

    /// Begins a step; whether it ended as well.
    fn begin(&mut self, act: &Act, step: &Step) -> bool {
        if let Some(at) = step.at
            && at.ms() > self.at_ms
        {
            return self.wait_until(at.ms());
        }
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
        let nodes = expect.on.resolve(&self.plan.nodes).unwrap_or_default();
        let Err(seen) = self.look(expect, &nodes) else {
            let took_ms = self.at_ms - since_ms;
            let title = format!("{}, after {took_ms} ms", expect.title());
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
            self.refused(&format!("{refusal:?}"));
        }
        is_ours
    }

    /// What a step asked for was refused, or makes no sense now.
    pub(super) fn refused(&mut self, why: &str) {
        self.told(|recorder| recorder.in_vain(why));
        if !self.plan.forgiving {
            let line = self.plan.acts.get(self.script.next).map_or(0, |act| act.line);
            self.fails(line, "step", why.to_owned());
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
        let at = if line == 0 { String::new() } else { format!("line {line}: ") };
        self.checks.fail(Failure { check, at_ms: self.at_ms, node: None, what: format!("{at}{what}") });
    }
}

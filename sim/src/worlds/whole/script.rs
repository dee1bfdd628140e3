//! The acts of the plan, one after the other: when each begins, and when it ended. It does none of them itself.

use std::collections::BTreeSet;
use std::sync::Arc;

use symbolon_core::state::View;

use super::play::Play;
use crate::checks::{Failure, Minted};
use crate::history::Kind;
use crate::plan::{Act, Expect, Step, Verb, What};
use crate::worlds::Done;
use crate::worlds::look::{Known, Stand};

/// A step that needs longer has failed.
const PATIENCE_MS: u64 = 30_000;

/// Where the plan stands.
#[derive(Default)]
pub(super) struct Script {
    next: usize,
    /// What the act that is under way waits for, and since when.
    awaits: Option<(Awaits, u64)>,
    /// Calls of the step that is under way.
    pub calls: BTreeSet<u64>,
    /// Whether calls that are made now belong to it.
    pub is_asking: bool,
    /// When it is all over and heals.
    heals_ms: Option<u64>,
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
    Answers,
    /// These nodes are ready.
    Ready(Vec<usize>),
    /// An expectation holds.
    Holds,
    /// The step is due, or its wait over.
    Time(u64),
}

impl Play<'_> {
    /// Goes on with the plan as far as it can now, and heals when it is over.
    pub(super) fn go_on(&mut self) {
        let plan = self.plan;
        while self.holds() {
            let Some(act) = plan.acts.get(self.script.next) else {
                let now_ms = self.world.at_ms();
                let heals_ms = *self.script.heals_ms.get_or_insert(plan.until.ms().max(now_ms) + 1);
                if now_ms >= heals_ms {
                    self.heal();
                }
                return;
            };
            if !self.is_over(act) {
                return;
            }
            self.ended(act);
            self.script.next += 1;
        }
    }

    /// An act is over. A step that must be refused, and was not, fails.
    fn ended(&mut self, act: &Act) {
        let must_fail = self.must_fail();
        match self.script.refusal.take() {
            Some(why) if must_fail => self.done(Ok(format!("refused, as it must be: {why}"))),
            None if must_fail => self.fails(act.line, "step", "it was not refused"),
            _ => self.done(Ok(String::new())),
        }
    }

    fn done(&mut self, saw: Result<String, String>) {
        let ended_ms = self.world.at_ms();
        let began_ms = self.script.began_ms.take().unwrap_or(ended_ms);
        self.script.done.push(Done { act: self.script.next, began_ms, ended_ms, saw });
    }

    /// An act did not come to what it must; the first that did not stays.
    fn fails(&mut self, line: usize, check: &'static str, what: &str) {
        let at_ms = self.world.at_ms();
        if self.checks.failure().is_none() {
            self.done(Err(what.to_owned()));
        }
        let at = if line == 0 { String::new() } else { format!("line {line}: ") };
        self.checks.fail(Failure { check, at_ms, node: None, what: format!("{at}{what}") });
    }

    fn is_over(&mut self, act: &Act) -> bool {
        let now_ms = self.world.at_ms();
        match (self.script.awaits.take(), &act.what) {
            (None, What::Step(step)) => self.begin(step),
            (None, What::Expect(expect)) => self.expectation(act, expect, now_ms),
            (Some((Awaits::Holds, since_ms)), What::Expect(expect)) => self.expectation(act, expect, since_ms),
            (Some((Awaits::Answers, since_ms)), _) => {
                self.script.calls.is_empty() || self.wait_on(act, Awaits::Answers, since_ms)
            }
            (Some((Awaits::Ready(nodes), since_ms)), _) => {
                let is_ready = |node: &usize| self.world.view(*node).is_some_and(|view| view.readiness.is_ready());
                nodes.iter().all(is_ready) || self.wait_on(act, Awaits::Ready(nodes), since_ms)
            }
            (Some((Awaits::Time(due_ms), _)), What::Step(step)) if now_ms >= due_ms => match step.verb {
                Verb::Wait(_) => true,
                _ => self.begin(step),
            },
            (awaits @ Some((Awaits::Time(_) | Awaits::Holds, _)), _) => {
                self.script.awaits = awaits;
                false
            }
        }
    }

    /// Begins a step; whether it ended as well.
    fn begin(&mut self, step: &Step) -> bool {
        let now_ms = self.world.at_ms();
        let nodes = step.on.resolve(&self.plan.nodes).unwrap_or_default();
        self.script.began_ms = Some(now_ms);
        let due_ms = match (&step.verb, step.at) {
            (Verb::Wait(wait), _) => Some(now_ms + wait.span.ms()),
            (_, Some(at)) if at.ms() > now_ms => Some(at.ms()),
            _ => None,
        };
        if let Some(due_ms) = due_ms {
            self.script.awaits = Some((Awaits::Time(due_ms), now_ms));
            return false;
        }
        self.script.is_asking = step.at.is_none();
        self.step(&nodes, &step.verb);
        self.script.is_asking = false;
        let awaits = match &step.verb {
            _ if step.at.is_some() => return true,
            Verb::Restart(_) => Awaits::Ready(nodes),
            _ => Awaits::Answers,
        };
        self.script.awaits = Some((awaits, now_ms));
        false
    }

    fn wait_on(&mut self, act: &Act, awaits: Awaits, since_ms: u64) -> bool {
        if self.world.at_ms() >= since_ms + PATIENCE_MS {
            self.fails(act.line, "step", "it did not end");
        }
        self.script.awaits = Some((awaits, since_ms));
        false
    }

    /// Whether an expectation holds on all its nodes; if not and its time is over, the run failed.
    fn expectation(&mut self, act: &Act, expect: &Expect, since_ms: u64) -> bool {
        self.script.began_ms = Some(since_ms);
        let nodes = expect.on.resolve(&self.plan.nodes).unwrap_or_default();
        let Err(seen) = self.look(expect, &nodes) else {
            let title = format!("{}, after {} ms", expect.title(), self.world.at_ms() - since_ms);
            self.told(|recorder| recorder.entry(None, Kind::Expected { title, held: true }));
            return true;
        };
        let within_ms = expect.within.map_or(0, |within| within.ms());
        if self.world.at_ms() >= since_ms + within_ms {
            self.fails(act.line, "expectation", &format!("{}: {seen}, after {within_ms} ms", expect.title()));
        }
        self.script.awaits = Some((Awaits::Holds, since_ms));
        false
    }

    fn look(&self, expect: &Expect, nodes: &[usize]) -> Result<(), String> {
        let mut views: Vec<Arc<View>> = Vec::with_capacity(nodes.len());
        for node in nodes {
            let name = &self.plan.nodes[*node];
            let view = self.world.view(*node).ok_or_else(|| format!("{name} is down"))?;
            self.stand(*node, &view).shows(expect, self).map_err(|seen| format!("{name}: {seen}"))?;
            views.push(view);
        }
        if expect.converged == Some(true)
            && let Some(at) = views.windows(2).position(|pair| !self.same(&pair[0], &pair[1]))
        {
            return Err(format!("{} and {} differ", self.plan.nodes[nodes[at]], self.plan.nodes[nodes[at + 1]]));
        }
        Ok(())
    }

    /// A node as it stands now.
    pub(super) fn stand<'v>(&'v self, node: usize, view: &'v View) -> Stand<'v> {
        Stand { view, crypto: self.world.crypto(node), wall: self.world.now(node).wall }
    }

    /// Whether the step that is under way must be refused.
    pub(super) fn must_fail(&self) -> bool {
        let act = self.plan.acts.get(self.script.next);
        act.is_some_and(|act| matches!(&act.what, What::Step(Step { refused: true, .. })))
    }

    /// What a step asked for was refused, or makes no sense now.
    pub(super) fn refused(&mut self, why: &str) {
        self.told(|recorder| recorder.at_last_in_vain(why));
        if self.must_fail() {
            self.script.refusal = Some(why.to_owned());
        } else if !self.plan.forgiving {
            let line = self.plan.acts.get(self.script.next).map_or(0, |act| act.line);
            self.fails(line, "step", why);
        }
    }
}

impl Known for Play<'_> {
    fn client(&self, name: &str) -> Option<&str> {
        self.names.clients.get(name).map(|client| client.id.as_str())
    }

    fn token(&self, name: &str) -> Option<&Minted> {
        self.names.tokens.get(name).and_then(|(at, _)| self.tokens.get(*at))
    }

    fn session(&self, name: &str) -> Option<&str> {
        let session = self.names.sessions.get(name)?;
        session.cookie.split_once('=').map(|(_, value)| value)
    }
}

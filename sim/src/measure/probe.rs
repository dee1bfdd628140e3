//! An observer that takes the time: when a caller was told that something is done, and when the last node showed it. It
//! changes nothing.

use std::collections::BTreeMap;

use symbolon_core::replica::CallId;
use symbolon_core::state::{RevokedId, View};

use crate::checks::{Check, Kinds, Moment, Sight};
use crate::plan::{Verb, What};

/// Times of everything that was asked.
pub(super) struct Probe {
    nodes: usize,
    /// Steps that begin at a time on a node, not yet bound to a call.
    next: usize,
    calls: BTreeMap<CallId, usize>,
    watched: Vec<Watched>,
    tokens: BTreeMap<String, RevokedId>,
    /// Of what is watched, what some node does not show yet.
    open: Vec<usize>,
}

struct Watched {
    subject: Subject,
    told_ms: Option<u64>,
    shown: Vec<bool>,
    missing: usize,
    everywhere_ms: Option<u64>,
}

enum Subject {
    Scope(String),
    Token(RevokedId),
}

impl Subject {
    fn is_shown(&self, view: &View) -> bool {
        match self {
            Subject::Scope(name) => view.scope(name).is_some(),
            Subject::Token(id) => view.revoked.contains(id),
        }
    }
}

impl Probe {
    pub(super) fn new(nodes: usize) -> Probe {
        Probe {
            nodes,
            next: 0,
            calls: BTreeMap::new(),
            watched: Vec::new(),
            tokens: BTreeMap::new(),
            open: Vec::new(),
        }
    }

    /// From the answer until all nodes showed it. The node that answered may have been the last.
    fn samples(&self, wanted: impl Fn(&Subject) -> bool) -> impl Iterator<Item = u64> {
        let wanted = self.watched.iter().filter(move |watched| wanted(&watched.subject));
        wanted.filter_map(|watched| Some(watched.everywhere_ms?.saturating_sub(watched.told_ms?)))
    }

    pub(super) fn changes_ms(&self) -> Vec<u64> {
        self.samples(|subject| matches!(subject, Subject::Scope(_))).collect()
    }

    pub(super) fn revocations_ms(&self) -> Vec<u64> {
        self.samples(|subject| matches!(subject, Subject::Token(_))).collect()
    }

    /// The step of the plan that begins here and now, if it is one that is watched.
    fn subject(&mut self, moment: Moment<'_>) -> Option<Subject> {
        while let Some(act) = moment.plan.acts.get(self.next) {
            let What::Step(step) = &act.what else { return None };
            let at_ms = step.at.map_or(0, |at| at.ms());
            if at_ms > moment.at_ms {
                return None;
            }
            self.next += 1;
            if at_ms == moment.at_ms && step.on.names(&moment.plan.nodes[moment.node]) {
                return match &step.verb {
                    Verb::DefineScope(define) => Some(Subject::Scope(define.scope.clone())),
                    Verb::Revoke(revoke) => self.tokens.get(&revoke.token).copied().map(Subject::Token),
                    _ => None,
                };
            }
        }
        None
    }
}

impl Check for Probe {
    fn name(&self) -> &'static str {
        "probe"
    }

    fn watches(&self) -> Kinds {
        Kinds::ALL
    }

    fn see(&mut self, moment: Moment<'_>, sight: &Sight<'_>) -> Result<(), String> {
        match sight {
            Sight::Issued(minted) => {
                self.tokens.insert(minted.name.clone(), minted.id);
            }
            Sight::Asked(call) => {
                if let Some(subject) = self.subject(moment) {
                    self.calls.insert(*call, self.watched.len());
                    self.open.push(self.watched.len());
                    let shown = vec![false; self.nodes];
                    self.watched.push(Watched {
                        subject,
                        told_ms: None,
                        shown,
                        missing: self.nodes,
                        everywhere_ms: None,
                    });
                }
            }
            Sight::Answered { call, .. } => {
                if let Some(watched) = self.calls.remove(call) {
                    self.watched[watched].told_ms = Some(moment.at_ms);
                }
            }
            Sight::Published { after, .. } => {
                let watched = &mut self.watched;
                self.open.retain(|open| {
                    let one = &mut watched[*open];
                    if !one.shown[moment.node] && one.subject.is_shown(after) {
                        one.shown[moment.node] = true;
                        one.missing -= 1;
                        one.everywhere_ms = (one.missing == 0).then_some(moment.at_ms);
                    }
                    one.missing > 0
                });
            }
            _ => {}
        }
        Ok(())
    }
}

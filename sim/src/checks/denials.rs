//! A client whose deletion was acknowledged is gone for good, everywhere, whatever was done to it meanwhile.

use std::collections::{BTreeMap, BTreeSet};

use symbolon_core::replica::{CallId, Reply, Request};

use super::{Check, Continuity, End, Kinds, Moment, Sight};

#[derive(Default)]
pub(super) struct Denials {
    asked: BTreeMap<CallId, String>,
    /// The clients, and where they were deleted.
    deleted: BTreeMap<String, usize>,
    broken: BTreeSet<usize>,
}

impl Check for Denials {
    fn name(&self) -> &'static str {
        "denials"
    }

    fn watches(&self) -> Kinds {
        Kinds::BOOTED | Kinds::WANTED | Kinds::ANSWERED
    }

    fn see(&mut self, moment: Moment<'_>, sight: &Sight<'_>) -> Result<(), String> {
        match sight {
            Sight::Wanted { call, request: Request::DeleteClient { id } } => {
                self.asked.insert(*call, id.clone());
            }
            Sight::Answered { call, reply, .. } => {
                if let (Some(id), Reply::Done(_)) = (self.asked.remove(call), reply) {
                    self.deleted.insert(id, moment.node);
                }
            }
            Sight::Booted { disk: Continuity::Broken, .. } => {
                self.broken.insert(moment.node);
            }
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, end: &End<'_>) -> Result<(), String> {
        for (id, by) in self.deleted.iter().filter(|(_, by)| !self.broken.contains(by)) {
            let healed = end.converged_ms.is_some() && end.nodes.iter().any(|standing| standing.node == *by);
            let still = end.nodes.iter().find(|standing| !standing.view.client_is_denied(id));
            if let Some(standing) = still.filter(|_| healed) {
                return Err(format!(
                    "{} deleted {id}, and {} does not deny it",
                    end.name(*by),
                    end.name(standing.node)
                ));
            }
        }
        Ok(())
    }
}

//! No fact is noted that means that something broke, unless the plan broke it.

use symbolon_core::fault::Reject;
use symbolon_core::replica::Fact;

use super::{Check, Moment, Sight};
use crate::plan::Verb;

pub(super) struct Facts;

impl Check for Facts {
    fn name(&self) -> &'static str {
        "facts"
    }

    fn see(&mut self, moment: Moment<'_>, sight: &Sight<'_>) -> Result<(), String> {
        let Sight::Noted(fact) = sight else { return Ok(()) };
        let planned = |wanted: fn(&Verb) -> bool| moment.plan.steps().any(|step| wanted(&step.verb));
        let fine = match fact {
            Fact::Unsound | Fact::Diverged { .. } => false,
            Fact::StoreFailed { .. } => planned(|verb| matches!(verb, Verb::FailDisk(_))),
            Fact::Superseded { stops, .. } => !stops,
            Fact::Restored { .. } => {
                planned(|verb| matches!(verb, Verb::RestoreBackup(_) | Verb::LoseDisk(_) | Verb::TearDisk(_)))
            }
            Fact::Rejected { reason: Reject::Oversized, .. } => planned(|verb| matches!(verb, Verb::Forge(_))),
            Fact::Rejected { reason: Reject::Forged | Reject::Version, .. } => false,
            _ => true,
        };
        if fine { Ok(()) } else { Err(format!("{fact:?}")) }
    }
}

//! No fact is noted that means that something broke, unless the plan broke it.

use symbolon_core::fault::Reject;
use symbolon_core::replica::Fact;

use super::{Check, Kinds, Moment, Sight};
use crate::plan::{Step, Verb};

pub(super) struct Facts;

impl Check for Facts {
    fn name(&self) -> &'static str {
        "facts"
    }

    fn watches(&self) -> Kinds {
        Kinds::NOTED
    }

    fn see(&mut self, moment: Moment<'_>, sight: &Sight<'_>) -> Result<(), String> {
        let Sight::Noted(fact) = sight else { return Ok(()) };
        let planned = |wanted: fn(&Verb) -> bool| moment.plan.steps().any(|step| wanted(&step.verb));
        let fine = match fact {
            Fact::Unsound => false,
            Fact::Diverged { .. } => planned(|verb| matches!(verb, Verb::Equivocate(_))),
            Fact::StoreFailed { .. } => planned(|verb| matches!(verb, Verb::FailDisk(_) | Verb::Clone(_))),
            Fact::Superseded { stops, .. } => !stops || planned(|verb| matches!(verb, Verb::Clone(_))),
            Fact::Restored { .. } => planned(|verb| {
                matches!(verb, Verb::RestoreBackup(_) | Verb::LoseDisk(_) | Verb::TearDisk(_)) || verb.is_hostile()
            }),
            Fact::Rejected { reason: Reject::Oversized, .. } => planned(|verb| matches!(verb, Verb::Forge(_))),
            // Whoever speaks in a member's name also confuses what others believe that it holds, and they tell it so.
            Fact::Rejected { reason: Reject::Forged, .. } => {
                let in_its_name = |step: &Step| step.verb.is_hostile() && step.on.names(moment.name());
                planned(|verb| matches!(verb, Verb::ForgeDots(_))) || moment.plan.steps().any(in_its_name)
            }
            Fact::Rejected { reason: Reject::Version, .. } => false,
            _ => true,
        };
        if fine { Ok(()) } else { Err(words(fact)) }
    }
}

/// Why a fact means that something broke.
fn words(fact: &Fact) -> String {
    match fact {
        Fact::Unsound => "the disk does not hold what was written to it".into(),
        Fact::Diverged { with } => format!("as much is held here as at {with}, and yet not the same"),
        Fact::StoreFailed { reason } => format!("the disk failed, and no step broke it: {reason}"),
        Fact::Superseded { .. } => "a later life of this node exists, and it gives up".into(),
        Fact::Restored { from, ops } => {
            format!("{from} shows it {ops} changes of its own that it does not hold, and no step took its disk")
        }
        Fact::Rejected { from: Some(from), reason } => format!("a frame of {from} is refused: {}", spaced(*reason)),
        Fact::Rejected { from: None, reason } => format!("a frame is refused: {}", spaced(*reason)),
        other => format!("{other:?}"),
    }
}

fn spaced(reason: Reject) -> String {
    reason.name().replace('_', " ")
}

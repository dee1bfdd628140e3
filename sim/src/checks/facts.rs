//! No fact is noted that means that something broke, unless the plan broke it.

use symbolon_core::fault::Reject;
use symbolon_core::replica::Fact;

use super::{Check, Moment, Sight};
use crate::plan::drawn::Deed;

pub(super) struct Facts;

impl Check for Facts {
    fn name(&self) -> &'static str {
        "facts"
    }

    fn see(&mut self, moment: Moment<'_>, sight: &Sight<'_>) -> Result<(), String> {
        let Sight::Noted(fact) = sight else { return Ok(()) };
        let planned = |wanted: fn(&Deed) -> bool| moment.plan.items.iter().any(|item| wanted(&item.deed));
        let fine = match fact {
            Fact::Unsound | Fact::Diverged { .. } => false,
            Fact::StoreFailed { .. } => planned(|deed| matches!(deed, Deed::FailDisk { .. })),
            Fact::Superseded { stops, .. } => !stops,
            Fact::Restored { .. } => planned(|deed| matches!(deed, Deed::RestoreDisk { .. } | Deed::LoseDisk { .. })),
            Fact::Rejected { reason: Reject::Forged | Reject::Version | Reject::Oversized, .. } => false,
            _ => true,
        };
        if fine { Ok(()) } else { Err(format!("{fact:?}")) }
    }
}

//! What befalls the clock of a node.

use serde::{Deserialize, Serialize};

use super::{Yes, lasting};
use crate::plan::{Shift, Span};

/// Moves the wall clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepClock {
    /// How far.
    #[serde(rename = "step-clock")]
    pub by: Shift,
    /// For how long; until the process starts again or the heal if absent.
    #[serde(rename = "for", default, skip_serializing_if = "Option::is_none")]
    pub lasts: Option<Span>,
}

/// Stops the wall clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FreezeClock {
    /// Always `true`.
    #[serde(rename = "freeze-clock")]
    pub yes: Yes,
    /// For how long; until the process starts again or the heal if absent. Then it is right again.
    #[serde(rename = "for", default, skip_serializing_if = "Option::is_none")]
    pub lasts: Option<Span>,
}

/// An operator vouches for the clock of a node that would not trust it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AcceptClock {
    /// Always `true`.
    #[serde(rename = "accept-clock")]
    pub yes: Yes,
}

impl StepClock {
    pub(super) fn title(&self) -> String {
        format!("step the clock by {}{}", self.by, lasting(self.lasts))
    }
}

impl FreezeClock {
    pub(super) fn title(&self) -> String {
        format!("freeze the clock{}", lasting(self.lasts))
    }
}

impl AcceptClock {
    pub(super) fn title(&self) -> String {
        "vouch for the clock".into()
    }
}

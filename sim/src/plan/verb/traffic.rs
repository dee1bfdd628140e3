//! Sustained traffic: each round gets a token on one node and introspects it on the next, rotating over nodes and clients.

use serde::{Deserialize, Serialize};

use crate::plan::Span;

/// The most loops that one traffic step may run at a time.
pub const MAX_LOOPS: usize = 256;

/// Token traffic over the nodes of the step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Traffic {
    /// For how long.
    #[serde(rename = "traffic")]
    pub span: Span,
    /// For how long in a short run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub short: Option<Span>,
    /// The clients, by their names in the plan.
    pub clients: Vec<String>,
    /// Loops that run side by side.
    #[serde(default = "four")]
    pub loops: usize,
    /// The pause of a loop after each round.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gap: Option<Span>,
}

fn four() -> usize {
    4
}

impl Traffic {
    pub(super) fn title(&self) -> String {
        format!("traffic of {} clients", self.clients.len())
    }

    /// How long it lasts in a run of this kind.
    pub fn lasts(&self, short: bool) -> Span {
        self.short.filter(|_| short).unwrap_or(self.span)
    }
}

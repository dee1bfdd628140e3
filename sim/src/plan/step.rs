//! A step: when, where, and the verb.

use serde::Serialize;

use super::{On, Span, Verb};

/// Something that the plan does.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Step {
    /// When, counted from the begin of the run; right after the former step if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Span>,
    /// On which nodes, one after the other.
    pub on: On,
    /// It must be refused; else it must not be.
    #[serde(skip_serializing_if = "super::is_default")]
    pub refused: bool,
    /// What.
    #[serde(rename = "do")]
    pub verb: Verb,
}

//! What befalls a process, and time that passes.

use serde::{Deserialize, Serialize};

use super::Yes;
use crate::plan::Span;

/// Ends the process at once, as a power cut would (`SIGKILL`). What was on its way to the disk got there in part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kill {
    /// Always `true`.
    #[serde(rename = "kill")]
    pub yes: Yes,
    /// It starts again after this; else a step does it, or the heal.
    #[serde(rename = "for", default, skip_serializing_if = "Option::is_none")]
    pub lasts: Option<Span>,
}

/// Asks the process to end (`SIGTERM`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stop {
    /// Always `true`.
    #[serde(rename = "stop")]
    pub yes: Yes,
    /// It starts again after this; else a step does it, or the heal.
    #[serde(rename = "for", default, skip_serializing_if = "Option::is_none")]
    pub lasts: Option<Span>,
}

/// Starts the process, and waits until it is ready.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Restart {
    /// Always `true`.
    #[serde(rename = "restart")]
    pub yes: Yes,
}

/// Freezes the process (`SIGSTOP`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pause {
    /// Always `true`.
    #[serde(rename = "pause")]
    pub yes: Yes,
    /// It goes on after this; else a step does it, or the heal.
    #[serde(rename = "for", default, skip_serializing_if = "Option::is_none")]
    pub lasts: Option<Span>,
}

/// Lets a frozen process go on (`SIGCONT`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resume {
    /// Always `true`.
    #[serde(rename = "resume")]
    pub yes: Yes,
}

/// Lets time pass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wait {
    /// How much.
    #[serde(rename = "wait")]
    pub span: Span,
}

impl Kill {
    pub(super) fn title(&self) -> String {
        format!("kill{}", super::lasting(self.lasts))
    }
}

impl Stop {
    pub(super) fn title(&self) -> String {
        format!("stop{}", super::lasting(self.lasts))
    }
}

impl Restart {
    pub(super) fn title(&self) -> String {
        "start again".into()
    }
}

impl Pause {
    pub(super) fn title(&self) -> String {
        format!("freeze{}", super::lasting(self.lasts))
    }
}

impl Resume {
    pub(super) fn title(&self) -> String {
        "thaw".into()
    }
}

impl Wait {
    pub(super) fn title(&self) -> String {
        format!("wait {}", self.span)
    }
}

//! What befalls a disk: lost, put back to an older copy, slow, failing, torn.

use serde::{Deserialize, Serialize};

use super::{Yes, lasting};
use crate::plan::Span;

/// The process ends at once, and its database is gone; its identity stays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoseDisk {
    /// Always `true`.
    #[serde(rename = "lose-disk")]
    pub yes: Yes,
    /// It starts again after this; else a step does it, or the heal.
    #[serde(rename = "for", default, skip_serializing_if = "Option::is_none")]
    pub lasts: Option<Span>,
}

/// Copies the database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Backup {
    /// The copy's name in the plan; each node of the step has its own.
    #[serde(rename = "backup")]
    pub backup: String,
}

/// The process ends at once, and its database is a copy that was made earlier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RestoreBackup {
    /// The copy's name in the plan.
    #[serde(rename = "restore-backup")]
    pub backup: String,
    /// It starts again after this; else a step does it, or the heal.
    #[serde(rename = "for", default, skip_serializing_if = "Option::is_none")]
    pub lasts: Option<Span>,
}

/// Commits take up to so much longer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SlowDisk {
    /// How much.
    #[serde(rename = "slow-disk")]
    pub by: Span,
    /// For how long; until the heal if absent.
    #[serde(rename = "for", default, skip_serializing_if = "Option::is_none")]
    pub lasts: Option<Span>,
}

/// The next commit fails, as on a full disk; a supervisor starts the process anew after a while.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FailDisk {
    /// Always `true`.
    #[serde(rename = "fail-disk")]
    pub yes: Yes,
    /// After how long the process starts anew; else a step does it, or the heal.
    #[serde(rename = "for", default, skip_serializing_if = "Option::is_none")]
    pub lasts: Option<Span>,
}

/// The process ends in the middle of a write, and the disk keeps half of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TearDisk {
    /// Always `true`.
    #[serde(rename = "tear-disk")]
    pub yes: Yes,
    /// It starts again after this; else a step does it, or the heal.
    #[serde(rename = "for", default, skip_serializing_if = "Option::is_none")]
    pub lasts: Option<Span>,
}

impl LoseDisk {
    pub(super) fn title(&self) -> String {
        format!("lose the disk{}", lasting(self.lasts))
    }
}

impl Backup {
    pub(super) fn title(&self) -> String {
        format!("back up the disk as {}", self.backup)
    }
}

impl RestoreBackup {
    pub(super) fn title(&self) -> String {
        format!("restore the disk from {}{}", self.backup, lasting(self.lasts))
    }
}

impl SlowDisk {
    pub(super) fn title(&self) -> String {
        format!("the disk is slower by up to {}{}", self.by, lasting(self.lasts))
    }
}

impl FailDisk {
    pub(super) fn title(&self) -> String {
        format!("the disk refuses a write{}", lasting(self.lasts))
    }
}

impl TearDisk {
    pub(super) fn title(&self) -> String {
        format!("a write is torn{}", lasting(self.lasts))
    }
}

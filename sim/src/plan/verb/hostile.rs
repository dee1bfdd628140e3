//! What a hostile member does. Somebody holds the keys of the nodes of the step and signs lies with them, or runs a copy of a
//! node; the processes of these nodes know nothing of it.

use serde::{Deserialize, Serialize};

use crate::plan::Shift;

/// The most peers that one step lies to.
pub const MAX_LIED_TO: usize = 16;

/// A member tells every other that a third one made a change that it never made: without the third one's mark, with a mark of
/// the member's own hand, and with a true one that does not reach so far.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForgeDots {
    /// Whose change it is said to be.
    #[serde(rename = "forge-dots")]
    pub of: String,
}

/// A member tells each of these peers another thing under one name: of one scope, defined once, another description.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Equivocate {
    /// The scope.
    #[serde(rename = "equivocate")]
    pub scope: String,
    /// The peers.
    pub to: Vec<String>,
}

/// A member tells every other a time that is so far off: once as the time at which its frame was sent, and if it lies ahead,
/// once as the stamp of a change of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LieAboutTime {
    /// How far.
    #[serde(rename = "lie-about-time")]
    pub by: Shift,
}

/// The node of the step begins as another one: with its identity, and with a copy of its disk as it is now, while the other runs
/// on. It must be absent and uninvited, so that nobody knows it as anything else, and it is gone after the heal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clone {
    /// Which.
    #[serde(rename = "clone")]
    pub of: String,
}

impl ForgeDots {
    pub(super) fn title(&self) -> String {
        format!("claim changes that {} never made", self.of)
    }
}

impl Equivocate {
    pub(in crate::plan) fn problem(&self) -> Option<String> {
        let sound = (2..=MAX_LIED_TO).contains(&self.to.len());
        (!sound).then(|| format!("`to` names 2 to {MAX_LIED_TO} peers, each of which hears something else"))
    }

    pub(super) fn title(&self) -> String {
        format!("tell {} different things of scope {}", self.to.join(" "), self.scope)
    }
}

impl LieAboutTime {
    pub(super) fn title(&self) -> String {
        format!("speak of a time that is {} off", self.by)
    }
}

impl Clone {
    pub(super) fn title(&self) -> String {
        format!("run a copy of {}", self.of)
    }
}

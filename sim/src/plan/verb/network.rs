//! What befalls links: partitions, one-way cuts, clogs, and their end; frames that somebody else sends.

use serde::{Deserialize, Serialize};

use super::{Yes, lasting};
use crate::plan::Span;

/// Nodes of different groups do not hear each other; a node in several groups is a bridge, one in no group is alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Partition {
    /// The groups.
    #[serde(rename = "partition")]
    pub groups: Vec<Vec<String>>,
    /// For how long; until a `heal` or the end if absent.
    #[serde(rename = "for", default, skip_serializing_if = "Option::is_none")]
    pub lasts: Option<Span>,
}

/// What the nodes of the step send to another is lost; what it sends arrives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cut {
    /// The other.
    #[serde(rename = "cut")]
    pub to: String,
    /// For how long; until a `heal` or the end if absent.
    #[serde(rename = "for", default, skip_serializing_if = "Option::is_none")]
    pub lasts: Option<Span>,
}

/// What the nodes of the step send to another waits on the way until the clog ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clog {
    /// The other.
    #[serde(rename = "clog")]
    pub to: String,
    /// For how long; until a `heal` or the end if absent.
    #[serde(rename = "for", default, skip_serializing_if = "Option::is_none")]
    pub lasts: Option<Span>,
}

/// Partitions, cuts and clogs end, everywhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Heal {
    /// Always `true`.
    #[serde(rename = "heal")]
    pub yes: Yes,
}

/// Somebody on the way sends an old frame to the nodes of the step, whomever it was meant for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Replay {
    /// Which: counted back from the last one.
    #[serde(rename = "replay")]
    pub back: u64,
}

/// Somebody sends bytes of his own making to the nodes of the step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Forge {
    /// What they are.
    #[serde(rename = "forge")]
    pub what: Forgery,
}

/// Bytes of an attacker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Forgery {
    /// Random ones.
    Noise,
    /// More than a frame may have.
    Oversized,
    /// A true frame without its end.
    Truncated,
    /// A true frame with some bytes altered.
    Tampered,
}

impl Partition {
    /// The links that are cut, each from the first place to the second.
    pub fn links(&self, nodes: &[String]) -> Vec<(usize, usize)> {
        let together = |one: &String, other: &String| {
            self.groups.iter().any(|group| group.contains(one) && group.contains(other))
        };
        let mut links = Vec::new();
        for (from, one) in nodes.iter().enumerate() {
            for (to, other) in nodes.iter().enumerate() {
                if from != to && !together(one, other) {
                    links.push((from, to));
                }
            }
        }
        links
    }

    pub(in crate::plan) fn problem(&self) -> Option<String> {
        let sound = !self.groups.is_empty() && self.groups.iter().all(|group| !group.is_empty());
        (!sound).then(|| "a partition has groups of nodes: partition = [[\"n1\"], [\"n2\", \"n3\"]]".into())
    }

    pub(super) fn title(&self) -> String {
        let groups: Vec<_> = self.groups.iter().map(|group| group.join(" ")).collect();
        format!("split {}{}", groups.join(" | "), lasting(self.lasts))
    }
}

impl Cut {
    pub(super) fn title(&self) -> String {
        format!("cut the way to {}{}", self.to, lasting(self.lasts))
    }
}

impl Clog {
    pub(super) fn title(&self) -> String {
        format!("clog the way to {}{}", self.to, lasting(self.lasts))
    }
}

impl Heal {
    pub(super) fn title(&self) -> String {
        "mend all links".into()
    }
}

impl Replay {
    pub(super) fn title(&self) -> String {
        format!("an old frame comes again ({} back)", self.back)
    }
}

impl Forge {
    pub(super) fn title(&self) -> String {
        let what = match self.what {
            Forgery::Noise => "noise comes as a frame",
            Forgery::Oversized => "an oversized frame comes",
            Forgery::Truncated => "half a frame comes",
            Forgery::Tampered => "an altered frame comes",
        };
        what.into()
    }
}

//! Who is meant: `on` names nodes, a vantage names the client through which a token is looked at.

use serde::{Deserialize, Serialize};

/// The nodes that a step acts on, or that an expectation looks at: a name, a list of names, or `"all"`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "`on` is the name of a node, a list of names, or \"all\"")]
pub enum On {
    /// One node, or `"all"`.
    One(String),
    /// These nodes, in this order.
    Many(Vec<String>),
}

/// The client that authenticates where a token is looked at: its own client, unless another is named.
pub type Vantage = Option<String>;

impl Default for On {
    fn default() -> On {
        On::One("all".into())
    }
}

impl On {
    /// The positions of the meant nodes in `nodes`.
    ///
    /// # Errors
    /// The first name that is none of them.
    pub fn resolve(&self, nodes: &[String]) -> Result<Vec<usize>, String> {
        let names = match self {
            On::One(all) if all == "all" => return Ok((0..nodes.len()).collect()),
            On::One(name) => std::slice::from_ref(name),
            On::Many(names) => names,
        };
        names.iter().map(|name| nodes.iter().position(|node| node == name).ok_or_else(|| name.clone())).collect()
    }

    /// Whether it names this node, and not merely all.
    pub fn names(&self, node: &str) -> bool {
        match self {
            On::One(name) => name == node,
            On::Many(names) => names.iter().any(|name| name == node),
        }
    }

    /// For people.
    pub fn label(&self) -> String {
        match self {
            On::One(name) => name.clone(),
            On::Many(names) => names.join(" "),
        }
    }
}

/// `n1` to so many.
pub(super) fn numbered(count: usize) -> Vec<String> {
    (1..=count).map(|number| format!("n{number}")).collect()
}

/// `nodes = 3`, or `nodes = ["n1", "n2"]`.
pub(super) mod nodes {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    use super::numbered;
    use crate::plan::MAX_NODES;

    #[derive(Serialize, Deserialize)]
    #[serde(untagged, expecting = "`nodes` is a number or a list of names")]
    enum Nodes {
        Count(usize),
        Names(Vec<String>),
    }

    pub fn serialize<S: Serializer>(nodes: &[String], serializer: S) -> Result<S::Ok, S::Error> {
        let whole = match nodes == numbered(nodes.len()) {
            true => Nodes::Count(nodes.len()),
            false => Nodes::Names(nodes.to_vec()),
        };
        whole.serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
        match Nodes::deserialize(deserializer)? {
            Nodes::Count(count) if (1..=MAX_NODES).contains(&count) => Ok(numbered(count)),
            Nodes::Names(names) if (1..=MAX_NODES).contains(&names.len()) => Ok(names),
            Nodes::Count(_) | Nodes::Names(_) => {
                Err(D::Error::custom(format!("`nodes` must be 1 to {MAX_NODES}, or as many names")))
            }
        }
    }
}

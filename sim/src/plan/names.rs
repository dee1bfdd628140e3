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
}

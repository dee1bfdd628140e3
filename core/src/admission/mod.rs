//! Admission: who may speak, and whose records count. Functions of configuration and state; it opens nothing and counts nothing.

use crate::config::Config;
use crate::crdt::NodeId;
use crate::crypto::VerifyingKey;
use crate::crypto::keys::node_id;
use crate::fault::Reject;
use crate::state::{NodeRecord, PinnedPeer, View};
use crate::wire::record;

use std::sync::Arc;

/// The peer whose pinned gossip key bears this subject key identifier.
///
/// # Errors
/// [`Reject::UnknownSender`] if no pinned key bears it.
pub fn sender<'a>(view: &'a View, signer: &[u8; 20]) -> Result<&'a Arc<PinnedPeer>, Reject> {
    let mut id = [0; 16];
    id.copy_from_slice(&signer[..16]);
    let peer = view.pinned.get(&NodeId(id)).ok_or(Reject::UnknownSender)?;
    if peer.gossip_key_id() != signer {
        return Err(Reject::UnknownSender);
    }
    Ok(peer)
}

/// Whether the allowlist lets this pinned peer speak.
pub fn may_speak(view: &View, peer: &PinnedPeer) -> bool {
    let name = view.nodes.get(&peer.node).map_or("", |record| &record.name);
    is_allowed(&view.config, peer.node, name)
}

/// Whether the allowlist lets this node in, by id or by name. An empty one lets in whoever is pinned.
pub fn is_allowed(config: &Config, node: NodeId, name: &str) -> bool {
    let listed = &config.allowed_nodes;
    listed.is_empty() || listed.contains(&node.to_string()) || listed.contains(name)
}

/// Whether the token keys of this record count here: its node is this one, is pinned, or was vouched for by a member that
/// passed the record on; the allowlist has the last word. A name counts for pinned nodes alone: its author chose it, and
/// nobody here has met the author of a record that was only passed on.
pub fn may_sign_tokens(view: &View, record: &NodeRecord) -> bool {
    let name = if view.pinned.contains_key(&record.node) { &*record.name } else { "" };
    record.node == view.identity.node || is_allowed(&view.config, record.node, name)
}

/// Judges a record, with its gossip key parsed: it names the node that this key determines, and the key signed it in this cluster.
///
/// # Errors
/// [`Reject::Forged`].
pub fn judge(record: &NodeRecord, key: &dyn VerifyingKey, cluster: &[u8; 16]) -> Result<(), Reject> {
    let names_itself = record.node == NodeId(node_id(&record.gossip_key));
    if names_itself && record::verify(record, key, cluster) { Ok(()) } else { Err(Reject::Forged) }
}

//! What every simulated world gives its nodes alike: a beginning of time, a user, a configuration. It runs nothing.

use std::collections::BTreeMap;

use symbolon_core::config::{Config, MAX_FRAME_BYTES, StaticUser};
use symbolon_core::replica::{Seed, Table};
use symbolon_core::state::PinnedPeer;
use symbolon_core::wire::row;

use crate::plan::Plan;

/// What a disk holds.
pub(in crate::worlds) type Rows = BTreeMap<(Table, Vec<u8>), Vec<u8>>;

/// The wall clock at the beginning. Purge marks move five seconds later, amid the storm, so that clocks step around them.
pub(in crate::worlds) const EPOCH_MS: u64 = 1_800_000_015_000;
/// The name of every login.
pub(in crate::worlds) const USER: &str = "alice";
/// And its password.
pub(in crate::worlds) const PASSWORD: &str = "alice123";
/// After the heal, where the peers that could confirm a clock may be gone for ever, an operator does.
pub(in crate::worlds) const VOUCH_MS: u64 = 1000;
/// More bytes than a frame may have.
pub(in crate::worlds) const OVERSIZED: usize = MAX_FRAME_BYTES + 1;

/// A node of the plan, as it is told at boot: in this cluster, and reached by this scheme.
pub(in crate::worlds) fn config(plan: &Plan, place: usize, cluster: &str, scheme: &str) -> Config {
    let name = plan.nodes[place].clone();
    Config {
        cluster: cluster.into(),
        address: format!("{scheme}://{name}"),
        name,
        issuer: "https://issuer.example".into(),
        allowed_nodes: Default::default(),
        gossip: plan.gossip.config(),
        tokens: plan.tokens.config(),
        users: vec![StaticUser {
            name: USER.into(),
            password_hash: PASSWORD.into(),
            groups: ["admins".to_owned()].into(),
        }],
        admin_group: "admins".into(),
    }
}

/// The rows of a disk on which these peers are pinned.
pub(in crate::worlds) fn pins(peers: impl IntoIterator<Item = Seed>) -> Rows {
    let row = |Seed { node, gossip_key, kem_key, address }: Seed| {
        let peer = PinnedPeer::new(node, gossip_key, kem_key, address);
        ((Table::Pinned, node.0.to_vec()), row::pinned(&peer))
    };
    peers.into_iter().map(row).collect()
}

//! What gossip counted, with what only the replica knows.

use super::Replica;
use crate::gossip::Stats;

impl Replica {
    pub(super) fn stats(&self) -> Stats {
        let view = &self.durable;
        let mut stats = self.gossip.stats.clone();
        stats.generation = view.cells.vector().get(self.replica_id());
        stats.digest = view.cells.root().to_string();
        for peer in self.gossip.peers.values() {
            let mut counted = peer.stats.clone();
            counted.lag_ops = peer.lag(view);
            if let Some(record) = view.nodes.get(&peer.node) {
                counted.name = Some(record.name.clone());
            }
            stats.peers.insert(peer.node, counted);
        }
        stats
    }
}

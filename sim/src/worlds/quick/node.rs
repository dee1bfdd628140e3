//! One node of the quick world: a replica, a disk that is a map, a clock that errs, and the life that it is in. It decides
//! nothing; the world tells it what happens.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use symbolon_core::config::Config;
use symbolon_core::crypto::Crypto;
use symbolon_core::envelope::Envelope;
use symbolon_core::replica::{Event, IdentityKeys, Recovered, Replica, Row, Seed, Table, WriteId};
use symbolon_core::state::View;
use symbolon_core::time::{Now, Tick, Wall};

use super::crypto::{self, Source};
use crate::checks::Continuity;
use crate::plan::{Chance, ClockError, Plan};
use crate::worlds::simulated::{self, EPOCH_MS, Rows};

/// One node.
pub(super) struct Node {
    pub config: Arc<Config>,
    pub keys: IdentityKeys,
    pub crypto: Crypto,
    pub envelope: Arc<dyn Envelope>,
    pub source: Arc<Source>,
    pub replica: Option<Replica>,
    /// Counts lives; what belongs to a former one is void.
    pub life: u64,
    /// When this life began, by the node's own clock.
    pub began: Wall,
    pub view: Option<Arc<View>>,
    pub disk: Disk,
    pub clock: ClockError,
    /// A step of the clock that lasts for a while.
    pub step_ms: i64,
    /// What a clock shows that stands still.
    pub frozen: Option<Wall>,
    /// Counts the steps of the clock.
    pub steps: u64,
    /// What happens to it while it is paused waits here.
    pub paused: Option<VecDeque<Event>>,
    /// Whether its disk was exchanged since its last life.
    pub broken: Continuity,
    /// When its next tick is due, as far as that is on the heap.
    pub tick_at: Option<u64>,
    /// When it last dropped empty cells.
    pub dropped_at: Option<u64>,
    /// When it was woken last.
    pub ticked_at: u64,
    /// How often at that time.
    pub ticks: u32,
    /// Requests to peers.
    pub asked: u64,
}

/// A disk, and the writes that are on their way to it.
#[derive(Default)]
pub(super) struct Disk {
    pub rows: Rows,
    pub waiting: Vec<(WriteId, Vec<Row>)>,
    pub committing: Vec<(WriteId, Vec<Row>)>,
    pub commits: u64,
    pub slow_ms: u64,
    pub fails: bool,
    /// The life of which a write failed: nothing more of it is taken.
    pub failed: Option<u64>,
    /// Old copies, by their names in the plan.
    pub copies: BTreeMap<String, Rows>,
}

impl Node {
    pub(super) fn new(plan: &Plan, place: usize) -> Node {
        let source = Arc::new(Source::new(Chance::of(plan.seed, 100).at(place as u64).word()));
        let crypto = crypto::crypto(source.clone());
        Node {
            config: Arc::new(simulated::config(plan, place, super::CLUSTER, "https")),
            keys: IdentityKeys::generate(&crypto),
            crypto,
            envelope: super::envelope::of(plan),
            source,
            replica: None,
            life: 0,
            began: Wall(0),
            view: None,
            disk: Disk::default(),
            clock: plan.clocks.get(&plan.nodes[place]).copied().unwrap_or_default(),
            step_ms: 0,
            frozen: None,
            steps: 0,
            paused: None,
            broken: Continuity::Kept,
            tick_at: None,
            dropped_at: None,
            ticked_at: 0,
            ticks: 0,
            asked: 0,
        }
    }

    /// Both clocks at this true time.
    pub(super) fn now(&self, at_ms: u64) -> Now {
        let drift = at_ms as i64 * self.clock.ppm / 1_000_000;
        let wall = (EPOCH_MS + at_ms).saturating_add_signed(self.clock.offset.0 + drift + self.step_ms);
        Now { tick: Tick(at_ms), wall: self.frozen.unwrap_or(Wall(wall)) }
    }

    pub(super) fn recovered(&self) -> Recovered {
        let rows = self.disk.rows.iter().map(|((table, key), value)| Row {
            table: *table,
            key: key.clone(),
            value: Some(value.clone()),
        });
        Recovered { rows: rows.collect() }
    }

    /// As an operator names it to a peer.
    pub(super) fn seed(&self) -> Seed {
        Seed {
            node: self.keys.node(),
            gossip_key: self.keys.gossip_key(),
            kem_key: Box::new(*self.keys.kem_key()),
            address: self.config.address.clone(),
        }
    }
}

impl Disk {
    /// Whether nothing is on its way to it.
    pub(super) fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.committing.is_empty()
    }

    /// The pinned peers: they lie beside the identity too, and outlast the rest.
    pub(super) fn pins(&self) -> Rows {
        let pinned = self.rows.iter().filter(|((table, _), _)| *table == Table::Pinned);
        pinned.map(|(key, value)| (key.clone(), value.clone())).collect()
    }

    pub(super) fn apply(&mut self, batch: Vec<Row>) {
        for Row { table, key, value } in batch {
            match value {
                Some(value) => self.rows.insert((table, key), value),
                None => self.rows.remove(&(table, key)),
            };
        }
    }
}

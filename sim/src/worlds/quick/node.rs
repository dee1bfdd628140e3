//! One node of the quick world: a replica, a disk that is a map, a clock that errs, and the life that it is in. It decides
//! nothing; the world tells it what happens.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use symbolon_core::config::{Config, GossipConfig, StaticUser, TokenConfig};
use symbolon_core::crypto::Crypto;
use symbolon_core::replica::{Event, IdentityKeys, Recovered, Replica, Row, Seed, Table, WriteId};
use symbolon_core::state::View;
use symbolon_core::time::{Now, Tick, Wall};

use super::crypto::{self, Source};
use crate::checks::Continuity;
use crate::plan::drawn::{Chance, Clock, Drawn};

/// The wall clock at the beginning.
pub(super) const EPOCH_MS: u64 = 1_800_000_000_000;
/// The name of every login.
pub(super) const USER: &str = "alice";
/// And its password.
pub(super) const PASSWORD: &str = "alice123";

/// What a disk holds.
pub(super) type Rows = BTreeMap<(Table, Vec<u8>), Vec<u8>>;

/// One node.
pub(super) struct Node {
    pub config: Arc<Config>,
    pub keys: IdentityKeys,
    pub crypto: Crypto,
    pub source: Arc<Source>,
    pub replica: Option<Replica>,
    /// Counts lives; what belongs to a former one is void.
    pub life: u64,
    pub view: Option<Arc<View>>,
    pub disk: Disk,
    pub clock: Clock,
    /// A step of the clock that lasts for a while.
    pub step_ms: i64,
    /// Counts the steps of the clock.
    pub steps: u64,
    /// What happens to it while it is paused waits here.
    pub paused: Option<VecDeque<Event>>,
    /// Whether its disk was exchanged since its last life.
    pub broken: Continuity,
    /// When its next tick is due, as far as that is on the heap.
    pub tick_at: Option<u64>,
    /// When it was woken last.
    pub ticked_at: u64,
    /// How often at that time.
    pub ticks: u32,
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
    /// Old copies, by when they were taken.
    pub copies: BTreeMap<u64, Rows>,
}

impl Node {
    pub(super) fn new(plan: &Drawn, place: usize) -> Node {
        let source = Arc::new(Source::new(Chance::of(plan.seed, 100).at(place as u64).word()));
        let crypto = crypto::crypto(source.clone());
        Node {
            config: Arc::new(config(plan, place)),
            keys: IdentityKeys::generate(&crypto),
            crypto,
            source,
            replica: None,
            life: 0,
            view: None,
            disk: Disk::default(),
            clock: plan.clocks.get(place).copied().unwrap_or_default(),
            step_ms: 0,
            steps: 0,
            paused: None,
            broken: Continuity::Kept,
            tick_at: None,
            ticked_at: 0,
            ticks: 0,
        }
    }

    /// Both clocks at this true time.
    pub(super) fn now(&self, at_ms: u64) -> Now {
        let drift = at_ms as i64 * self.clock.ppm / 1_000_000;
        let wall = (EPOCH_MS + at_ms).saturating_add_signed(self.clock.offset_ms + drift + self.step_ms);
        Now { tick: Tick(at_ms), wall: Wall(wall) }
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

    pub(super) fn apply(&mut self, batch: &[Row]) {
        for Row { table, key, value } in batch {
            match value {
                Some(value) => self.rows.insert((*table, key.clone()), value.clone()),
                None => self.rows.remove(&(*table, key.clone())),
            };
        }
    }
}

fn config(plan: &Drawn, place: usize) -> Config {
    use std::time::Duration;
    let pace = plan.pace;
    let name = format!("n{}", place + 1);
    Config {
        cluster: "quick".into(),
        address: format!("https://{name}"),
        name,
        issuer: "https://issuer.example".into(),
        allowed_nodes: Default::default(),
        gossip: GossipConfig {
            interval: Duration::from_millis(pace.interval_ms),
            heartbeat: Duration::from_millis(pace.heartbeat_ms),
            fanout: pace.fanout,
            round_timeout: Duration::from_millis(pace.round_timeout_ms),
            max_clock_drift: Duration::from_millis(pace.drift_ms),
            remove_horizon: Duration::from_millis(pace.remove_horizon_ms),
            ..GossipConfig::default()
        },
        tokens: TokenConfig {
            access_ttl: Duration::from_secs(pace.token_ttl_s),
            key_lifetime: Duration::from_secs(pace.key_lifetime_s),
            jwks_max_age: Duration::from_millis(pace.jwks_max_age_ms),
            ..TokenConfig::default()
        },
        users: vec![StaticUser {
            name: USER.into(),
            password_hash: PASSWORD.into(),
            groups: ["admins".to_owned()].into(),
        }],
        admin_group: "admins".into(),
    }
}

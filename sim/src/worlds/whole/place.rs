//! One node of the whole world as the world sees it: who it is, and its disk, clock and life. Its ports share it; it does
//! nothing by itself.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use symbolon_core::config::Config;
use symbolon_core::crypto::Crypto;
use symbolon_core::replica::{IdentityKeys, Seed};
use symbolon_core::state::View;
use symbolon_core::time::{Now, Tick, Wall};
use symbolon_node::handle::Handle;
use symbolon_node::node::NodeError;
use tokio::sync::watch;

use super::disk::Disk;
use super::drawn::Drawn;
use super::record::Record;
use crate::worlds::quick::crypto::Source;
use crate::worlds::simulated::EPOCH_MS;

/// One node.
pub(super) struct Place {
    pub index: usize,
    pub config: Arc<Config>,
    pub crypto: Crypto,
    pub source: Arc<Source>,
    pub chance: Drawn,
    pub record: Arc<Record>,
    keys: Mutex<IdentityKeys>,
    disk: Mutex<Disk>,
    skew: Mutex<Skew>,
    life: Mutex<Life>,
}

/// How its wall clock errs.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Skew {
    pub offset_ms: i64,
    pub ppm: i64,
    /// A step that lasts for a while.
    pub step_ms: i64,
    /// It stands still at this reading.
    pub frozen: Option<Wall>,
    /// Counts the steps, so that one does not end another.
    pub steps: u64,
}

/// The life that it is in.
#[derive(Default)]
pub(super) struct Life {
    /// Counts lives; what belongs to a former one is void.
    pub number: u64,
    /// Whether its process runs.
    pub runs: bool,
    /// The way to its replica, while it runs.
    pub handle: Option<Handle>,
    /// Asks its process to end.
    pub stopper: Option<watch::Sender<bool>>,
    /// It was asked to.
    pub is_stopping: bool,
    /// What it published last.
    pub view: Option<Arc<View>>,
    /// When its replica was booted last, by its own clock.
    pub began: Wall,
    /// Why it gave up, if it did.
    pub gave_up: Option<NodeError>,
    /// Whether its disk was exchanged since its last life.
    pub disk_is_another: bool,
    /// Whether that ever happened to it.
    pub was_robbed: bool,
}

impl Place {
    pub(super) fn new(
        index: usize,
        config: Config,
        (source, crypto): (Arc<Source>, Crypto),
        (chance, skew): (Drawn, Skew),
        record: Arc<Record>,
    ) -> Place {
        Place {
            index,
            config: Arc::new(config),
            keys: Mutex::new(IdentityKeys::generate(&crypto)),
            crypto,
            source,
            chance,
            record,
            disk: Mutex::default(),
            skew: Mutex::new(skew),
            life: Mutex::default(),
        }
    }

    /// Who it is.
    pub(super) fn keys(&self) -> IdentityKeys {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// It is somebody else from its next life on.
    pub(super) fn take_identity(&self, keys: IdentityKeys) {
        *self.keys.lock().unwrap_or_else(PoisonError::into_inner) = keys;
    }

    pub(super) fn disk(&self) -> MutexGuard<'_, Disk> {
        self.disk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn skew(&self) -> MutexGuard<'_, Skew> {
        self.skew.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn life(&self) -> MutexGuard<'_, Life> {
        self.life.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Both clocks at this true time.
    pub(super) fn now(&self, at_ms: u64) -> Now {
        let skew = *self.skew();
        let drift_ms = at_ms as i64 * skew.ppm / 1_000_000;
        let right = (EPOCH_MS + at_ms).saturating_add_signed(skew.offset_ms + drift_ms + skew.step_ms);
        Now { tick: Tick(at_ms), wall: skew.frozen.unwrap_or(Wall(right)) }
    }

    /// As an operator names it to a peer.
    pub(super) fn seed(&self) -> Seed {
        let keys = self.keys();
        Seed {
            node: keys.node(),
            gossip_key: keys.gossip_key(),
            kem_key: Box::new(*keys.kem_key()),
            address: self.config.address.clone(),
        }
    }

    /// What it shows, while it runs.
    pub(super) fn view(&self) -> Option<Arc<View>> {
        let life = self.life();
        life.handle.as_ref().and(life.view.clone())
    }

    pub(super) fn runs(&self) -> bool {
        self.life().runs
    }
}

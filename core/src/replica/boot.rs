//! The beginning of a life: what the disk gives back, a fresh incarnation, and the first write. Every boot that writes takes
//! an incarnation of its own, so that no disk, however old or copied, can ever use a dot twice.

use std::collections::BTreeMap;
use std::sync::Arc;

use imbl::OrdMap;

use super::merge::MAX_REVOCATION_AHEAD;
use super::{IdentityKeys, Replica, Row, Table};
use crate::config::{Config, MAX_ADDRESS_BYTES, MAX_ID_BYTES};
use crate::crdt::{Digest, DottedStore, ExpiringSet, Incarnation, NodeId, ReplicaId, VersionVector};
use crate::crypto::Crypto;
use crate::envelope::{Cms, Envelope};
use crate::state::{Key, NodeRecord, PinnedPeer, RevokedId, Value};
use crate::time::{Now, Wall};
use crate::wire::mark::Mark;
use crate::wire::row::{self, Meta};
use crate::zoo::{self, Bug};

/// Everything that the store held, in any order.
#[derive(Debug, Default)]
pub struct Recovered {
    /// The rows; each has a value.
    pub rows: Vec<Row>,
}

/// Why a replica cannot begin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BootError {
    /// The data does not match its own digest. The node must come back empty, and catches up from its peers.
    #[error("the data in the store does not match its own digest")]
    Unsound,
    /// A newer version wrote this store.
    #[error("the store has rows of version {found}, and this build knows {known}")]
    NewerStore {
        /// The version found.
        found: u32,
        /// The newest known here.
        known: u32,
    },
    /// A row cannot be read.
    #[error("a row of table {table} cannot be read: {problem}")]
    BadRow {
        /// The table.
        table: &'static str,
        /// What was expected.
        problem: String,
    },
    /// The configuration contradicts itself.
    #[error("{0}")]
    Config(String),
}

/// The rows, read.
pub(super) struct Loaded {
    pub cells: DottedStore<Key, Value>,
    pub marks: OrdMap<ReplicaId, Mark>,
    pub records: OrdMap<crate::crdt::NodeId, Arc<NodeRecord>>,
    pub former: OrdMap<(NodeId, Incarnation), Arc<NodeRecord>>,
    pub pinned: OrdMap<crate::crdt::NodeId, Arc<PinnedPeer>>,
    pub revoked: ExpiringSet<RevokedId>,
    pub secrets: BTreeMap<Vec<u8>, Vec<u8>>,
    pub meta: Option<Meta>,
}

/// The digest over everything that a store promises to give back unchanged.
pub(super) fn store_digest(cells: &DottedStore<Key, Value>) -> Digest {
    let mut text = Vec::with_capacity(16 + 32 * cells.vector().len());
    text.extend_from_slice(&cells.root().0);
    for (replica, seq) in cells.vector().iter() {
        text.extend_from_slice(&replica.node.0);
        text.extend_from_slice(&replica.incarnation.0.to_be_bytes());
        text.extend_from_slice(&seq.to_be_bytes());
    }
    Digest::of(&text)
}

/// An incarnation greater than every one that this node, its disk and its peers know, with a random tail so that two clones
/// that boot in one millisecond differ.
pub(super) fn fresh_incarnation(known: Incarnation, now: Wall, crypto: &Crypto) -> Incarnation {
    const TAIL_BITS: u32 = 20;
    if zoo::on(Bug::IncarnationKept) && known.0 > 0 {
        return known;
    }
    let tail = u64::from(u32::from_be_bytes(*crypto.bytes::<4>())) & ((1 << TAIL_BITS) - 1);
    const HEAD_MAX: u64 = u64::MAX >> TAIL_BITS;
    let head = (known.0 >> TAIL_BITS).saturating_add(1).max(now.0).min(HEAD_MAX);
    Incarnation((head << TAIL_BITS) | tail)
}

impl Replica {
    /// Begins a life. What comes back with it are its first effects.
    ///
    /// # Errors
    /// See [`BootError`]; nothing was written then.
    pub fn boot(
        config: Arc<Config>,
        crypto: Crypto,
        keys: IdentityKeys,
        recovered: Recovered,
        seed: [u8; 32],
        now: Now,
    ) -> Result<(Replica, super::Effects), BootError> {
        Replica::boot_with((Arc::new(Cms), crypto), config, keys, recovered, seed, now)
    }

    /// The same, for a replica whose frames have another form: no node that is not simulated speaks it.
    ///
    /// # Errors
    /// See [`BootError`]; nothing was written then.
    pub fn boot_with(
        sealing: (Arc<dyn Envelope>, Crypto),
        config: Arc<Config>,
        keys: IdentityKeys,
        recovered: Recovered,
        seed: [u8; 32],
        now: Now,
    ) -> Result<(Replica, super::Effects), BootError> {
        check(&config)?;
        let loaded = load(recovered)?;
        if !is_vouched(&loaded, keys.node()) {
            return Err(BootError::Unsound);
        }
        let mut replica = Replica::assemble(sealing, config, keys, loaded, seed, now);
        let effects = replica.begin_life();
        Ok((replica, effects))
    }
}

/// Whether a replica could begin on these rows: they can be read, and match their own digest. For the background scrub.
///
/// # Errors
/// What [`Replica::boot`] would say.
pub fn audit(recovered: Recovered) -> Result<(), BootError> {
    load(recovered).map(drop)
}

pub(super) fn check(config: &Config) -> Result<(), BootError> {
    let gossip = &config.gossip;
    if gossip.interval.is_zero() || gossip.round_timeout.is_zero() {
        return Err(BootError::Config("gossip interval and round timeout must be greater than zero".into()));
    }
    if gossip.heartbeat < gossip.interval {
        return Err(BootError::Config("the heartbeat must not be shorter than the interval".into()));
    }
    if config.name.len() > MAX_ID_BYTES || config.address.len() > MAX_ADDRESS_BYTES {
        let problem = format!("the node's name has at most {MAX_ID_BYTES} bytes, its address {MAX_ADDRESS_BYTES}");
        return Err(BootError::Config(problem));
    }
    if config.tokens.session_ttl > MAX_REVOCATION_AHEAD / 2 {
        return Err(BootError::Config("a session that lasts longer than 200 days could not be revoked".into()));
    }
    Ok(())
}

/// A vector entry of another node needs the mark that it was believed for: without it nothing could be passed on.
fn is_vouched(loaded: &Loaded, own: NodeId) -> bool {
    let mut others = loaded.cells.vector().iter().filter(|(replica, _)| replica.node != own);
    others.all(|(replica, seq)| loaded.marks.get(&replica).is_some_and(|mark| mark.seq >= seq))
}

/// Reads all rows, and judges the data by its own digest.
fn load(recovered: Recovered) -> Result<Loaded, BootError> {
    let mut loaded = Loaded {
        cells: DottedStore::new(),
        marks: OrdMap::new(),
        records: OrdMap::new(),
        former: OrdMap::new(),
        pinned: OrdMap::new(),
        revoked: ExpiringSet::new(Wall(0)),
        secrets: BTreeMap::new(),
        meta: None,
    };
    let (mut cells, mut vector, mut expiring) = (Vec::new(), VersionVector::new(), Vec::new());
    for Row { table, key, value } in recovered.rows {
        let value = value.unwrap_or_default();
        if table != Table::Secrets
            && let Some(found) = row::version(&value).filter(|found| *found > row::VERSION)
        {
            return Err(BootError::NewerStore { found, known: row::VERSION });
        }
        let bad = |fault: crate::wire::WireFault| BootError::BadRow { table: table.name(), problem: fault.0.into() };
        match table {
            Table::Cells => {
                let key = row::read_cell_key(&key).map_err(bad)?;
                let cell = row::read_cell_row(key.collection, &value).map_err(bad)?;
                cells.push((key, cell));
            }
            Table::Marks => {
                let replica = row::read_mark_key(&key).map_err(bad)?;
                let (seq, signed) = row::read_mark(&value).map_err(bad)?;
                vector.raise(replica, seq);
                if let Some((seq, signature)) = signed {
                    loaded.marks.insert(replica, Mark { replica, seq, signature });
                }
            }
            Table::Records => {
                let record = row::read_record(&value).map_err(bad)?;
                match key == row::record_key(record.node) {
                    true => loaded.records.insert(record.node, Arc::new(record)),
                    false => loaded.former.insert((record.node, record.incarnation), Arc::new(record)),
                };
            }
            Table::Pinned => {
                let peer = row::read_pinned(&value).map_err(bad)?;
                loaded.pinned.insert(peer.node, Arc::new(peer));
            }
            Table::Expiring => {
                expiring.push((row::read_expiry(&value).map_err(bad)?, row::read_revoked_key(&key).map_err(bad)?));
            }
            Table::Secrets => {
                loaded.secrets.insert(key, value);
            }
            Table::Meta => loaded.meta = Some(row::read_meta(&value).map_err(bad)?),
        }
    }
    let meta = loaded.meta.clone().unwrap_or_default();
    let floor = meta.floor.iter().copied().collect();
    loaded.cells = DottedStore::load(vector, floor, cells).map_err(|_| BootError::Unsound)?;
    let is_new = loaded.meta.is_none() && loaded.cells.is_empty() && loaded.cells.vector().is_empty();
    if !is_new && store_digest(&loaded.cells) != meta.digest {
        return Err(BootError::Unsound);
    }
    loaded.revoked = ExpiringSet::new(meta.purge_mark);
    loaded.revoked.merge(expiring);
    Ok(loaded)
}

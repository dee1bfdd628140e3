//! The life of a replica: how it is put together, how it begins, how it takes a new configuration, and when it has to begin
//! anew because another life of the same node is known.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use imbl::OrdMap;

use super::boot::{Loaded, fresh_incarnation};
use super::exchange::Digests;
use super::ledger::Held;
use super::write::Rewrite;
use super::{Effects, Fact, IdentityKeys, Replica};
use crate::config::{Config, FRAME_WINDOW, MAX_TOKEN_KEYS};
use crate::crdt::{Hlc, HybridClock, Incarnation, NodeId, VersionVector};
use crate::crypto::Crypto;
use crate::envelope::{Envelope, ReplayWindow};
use crate::gossip::Gossip;
use crate::state::{Identity, KeyStage, NodeRecord, PinnedPeer, Readiness, Ring, View};
use crate::time::{Now, Wall};
use crate::token::keys::OwnKey;
use crate::wire::record;
use crate::zoo::{self, Bug};

/// Between two looks at keys, purges and other slow duties, when all is well.
const UPKEEP: Duration = Duration::from_secs(2);
/// The same while keys are on their way, or the node does not serve.
const HURRIED_UPKEEP: Duration = Duration::from_secs(1);
/// The clocks are read into the view at least so often: slower than any clock is set right bit by bit.
const READING: Duration = Duration::from_secs(60);

impl Replica {
    pub(super) fn assemble(
        (envelope, crypto): (Arc<dyn Envelope>, Crypto),
        config: Arc<Config>,
        keys: IdentityKeys,
        loaded: Loaded,
        seed: [u8; 32],
        now: Now,
    ) -> Replica {
        let Loaded { cells, marks, records, former, pinned, revoked, secrets, meta } = loaded;
        let meta = meta.unwrap_or_default();
        let (known, remembered) = last_life(records.get(&keys.node()));
        let incarnation = fresh_incarnation(meta.incarnation.max(known), now.wall, &crypto);
        let identity = Identity { node: keys.node(), name: config.name.as_str().into(), incarnation };
        let gossip = acquainted(seed, &config, (&pinned, &records), now);
        let head = View {
            read: now,
            config: config.clone(),
            identity,
            cells,
            nodes: records,
            former,
            pinned,
            revoked,
            token_keys: OrdMap::new(),
            signer: None,
            ring: Ring::default(),
            readiness: Readiness { reasons: vec![("starting", "the first write is under way".into())] },
        };
        let stamped = latest_own_stamp(&head);
        let mut replica = Replica {
            cluster: cluster_id(&config.cluster),
            durable: Arc::new(head.clone()),
            digests: Digests::default(),
            watch: super::clock::Watch::new(now, stamped.wall()),
            head,
            envelope,
            crypto,
            keys,
            verifiers: Default::default(),
            now,
            number: 0,
            republish: false,
            ledger: Default::default(),
            failed: None,
            clock: HybridClock::new(meta.clock.max(stamped)),
            marks,
            gossip,
            replay: ReplayWindow::new(FRAME_WINDOW, now.wall),
            own_keys: Vec::new(),
            recovered: BTreeSet::new(),
            key_versions: BTreeMap::new(),
            orphans: Vec::new(),
            remembered,
            woke: now.tick,
            settled: false,
            signed: BTreeSet::new(),
            pulls: Default::default(),
            fetches: Default::default(),
            logins: BTreeMap::new(),
            waiting: Vec::new(),
            upkeep_at: now.tick,
            forgotten_at: None,
            forget_due: false,
            superseded: 0,
            pending: Default::default(),
            out: Vec::new(),
        };
        replica.recover_secrets(&secrets);
        replica
    }

    /// The first write of a life: its incarnation, its record, and the keys that a node needs.
    pub(super) fn begin_life(&mut self) -> Effects {
        let incarnation = self.head.identity.incarnation;
        self.hold(Held::Note(Fact::Booted { incarnation, cells: self.head.cells.len() }));
        self.touch_meta();
        self.mint_first_ring_key();
        self.rewrite_record(0);
        self.upkeep_at = self.now.tick;
        self.settle()
    }

    /// Signs this node's record anew.
    pub(super) fn sign_record(&mut self, Rewrite { beyond, hurried }: Rewrite) {
        self.fetches.unannounced = None;
        let own = self.own_record().map_or(0, |own| own.version);
        // Each life counts from its incarnation, so that a node that forgot its former versions does not use them again.
        let version = own.max(beyond).max(self.head.identity.incarnation.0) + 1;
        let mut token_keys: Vec<_> = self.own_keys.iter().map(|key| key.published.clone()).collect();
        if zoo::on(Bug::SignerUnlisted) {
            token_keys.retain(|key| key.stage != KeyStage::Active);
        }
        token_keys.extend(self.orphans.iter().cloned());
        token_keys.truncate(MAX_TOKEN_KEYS);
        let mut known = std::mem::take(&mut self.key_versions);
        if beyond > own {
            known.clear(); // Peers hold what another life wrote; nothing that they acknowledged so far was of this one.
        }
        let since = |kid: &Arc<str>| known.get(kid).copied().unwrap_or(version);
        self.key_versions = token_keys.iter().map(|key| (key.kid.clone(), since(&key.kid))).collect();
        let record = NodeRecord {
            node: self.head.identity.node,
            version,
            name: self.head.identity.name.clone(),
            incarnation: self.head.identity.incarnation,
            address: self.head.config.address.as_str().into(),
            gossip_key: self.keys.gossip_key(),
            kem_key: Box::new(*self.keys.kem_key()),
            token_keys,
            ring: self.head.ring.keys.iter().map(|key| key.id).collect(),
            signed: self.now.wall,
            raw: [].into(),
            signature: [0; 64],
        };
        let record = record::sign(record, self.keys.signer(), &self.cluster);
        self.put_own_record(record, hurried);
    }

    /// A newer incarnation of this node is known. Once, that is a clock that went back over a boot: this life ends, and one
    /// with a greater incarnation begins. Twice, it is a clone: this replica stops, and says so.
    pub(super) fn superseded(&mut self, by: Incarnation) {
        self.superseded += 1;
        let stops = self.superseded > 1 && !zoo::on(Bug::CloneGoesOn);
        self.note(Fact::Superseded { by, stops });
        if stops {
            self.write_failed("another process runs with this node's identity");
            return;
        }
        let known = by.max(self.head.identity.incarnation);
        self.head.identity.incarnation = fresh_incarnation(known, self.now.wall, &self.crypto);
        self.touch_meta();
        self.rewrite_record(0);
    }

    pub(super) fn reconfigure(&mut self, config: Arc<Config>) {
        if super::boot::check(&config).is_err() {
            return; // What would not have booted is not taken up either; whoever reads configurations says so before.
        }
        self.head.identity.name = config.name.as_str().into();
        let moved = self.head.config.address != config.address || self.head.config.name != config.name;
        self.head.config = config;
        self.touch_keys(); // The allowlist decides whose keys count.
        if moved {
            self.rewrite_record(0);
        }
    }

    /// Slow duties: signing keys, the ring, purges, forgetting.
    pub(super) fn upkeep(&mut self) {
        let impatient = self.head.signer.is_none() && self.failed.is_none();
        if self.now.tick < self.upkeep_at && !impatient {
            return;
        }
        self.upkeep_at = self.now.tick.after(if self.is_at_rest() { UPKEEP } else { HURRIED_UPKEEP });
        self.judge_readiness();
        if self.failed.is_some() || self.watch.is_doubtful() {
            return;
        }
        if self.now.tick.since(self.durable.read.tick) >= READING {
            self.republish();
        }
        self.review_records();
        self.advance_keys();
        self.tend_ring();
        self.purge();
        self.forget_removed();
        let (held, now) = (self.durable.cells.vector(), self.now.tick);
        self.gossip.peers.values_mut().for_each(|peer| peer.give_up_stuck(held, now));
        let broken_off = self.gossip.peers.values().filter(|peer| peer.broken_off.is_some()).map(|peer| peer.node);
        for from in broken_off.collect::<Vec<_>>() {
            self.note_broken_off(from);
        }
    }

    /// Whether this node serves, and waits for nothing with its keys.
    fn is_at_rest(&self) -> bool {
        let is_upcoming = |key: &OwnKey| key.published.stage == KeyStage::Upcoming;
        self.head.readiness.is_ready() && self.fetches.rest() && !self.own_keys.iter().any(is_upcoming)
    }

    /// Revocations leave when what they revoked has expired by every clock in budget; in whole epochs, so that nodes purge alike.
    fn purge(&mut self) {
        let slack = self.head.config.gossip.max_clock_drift * 2;
        let over = self.now.wall.before(slack);
        let mark = Wall(crate::crdt::Epoch::of(over).start().0.saturating_sub(1));
        self.purge_revoked(mark);
    }

    /// Empty cells leave once every peer acknowledged them, or after the horizon. They are looked through only when more is
    /// acknowledged by all than the last time, or when some were merged.
    fn forget_removed(&mut self) {
        let has_empty = self.head.cells.live_len() < self.head.cells.len();
        if !has_empty || zoo::on(Bug::TombstonesKept) {
            return;
        }
        let horizon = self.now.wall.before(self.head.config.gossip.remove_horizon);
        let mut dropped = self.head.cells.drop_before_horizon(Hlc::at(horizon));
        if let Some(held) = self.held_by_all()
            && (std::mem::take(&mut self.forget_due) || self.forgotten_at.as_ref() != Some(&held))
        {
            dropped.extend(self.head.cells.drop_empty(&[&held]));
            self.forgotten_at = Some(held);
        }
        if !dropped.is_empty() {
            self.hold(Held::Note(Fact::Dropped { cells: dropped.len() }));
            self.touch_dropped(dropped);
        }
    }

    /// What this replica and every peer are known to hold; `None` while a peer has never spoken.
    fn held_by_all(&self) -> Option<VersionVector> {
        if zoo::on(Bug::TombstonesDroppedEarly) {
            return Some(self.head.cells.vector().clone());
        }
        let mut held = self.head.cells.vector().clone();
        for peer in self.gossip.peers.values() {
            held.meet(peer.vector()?);
        }
        Some(held)
    }

    /// The disk was compared with its digest in the background.
    pub(super) fn scrubbed(&mut self, sound: bool) {
        if !sound {
            self.note(Fact::Unsound);
            self.write_failed("the data on disk does not match its own digest");
        }
    }
}

/// Gossip with every pinned peer, dialled where its own record says.
fn acquainted(
    seed: [u8; 32],
    config: &Config,
    (pinned, records): (&OrdMap<NodeId, Arc<PinnedPeer>>, &OrdMap<NodeId, Arc<NodeRecord>>),
    now: Now,
) -> Gossip {
    let mut gossip = Gossip::new(seed, &config.gossip, now.tick);
    gossip.stats.started_at = now.wall;
    for peer in pinned.values() {
        let address = records.get(&peer.node).map_or(&peer.address, |record| &record.address);
        gossip.meet(peer.node, address, now.tick);
    }
    gossip
}

/// The first 16 bytes of BLAKE3 of the cluster's name.
pub(super) fn cluster_id(name: &str) -> [u8; 16] {
    let mut id = [0; 16];
    id.copy_from_slice(&blake3::hash(name.as_bytes()).as_bytes()[..16]);
    id
}

/// The greatest stamp of an op of this node, in whichever life.
fn latest_own_stamp(view: &View) -> Hlc {
    let ops = view.cells.iter().flat_map(|(_, cell)| cell.ops());
    ops.filter(|op| op.dot.replica.node == view.identity.node).map(|op| op.hlc).max().unwrap_or_default()
}

/// The incarnation and the version of a node's own record as it is remembered.
fn last_life(own: Option<&Arc<NodeRecord>>) -> (Incarnation, u64) {
    own.map_or((Incarnation(0), 0), |own| (own.incarnation, own.version))
}

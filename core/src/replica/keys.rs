//! This node's token signing keys: the plan of `token::keys` is carried out here, made durable, and published in the record.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::former::{is_over_in, is_standing};
use super::ledger::Held;
use super::{Fact, Replica};
use crate::admission;
use crate::gossip::Peer;
use crate::state::{KeyStage, NodeRecord, PublishedKey, TokenKey};
use crate::time::Wall;
use crate::token::MAX_ACCESS_TTL;
use crate::token::keys::{self, KeyStep, OwnKey, Surroundings};
use crate::wire::row;
use crate::zoo::{self, Bug};

const TOKEN_PREFIX: &[u8] = b"token/";
const RING_PREFIX: &[u8] = b"ring/";

impl Replica {
    /// Takes up the private keys that the disk gave back.
    pub(super) fn recover_secrets(&mut self, secrets: &BTreeMap<Vec<u8>, Vec<u8>>) {
        let published = self.own_record().map_or(Vec::new(), |own| own.token_keys.clone());
        let mut own = Vec::new();
        for (key, sealed) in secrets {
            let Some(secret) = self.keys.open_row(&self.crypto, key, sealed) else {
                continue; // Sealed by another identity: of no use, and harmless.
            };
            let Ok(secret) = <[u8; 32]>::try_from(&secret[..]) else {
                continue;
            };
            if let Some(kid) = key.strip_prefix(TOKEN_PREFIX) {
                let known = published.iter().find(|key| key.kid.as_bytes() == kid);
                own.extend(known.and_then(|known| OwnKey::restore(&self.crypto, secret.into(), known.clone())));
            } else if let Some(id) = key.strip_prefix(RING_PREFIX).and_then(|id| <[u8; 16]>::try_from(id).ok()) {
                self.fetches.hold(crate::state::RingKeyId(id), secret.into());
            }
        }
        let held = |kid: &str| own.iter().any(|key| *key.published.kid == *kid);
        let until = self.last_token_expiry();
        // Its own record on its own disk: what is upcoming there has not signed.
        let lost = published.iter().filter(|key| !held(&key.kid) && key.stage != KeyStage::Upcoming);
        self.orphans =
            lost.map(|key| crate::state::PublishedKey { stage: retiring(key.stage, until), ..key.clone() }).collect();
        self.recovered = own.iter().map(|key| key.published.kid.clone()).collect();
        self.settled = self.recovered.is_empty(); // Of keys that are made from now on nobody knows anything else.
        self.own_keys = own;
        self.refresh_keys();
        self.refresh_ring();
    }

    /// A record of another life of this node: the disk may have been put back. What that life had retired or forgotten stays
    /// so, though the private half is back. If it signed since, it verifies until its last token has expired.
    pub(super) fn follow_other_life(&mut self, record: &NodeRecord) {
        let last = self.last_token_expiry();
        // The life whose record lay on the disk came after that one, and may have signed with whatever it held.
        let signed_before = record.version < self.remembered;
        let mut steps = Vec::new();
        let revived = self.own_keys.iter().map(|key| &key.published);
        let revived = revived.filter(|key| is_standing(key) && is_over_in(record, key));
        for kid in revived.map(|key| &key.kid).filter(|kid| self.recovered.contains(*kid)) {
            let has_signed = signed_before || self.signed.contains(kid);
            match record.token_key(kid).map(|key| key.stage) {
                Some(KeyStage::Retiring(until)) if !has_signed => steps.push(KeyStep::Retire(kid.clone(), until)),
                Some(KeyStage::Retiring(until)) => steps.push(KeyStep::Retire(kid.clone(), until.max(last))),
                None if !has_signed => steps.push(KeyStep::Forget(kid.clone())),
                None => steps.push(KeyStep::Retire(kid.clone(), last)),
                Some(KeyStage::Upcoming | KeyStage::Active) => {}
            }
        }
        if !zoo::on(Bug::RetiredKeyRevived) {
            self.take_key_steps(steps);
        }
    }

    /// Takes the steps in the life of the signing keys that are due.
    pub(super) fn advance_keys(&mut self) {
        self.settle_in();
        // One step may make the next one due; four is more than the longest chain: forget, mint, acknowledge, activate.
        for _ in 0..4 {
            let Some(steps) = self.next_key_steps() else {
                break;
            };
            self.take_key_steps(steps);
        }
        self.spread_first_key();
        self.forget_orphans();
    }

    /// A first key signs once every peer that answers knows it. Where they are too many to be told at once, a node that cannot
    /// sign yet does not leave it to chance when it meets them: it goes to those that have not said that they know the key.
    fn spread_first_key(&mut self) {
        if self.head.signer.is_some() || !self.gossip.relays() {
            return;
        }
        let upcoming = self.own_keys.iter().find(|key| key.published.stage == KeyStage::Upcoming);
        let durable = self.durable.nodes.get(&self.head.identity.node).map_or(0, |own| own.version);
        let since = upcoming.and_then(|key| self.key_versions.get(&key.published.kid).copied());
        if let Some(since) = since.filter(|since| *since <= durable) {
            let interval = self.head.config.gossip.interval;
            self.gossip.hurry(|peer| peer.our_record < since, interval, self.now.tick);
        }
    }

    fn next_key_steps(&self) -> Option<Vec<KeyStep>> {
        let steps = {
            let view = &self.head;
            let around = Surroundings {
                now: self.now,
                config: &view.config,
                peers_know: &|kid| self.peers_know(kid),
                is_withdrawn: &|kid| view.key_is_withdrawn(kid),
            };
            keys::advance(&self.own_keys, &around)
        };
        (!steps.is_empty()).then_some(steps)
    }

    /// Keys whose last token has expired are published no more.
    fn forget_orphans(&mut self) {
        let now = self.now.wall;
        let over = |key: &crate::state::PublishedKey| matches!(key.stage, KeyStage::Retiring(until) if until <= now);
        if self.orphans.iter().any(over) {
            self.orphans.retain(|key| !over(key));
            self.restate_record();
        }
    }

    pub(super) fn take_key_steps(&mut self, steps: Vec<KeyStep>) {
        let (mut published, mut awaited) = (false, false);
        for step in steps {
            keys::apply(&mut self.own_keys, &step, &self.crypto, self.now);
            let (kid, stage): (Arc<str>, _) = match &step {
                KeyStep::Acknowledge(..) => continue,
                KeyStep::Mint => match self.keep_minted() {
                    Some(kid) => (kid, "upcoming"),
                    None => continue,
                },
                KeyStep::Activate(kid) => (kid.clone(), "active"),
                KeyStep::Retire(kid, _) => (kid.clone(), "retiring"),
                KeyStep::Forget(kid) => {
                    self.put_secret(row::token_secret_key(kid), None);
                    (kid.clone(), "retired")
                }
            };
            published = true;
            // Peers have to know a key before it signs, and that it signs no more; when it begins is this node's own affair.
            awaited |= matches!(step, KeyStep::Mint | KeyStep::Retire(..));
            self.hold(Held::Note(Fact::KeyStage { kid, stage }));
        }
        match (published, awaited) {
            (true, true) => self.rewrite_record(0),
            (true, false) => self.restate_record(),
            (false, _) => {}
        }
    }

    fn keep_minted(&mut self) -> Option<Arc<str>> {
        let minted = self.own_keys.last()?;
        let (kid, scalar) = (minted.published.kid.clone(), minted.scalar.clone());
        self.put_secret(row::token_secret_key(&kid), Some(&scalar[..]));
        Some(kid)
    }

    /// Whether the record that publishes this key is durable, and every peer that answers acknowledged a version that has
    /// it. A peer that was not reached yet is waited for, until it fails once. One at least must know the key, or it would be
    /// lost with this disk: only a first key does not wait for ever.
    fn peers_know(&self, kid: &str) -> bool {
        let durable = self.durable.nodes.get(&self.head.identity.node).filter(|own| own.token_key(kid).is_some());
        let (Some(durable), Some(since)) = (durable, self.key_versions.get(kid)) else {
            return false;
        };
        let versions = *since..=durable.version;
        let knows = |peer: &Peer| versions.contains(&peer.our_record);
        let is_first = !self.own_keys.iter().any(|key| key.published.stage == KeyStage::Active);
        let peers = || self.gossip.peers.values();
        peers().filter(|peer| peer.is_reachable()).all(knows)
            && (peers().any(knows) || peers().len() == 0 || (is_first && self.is_alone()))
    }

    /// Whether nobody was to be heard for so long that waiting makes no sense.
    fn is_alone(&self) -> bool {
        let patience = self.head.config.gossip.heartbeat * 2;
        let heard = |peer: &Peer| peer.last_exchange.unwrap_or(self.woke);
        let is_lost = |peer: &Peer| !peer.is_reachable() && self.now.tick.since(heard(peer)) >= patience;
        self.gossip.peers.values().all(is_lost)
    }

    /// A disk may have been put back, and its peers then know what became of its keys. So where it had any, none signs in a life
    /// before a peer agreed on all records, or none was to be heard.
    fn settle_in(&mut self) {
        let agrees = |peer: &Peer| peer.agrees_on_records(self.digests.records);
        if !self.settled && self.number > 0 && (self.gossip.peers.values().any(agrees) || self.is_alone()) {
            self.settled = true;
            self.touch_keys();
        }
    }

    /// What is published as the key that signs here may have signed.
    pub(super) fn note_signer(&mut self) {
        let signer = self.durable.signer.as_ref().filter(|_| self.durable.readiness.is_ready());
        if let Some(signer) = signer.filter(|signer| !self.signed.contains(&signer.kid)) {
            self.signed.insert(signer.kid.clone());
        }
    }

    /// No token of any key lives longer than this, by any clock in budget.
    pub(super) fn last_token_expiry(&self) -> Wall {
        self.now.wall.after(MAX_ACCESS_TTL).after(self.head.config.gossip.max_clock_drift * 2)
    }

    /// Parses what the records publish: the union that verifies tokens, and the key that signs here.
    pub(super) fn refresh_keys(&mut self) {
        let view = &self.head;
        let mut union: Vec<Arc<TokenKey>> = Vec::with_capacity(view.token_keys.len() + 1);
        let counts = |record: &&Arc<NodeRecord>| admission::may_sign_tokens(view, record);
        let former = view.former.values().filter(counts).flat_map(|record| {
            record.token_keys.iter().map(|key| {
                let stage = KeyStage::Retiring(self.last_use(record, key));
                (record.node, Cow::Owned(PublishedKey { stage, ..key.clone() }))
            })
        });
        let current = view.nodes.values().filter(counts);
        let current =
            current.flat_map(|record| record.token_keys.iter().map(|key| (record.node, Cow::Borrowed(key))));
        for (owner, published) in former.chain(current).filter(|(_, key)| !view.key_is_withdrawn(&key.kid)) {
            let known = view.token_keys.get(&published.kid);
            if let Some(same) = known.filter(|known| known.published == *published && known.owner == owner) {
                union.push(same.clone());
                continue;
            }
            let verifier = match known.filter(|known| known.published.point == published.point) {
                Some(known) => Some(known.verifier.clone()),
                None if crate::token::thumbprint(&published.point) != *published.kid => None,
                None => self.crypto.ecdsa.verifying_key(&published.point),
            };
            if let Some(verifier) = verifier {
                let published = published.into_owned();
                union.push(Arc::new(TokenKey { published, owner, verifier }));
            }
        }
        union.reverse(); // Of one kid the last counts: what stands before what was.
        union.sort_by(|one, other| one.published.kid.cmp(&other.published.kid));
        union.dedup_by(|later, earlier| later.published.kid == earlier.published.kid);
        let is_known = |(key, known): (&Arc<TokenKey>, &Arc<TokenKey>)| Arc::ptr_eq(key, known);
        if union.len() != view.token_keys.len() || !union.iter().zip(view.token_keys.values()).all(is_known) {
            self.head.token_keys = union.into_iter().map(|key| (key.published.kid.clone(), key)).collect();
        }
        let signer = keys::signing(&self.own_keys).filter(|_| self.settled);
        let signer = signer.filter(|key| !self.head.key_is_withdrawn(&key.published.kid));
        if signer.map(|key| &key.published.kid) != self.head.signer.as_ref().map(|signer| &signer.kid) {
            self.head.signer = signer.map(OwnKey::signer);
        }
    }
}

/// The same key, which signs no more.
pub(super) fn retiring(stage: KeyStage, until: Wall) -> KeyStage {
    match stage {
        KeyStage::Retiring(until) => KeyStage::Retiring(until),
        KeyStage::Upcoming | KeyStage::Active => KeyStage::Retiring(until),
    }
}

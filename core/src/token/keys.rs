//! The life of this node's signing keys: published before they sign, retired after their last token. A plan of steps, which
//! the replica makes durable and carries out; nothing here publishes anything.
//!
//! Upcoming, active, retiring, gone: a key moves forward only, so that no clock that jumps back makes an old one sign again.

use std::fmt;
use std::sync::Arc;

use super::{MAX_ACCESS_TTL, jwt, thumbprint};
use crate::config::{Config, MAX_TOKEN_KEYS};
use crate::crypto::{Crypto, Secret32, SigningKey};
use crate::state::{KeyStage, PublishedKey, Signer};
use crate::time::{Now, Tick, Wall};
use crate::zoo::{self, Bug};

/// A signing key of this node.
#[derive(Clone)]
pub struct OwnKey {
    /// As others see it.
    pub published: PublishedKey,
    /// The private key.
    pub scalar: Secret32,
    /// The same, ready to sign.
    pub key: Arc<dyn SigningKey>,
    /// Since when every answering peer has known it without a break. On the monotonic clock, since a wall clock that jumps
    /// must not cut the caches' time short; so it is not kept over a boot, and the wait begins anew.
    pub acknowledged: Option<Tick>,
}

/// What is to be done with the keys next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyStep {
    /// Generate an upcoming key and publish it.
    Mint,
    /// Remember since when every answering peer knows a key; `None`: one does not.
    Acknowledge(Arc<str>, Option<Tick>),
    /// It signs no more; it verifies until this instant.
    Retire(Arc<str>, Wall),
    /// It signs from now on.
    Activate(Arc<str>),
    /// Its last token has expired, or it was withdrawn: drop it, private half and all.
    Forget(Arc<str>),
}

/// What the plan depends on besides the keys.
pub struct Surroundings<'a> {
    /// Both clocks.
    pub now: Now,
    /// The settings.
    pub config: &'a Config,
    /// Whether this node's record with the key of this kid is durable here, and every peer that answers has acknowledged it.
    pub peers_know: &'a dyn Fn(&str) -> bool,
    /// Whether an administrator withdrew the key of this kid.
    pub is_withdrawn: &'a dyn Fn(&str) -> bool,
}

/// The steps that are due, in the order in which to take them, all in one write; none when all is well.
///
/// * Without an active key the oldest upcoming one that every answering peer knows becomes active at once.
/// * With one, an upcoming key takes over when all have known it for `jwks_max_age`, and the old one verifies on until every
///   token that it may have signed has expired by every clock in budget.
/// * A key that is older than `key_lifetime`, or published in the future, gets a successor.
pub fn advance(keys: &[OwnKey], around: &Surroundings<'_>) -> Vec<KeyStep> {
    let (gone, standing): (Vec<_>, Vec<_>) = keys.iter().partition(|key| is_gone(key, around));
    let mut steps = gone.into_iter().map(|key| KeyStep::Forget(key.kid())).collect::<Vec<_>>();
    let active = active(&standing);
    let upcoming = standing.iter().copied().filter(|key| key.published.stage == KeyStage::Upcoming);
    let upcoming = oldest_first(upcoming);

    steps.extend(upcoming.iter().filter_map(|key| acknowledge(key, around)));
    let surplus = standing.iter().copied().filter(|key| {
        key.published.stage == KeyStage::Active && active.is_some_and(|active| active.kid() != key.kid())
    });
    steps.extend(surplus.map(|key| retire(key, around)));

    match (active, upcoming.iter().find(|key| may_activate(key, active.is_some(), around))) {
        (Some(active), Some(successor)) => steps.extend([retire(active, around), KeyStep::Activate(successor.kid())]),
        (None, Some(first)) => steps.push(KeyStep::Activate(first.kid())),
        (_, None) => {}
    }
    let is_overdue = active.is_none_or(|active| is_overdue(active, around));
    if is_overdue && upcoming.is_empty() && standing.len() < MAX_TOKEN_KEYS {
        steps.push(KeyStep::Mint);
    }
    steps
}

/// An administrator's rotation: mint now, unless a successor is on its way already or there is no room for one.
pub fn rotate(keys: &[OwnKey]) -> Option<KeyStep> {
    let is_under_way = keys.iter().any(|key| key.published.stage == KeyStage::Upcoming);
    (!is_under_way && keys.len() < MAX_TOKEN_KEYS).then_some(KeyStep::Mint)
}

/// Takes one step.
pub fn apply(keys: &mut Vec<OwnKey>, step: &KeyStep, crypto: &Crypto, now: Now) {
    let set = |keys: &mut Vec<OwnKey>, kid: &str, change: &dyn Fn(&mut OwnKey)| {
        keys.iter_mut().filter(|key| *key.published.kid == *kid).for_each(change);
    };
    match step {
        KeyStep::Mint if zoo::on(Bug::KidReused) && revive(keys) => {}
        KeyStep::Mint => keys.push(OwnKey::mint(crypto, now.wall)),
        KeyStep::Acknowledge(kid, since) => set(keys, kid, &|key| key.acknowledged = *since),
        KeyStep::Retire(kid, until) => set(keys, kid, &|key| key.published.stage = KeyStage::Retiring(*until)),
        KeyStep::Activate(kid) => set(keys, kid, &|key| key.published.stage = KeyStage::Active),
        KeyStep::Forget(kid) => keys.retain(|key| key.published.kid != *kid),
    }
}

/// Takes a retired key for a new one; false if there is none.
fn revive(keys: &mut [OwnKey]) -> bool {
    let old = keys.iter_mut().find(|key| matches!(key.published.stage, KeyStage::Retiring(_)));
    old.map(|old| old.published.stage = KeyStage::Upcoming).is_some()
}

/// What signs tokens: the active key, if there is one.
pub fn signing(keys: &[OwnKey]) -> Option<&OwnKey> {
    let standing = keys.iter().collect::<Vec<_>>();
    active(&standing)
}

impl OwnKey {
    /// A fresh upcoming key.
    pub fn mint(crypto: &Crypto, now: Wall) -> OwnKey {
        let (scalar, key) = crypto.generate_signing_key();
        let point = key.public();
        let published =
            PublishedKey { kid: thumbprint(&point).into(), point, published: now, stage: KeyStage::Upcoming };
        OwnKey { published, scalar, key, acknowledged: None }
    }

    /// A key from its durable parts; `None` if they do not belong together.
    pub fn restore(crypto: &Crypto, scalar: Secret32, published: PublishedKey) -> Option<OwnKey> {
        let key = crypto.ecdsa.signing_key(&scalar)?;
        let belongs = key.public() == published.point && thumbprint(&published.point) == *published.kid;
        belongs.then_some(OwnKey { published, scalar, key, acknowledged: None })
    }

    /// What signs tokens with this key.
    pub fn signer(&self) -> Signer {
        let kid = self.kid();
        Signer { access_header: jwt::access_header(&kid).into(), kid, key: self.key.clone() }
    }

    fn kid(&self) -> Arc<str> {
        self.published.kid.clone()
    }
}

/// The one that signs. Were there several, the newest: the others are surplus.
fn active<'a>(standing: &[&'a OwnKey]) -> Option<&'a OwnKey> {
    let active = standing.iter().copied().filter(|key| key.published.stage == KeyStage::Active);
    active.max_by_key(|key| (key.published.published, key.kid()))
}

fn oldest_first<'a>(keys: impl Iterator<Item = &'a OwnKey>) -> Vec<&'a OwnKey> {
    let mut keys = keys.collect::<Vec<_>>();
    keys.sort_by_key(|key| (key.published.published, key.kid()));
    keys
}

fn is_gone(key: &OwnKey, around: &Surroundings<'_>) -> bool {
    let is_retired = matches!(key.published.stage, KeyStage::Retiring(until) if until <= around.now.wall);
    is_retired || (around.is_withdrawn)(&key.published.kid)
}

fn acknowledge(key: &OwnKey, around: &Surroundings<'_>) -> Option<KeyStep> {
    let is_known = (around.peers_know)(&key.published.kid);
    let since = is_known.then_some(around.now.tick);
    (is_known != key.acknowledged.is_some()).then(|| KeyStep::Acknowledge(key.kid(), since))
}

fn may_activate(key: &OwnKey, is_successor: bool, around: &Surroundings<'_>) -> bool {
    let waited = |since: Tick| around.now.tick.since(since) >= around.config.tokens.jwks_max_age;
    let known = (around.peers_know)(&key.published.kid) && (!is_successor || key.acknowledged.is_some_and(waited));
    known || zoo::on(Bug::SignBeforePublish)
}

fn retire(key: &OwnKey, around: &Surroundings<'_>) -> KeyStep {
    if zoo::on(Bug::KeyForgottenEarly) {
        return KeyStep::Retire(key.kid(), around.now.wall);
    }
    let last = around.now.wall.after(MAX_ACCESS_TTL);
    KeyStep::Retire(key.kid(), last.after(around.config.gossip.max_clock_drift * 2))
}

/// A key from the future was minted by a clock that has jumped back since: its age cannot be known.
fn is_overdue(key: &OwnKey, around: &Surroundings<'_>) -> bool {
    let (now, published) = (around.now.wall, key.published.published);
    let is_from_future = published > now.after(around.config.gossip.max_clock_drift);
    is_from_future || published.after(around.config.tokens.key_lifetime) <= now
}

impl fmt::Debug for OwnKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnKey").field("published", &self.published).finish_non_exhaustive()
    }
}

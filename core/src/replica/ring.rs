//! The ring of wrapping keys: minted once, set by an administrator, fetched from peers that hold them. A key never travels
//! but sealed to one node's KEM key, and is never part of the state that is gossiped.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::frames::{Freshness, Rejected};
use super::{CallId, Door, Effect, ExchangeId, Fact, Replica};
use crate::config::MAX_RING_KEYS;
use crate::crdt::NodeId;
use crate::crypto::Secret32;
use crate::envelope::{Letter, Purpose};
use crate::fault::Reject;
use crate::gossip::Peer;
use crate::state::{Body, Collection, Key, RingKey, RingKeyId, RingKeyMeta};
use crate::time::{Tick, Wall};
use crate::wire::{message, row};
use crate::zoo::{self, Bug};

/// Between two attempts to fetch one key.
const RETRY: Duration = Duration::from_secs(1);
/// From the first key that was fetched to the version of our record that names it; several come together.
const ANNOUNCEMENT: Duration = Duration::from_millis(500);
/// So long after it began, a node that finds no key leaves it to a peer of a lesser id to mint one.
const PRECEDENCE: Duration = Duration::from_secs(2);
/// Keys that one node may ask for: one in this span, and this many at once.
const QUESTION_REFILL: Duration = Duration::from_millis(500);
const QUESTION_BURST: u32 = 2 * MAX_RING_KEYS as u32;

/// The secrets that are held, and the fetches that are under way.
#[derive(Default)]
pub(super) struct Fetches {
    held: BTreeMap<RingKeyId, Secret32>,
    /// The keys that the state names, held or not, the oldest first.
    named: Vec<(Wall, RingKeyId)>,
    under_way: BTreeMap<ExchangeId, Fetch>,
    /// Since when keys are held that our record does not name.
    pub unannounced: Option<Tick>,
    not_before: BTreeMap<RingKeyId, Tick>,
    asked: BTreeMap<NodeId, (u32, Tick)>,
}

/// A question that is under way: for these keys, to one node.
struct Fetch {
    ids: Vec<RingKeyId>,
    node: NodeId,
    until: Tick,
}

impl Fetches {
    pub fn hold(&mut self, id: RingKeyId, secret: Secret32) {
        self.held.insert(id, secret);
    }

    /// Whether every key that is named is held, and our record names all that are.
    pub fn rest(&self) -> bool {
        self.unannounced.is_none() && self.named.iter().all(|(_, id)| self.held.contains_key(id))
    }

    pub fn owns(&self, exchange: ExchangeId) -> bool {
        self.under_way.contains_key(&exchange)
    }

    /// A node asks for so many keys: how many of them may it have now?
    fn allow(&mut self, node: NodeId, keys: usize, now: Tick) -> usize {
        let (left, since) = self.asked.entry(node).or_insert((QUESTION_BURST, now));
        let earned = now.since(*since).as_millis() / QUESTION_REFILL.as_millis();
        if earned > 0 {
            *left = left.saturating_add(u32::try_from(earned).unwrap_or(u32::MAX)).min(QUESTION_BURST);
            *since = now;
        }
        let allowed = u32::try_from(keys).unwrap_or(u32::MAX).min(*left);
        *left -= allowed;
        allowed as usize
    }

    fn is_under_way(&self, id: RingKeyId) -> bool {
        self.under_way.values().any(|fetch| fetch.ids.contains(&id))
    }

    /// Whether a key may be asked for now: it is not here, nor asked for, nor was it a moment ago.
    fn is_wanting(&self, id: RingKeyId, now: Tick) -> bool {
        let early = || self.not_before.get(&id).is_some_and(|at| *at > now);
        !self.held.contains_key(&id) && !self.is_under_way(id) && !early()
    }
}

/// The public name of a wrapping key.
pub(super) fn ring_key_id(secret: &Secret32) -> RingKeyId {
    let hash = Sha256::new().chain_update(b"symbolon wrapping key v1").chain_update(&secret[..]).finalize();
    let mut id = [0; 16];
    id.copy_from_slice(&hash[..16]);
    RingKeyId(id)
}

impl Replica {
    /// A node that holds no wrapping key mints one, so that it serves at once; the ring takes all that were minted. But each
    /// key more is one that every node has to fetch: if a peer that answers may have one, it is heard first, but not for ever.
    /// Where nobody has one, as in a cluster that begins, the node of the least id mints it, and the others leave it to that one
    /// for a moment.
    pub(super) fn mint_first_ring_key(&mut self) {
        let (age, own) = (self.now.tick.since(self.woke), self.head.identity.node);
        let is_patient = age < self.head.config.gossip.heartbeat * 2;
        let holds = |peer: &Peer| {
            let record = self.head.nodes.get(&peer.node);
            record.is_some_and(|record| self.head.ring_keys().any(|(id, _)| record.ring.contains(&id)))
        };
        let may_hold = |peer: &Peer| !peer.has_spoken() || peer.is_ahead(&self.head) || holds(peer);
        let goes_first = |peer: &Peer| age < PRECEDENCE && peer.node < own;
        let hope =
            || self.gossip.peers.values().any(|peer| peer.is_reachable() && (may_hold(peer) || goes_first(peer)));
        if self.head.ring.keys.is_empty() && !(is_patient && hope()) {
            let secret = self.crypto.bytes::<32>();
            self.add_ring_key(secret, "minted");
        }
    }

    /// Puts a wrapping key into the cluster's ring: its name is replicated, the key stays here until a peer asks for it.
    pub(super) fn add_ring_key(&mut self, secret: Secret32, how: &'static str) -> bool {
        let id = ring_key_id(&secret);
        let known = self.head.ring_keys().any(|(known, _)| known == id);
        if !known {
            let meta = RingKeyMeta { created: self.now.wall };
            self.write(Key::new(Collection::RING_KEY, id.to_string()), Body::RingKey(meta));
        }
        let fresh = !self.fetches.held.contains_key(&id);
        if fresh {
            self.keep_ring_key(id, secret, how);
            self.rewrite_record(0);
        }
        fresh || !known
    }

    fn keep_ring_key(&mut self, id: RingKeyId, secret: Secret32, how: &'static str) {
        self.put_secret(row::ring_secret_key(&id.0), Some(&secret[..]));
        self.fetches.hold(id, secret);
        self.note(Fact::RingKey { id: id.to_string(), how });
        self.refresh_ring();
    }

    /// Our record names the keys that were fetched: soon, and once for several, since each version of it goes to every node.
    fn announce_ring(&mut self) {
        let now = self.now.tick;
        let due = self.fetches.unannounced.take_if(|since| now.since(*since) >= ANNOUNCEMENT).is_some();
        if due && !zoo::on(Bug::RingUnannounced) {
            self.restate_record();
        }
    }

    /// The ring as it stands: the keys that are named in the state and held here, the newest first.
    pub(super) fn refresh_ring(&mut self) {
        self.fetches.named = self.head.ring_keys().map(|(id, meta)| (meta.created, id)).collect();
        self.fetches.named.sort_unstable();
        let newest = self.fetches.named.iter().rev();
        let held = newest.filter_map(|(created, id)| {
            let secret = self.fetches.held.get(id)?;
            let known = self.head.ring.get(*id).filter(|known| known.created == *created);
            Some(known.cloned().unwrap_or_else(|| RingKey::new(*id, *created, secret.clone())))
        });
        self.head.ring.keys = Arc::new(held.take(MAX_RING_KEYS).collect());
        self.choose_sealing();
    }

    /// The newest key that every peer that answers holds too; if there is none such, the newest.
    pub(super) fn choose_sealing(&mut self) {
        let answering = self.gossip.peers.values().filter(|peer| peer.is_reachable() && peer.has_spoken());
        let shared = |key: &RingKey| {
            let holds =
                |peer: &Peer| self.head.nodes.get(&peer.node).is_none_or(|record| record.ring.contains(&key.id));
            answering.clone().all(holds)
        };
        let keys = &self.head.ring.keys;
        let sealing = keys.iter().position(shared).or(if keys.is_empty() { None } else { Some(0) });
        self.head.ring.sealing = sealing;
        // The choice is no stored state: what is published follows at once, if it holds the key already.
        let chosen = sealing.and_then(|place| self.head.ring.keys.get(place)).map(|key| key.id);
        let durable = self.durable.ring.keys.iter().position(|key| Some(key.id) == chosen);
        if durable.is_some() && durable != self.durable.ring.sealing {
            Arc::make_mut(&mut self.durable).ring.sealing = durable;
            self.republish = true;
        }
    }

    /// Fetches the keys that are named and not held; lets go of those that no cookie can need any more.
    pub(super) fn tend_ring(&mut self) {
        let now = self.now.tick;
        if self.pending.ring {
            self.refresh_ring(); // This very event names other keys than before.
        }
        self.fetches.under_way.retain(|_, fetch| fetch.until > now);
        self.mint_first_ring_key();
        self.announce_ring();
        self.choose_sealing();
        self.retire_ring_keys();
        let wanting = self.fetches.named.iter().map(|(_, id)| *id).filter(|id| self.fetches.is_wanting(*id, now));
        self.fetch_ring_keys(wanting.collect());
        self.judge_readiness();
    }

    /// Asks for one key. True if it is asked for now, whoever began.
    pub(super) fn fetch_ring_key(&mut self, id: RingKeyId) -> bool {
        if self.fetches.is_wanting(id, self.now.tick) {
            self.fetch_ring_keys(vec![id]);
        }
        self.fetches.is_under_way(id)
    }

    /// Asks for these keys: each peer for all that it says it holds and no other was asked for.
    fn fetch_ring_keys(&mut self, mut ids: Vec<RingKeyId>) {
        if ids.is_empty() {
            return;
        }
        for node in self.gossip.ask_now(usize::MAX) {
            let Some(record) = self.head.nodes.get(&node) else { continue };
            let (mut held, others): (Vec<_>, Vec<_>) = ids.into_iter().partition(|id| record.ring.contains(id));
            ids = others;
            ids.extend(held.split_off(held.len().min(MAX_RING_KEYS)));
            if !held.is_empty() {
                self.ask_for_ring_keys(node, held);
            }
        }
    }

    fn ask_for_ring_keys(&mut self, node: NodeId, ids: Vec<RingKeyId>) {
        let now = self.now.tick;
        let question = self.seal(node, Purpose::WrappingKey, message::encode_ring_question(&ids));
        let (Some((frame, _)), Some(to)) = (question, self.destination(node)) else {
            return;
        };
        self.fetches.not_before.extend(ids.iter().map(|id| (*id, now.after(RETRY))));
        let exchange = self.gossip.name_exchange();
        let until = now.after(self.durable.config.gossip.round_timeout);
        self.fetches.under_way.insert(exchange, Fetch { ids, node, until });
        self.out.push(Effect::Send { exchange, to, door: Door::WrappingKey, frame });
    }

    /// A peer asks for keys: it gets those that are held, sealed to its own KEM key.
    pub(super) fn answer_ring_question(&mut self, call: CallId, from: NodeId, letter: &Letter) {
        let refuse = |reason| Rejected { from: Some(from), reason, proven: Some(letter.nonce) };
        let mut ids = match message::decode_ring_question(&letter.body) {
            Ok(ids) => ids,
            Err(reason) => return self.refuse_frame(call, &refuse(reason)),
        };
        let allowed = self.fetches.allow(from, ids.len(), self.now.tick);
        if allowed == 0 {
            return self.refuse_frame(call, &refuse(Reject::Busy));
        }
        ids.truncate(allowed);
        let durable = self.durable.clone();
        let held: Vec<_> = ids.iter().filter_map(|id| durable.ring.get(*id)).map(|key| &key.secret).collect();
        let frame = self.seal(from, Purpose::WrappingKey, message::encode_ring_answer(&held));
        let frame = frame.map(|(frame, _)| frame);
        self.out.push(Effect::Reply { call, outcome: frame.ok_or(Reject::NotAdmitted) });
    }

    /// A peer answered: a key is believed if it has a name that was asked for.
    pub(super) fn ring_returned(&mut self, exchange: ExchangeId, bytes: &[u8]) {
        let Some(Fetch { mut ids, node, .. }) = self.fetches.under_way.remove(&exchange) else {
            return;
        };
        let opened = match self.open(bytes, &[Purpose::WrappingKey], Freshness::Clock) {
            Ok(opened) if opened.from == node => opened,
            Ok(opened) => {
                let rejected = Rejected { from: Some(opened.from), reason: Reject::Mismatched, proven: None };
                self.ring_fetch_failed(&ids);
                return self.count_reject(&rejected);
            }
            Err(rejected) => {
                self.ring_fetch_failed(&ids);
                return self.count_reject(&rejected);
            }
        };
        for secret in message::decode_ring_answer(&opened.letter.body).unwrap_or_default() {
            let id = ring_key_id(&secret);
            if let Some(asked) = ids.iter().position(|asked| *asked == id) {
                ids.swap_remove(asked);
                self.keep_ring_key(id, secret, "fetched");
                self.fetches.unannounced.get_or_insert(self.now.tick);
                self.pulls.ring_key_settled(id);
            }
        }
        self.ring_fetch_failed(&ids);
    }

    pub(super) fn ring_failed(&mut self, exchange: ExchangeId) {
        if let Some(fetch) = self.fetches.under_way.remove(&exchange) {
            self.ring_fetch_failed(&fetch.ids);
        }
    }

    /// These keys were asked for in vain.
    fn ring_fetch_failed(&mut self, ids: &[RingKeyId]) {
        self.gossip.stats.wrapping_key_pull_errors += ids.len() as u64;
        ids.iter().for_each(|id| self.pulls.ring_key_settled(*id));
    }

    /// A key is over when a newer one has been there for longer than any session lasts.
    fn retire_ring_keys(&mut self) {
        let config = &self.head.config;
        let slack = config.tokens.session_ttl + config.gossip.max_clock_drift * 2;
        let named = &self.fetches.named;
        let over = named.windows(2).filter(|pair| pair[1].0.after(slack) <= self.now.wall).map(|pair| pair[0].1);
        let over: Vec<RingKeyId> = over.collect();
        for id in &over {
            self.remove(Key::new(Collection::RING_KEY, id.to_string()));
            self.note(Fact::RingKey { id: id.to_string(), how: "retired" });
        }
        self.fetches.named.retain(|(_, id)| !over.contains(id));
        let is_named = |id: &RingKeyId| self.fetches.named.iter().any(|(_, named)| named == id);
        let mut gone: Vec<RingKeyId> = self.fetches.held.keys().filter(|id| !is_named(id)).copied().collect();
        if !gone.is_empty() {
            let durable: Vec<RingKeyId> = self.durable.ring_keys().map(|(id, _)| id).collect();
            gone.retain(|id| !durable.contains(id));
        }
        for id in gone {
            self.fetches.held.remove(&id);
            self.put_secret(row::ring_secret_key(&id.0), None);
        }
    }
}

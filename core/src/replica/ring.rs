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
use crate::crypto::keys::hkdf32;
use crate::envelope::{Letter, Purpose};
use crate::fault::Reject;
use crate::state::{Body, Collection, Key, RingKey, RingKeyId, RingKeyMeta};
use crate::time::Tick;
use crate::wire::{message, row};
use crate::zoo::{self, Bug};

/// Between two attempts to fetch one key.
const RETRY: Duration = Duration::from_secs(1);
/// From the first key that was fetched to the version of our record that names it; several come together.
const ANNOUNCEMENT: Duration = Duration::from_millis(500);
/// Answers to one node's questions: one in this span, and this many at once.
const QUESTION_REFILL: Duration = Duration::from_millis(500);
const QUESTION_BURST: u32 = 2 * MAX_RING_KEYS as u32;

/// The secrets that are held, and the fetches that are under way.
#[derive(Default)]
pub(super) struct Fetches {
    held: BTreeMap<RingKeyId, Secret32>,
    under_way: BTreeMap<ExchangeId, Fetch>,
    /// Since when keys are held that our record does not name.
    pub unannounced: Option<Tick>,
    not_before: BTreeMap<RingKeyId, Tick>,
    asked: BTreeMap<NodeId, (u32, Tick)>,
}

struct Fetch {
    id: RingKeyId,
    node: NodeId,
    until: Tick,
}

impl Fetches {
    pub fn hold(&mut self, id: RingKeyId, secret: Secret32) {
        self.held.insert(id, secret);
    }

    pub fn owns(&self, exchange: ExchangeId) -> bool {
        self.under_way.contains_key(&exchange)
    }

    /// A node asks: is it too often?
    fn admits(&mut self, node: NodeId, now: Tick) -> bool {
        let (left, since) = self.asked.entry(node).or_insert((QUESTION_BURST, now));
        let earned = now.since(*since).as_millis() / QUESTION_REFILL.as_millis();
        if earned > 0 {
            *left = left.saturating_add(u32::try_from(earned).unwrap_or(u32::MAX)).min(QUESTION_BURST);
            *since = now;
        }
        let admitted = *left > 0;
        *left = left.saturating_sub(1);
        admitted
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
    /// A node that knows of no wrapping key mints one, so that it serves at once; the ring takes all that were minted.
    pub(super) fn mint_first_ring_key(&mut self) {
        if self.head.ring_keys().next().is_none() {
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
            self.rewrite_record(0);
        }
    }

    /// The ring as it stands: the keys that are named in the state and held here, the newest first.
    pub(super) fn refresh_ring(&mut self) {
        let named = self.head.ring_keys().filter_map(|(id, meta)| {
            let secret = self.fetches.held.get(&id)?.clone();
            let known = self.head.ring.get(id).map(|known| known.session.clone());
            let session = known.unwrap_or_else(|| hkdf32(&secret[..], b"", b"symbolon session cookie v1"));
            Some(RingKey { id, created: meta.created, secret, session })
        });
        let mut keys: Vec<RingKey> = named.collect();
        keys.sort_by_key(|key| std::cmp::Reverse((key.created, key.id)));
        keys.truncate(MAX_RING_KEYS);
        self.head.ring.keys = Arc::new(keys);
        self.choose_sealing();
    }

    /// The newest key that every peer that answers holds too; if there is none such, the newest.
    pub(super) fn choose_sealing(&mut self) {
        let answering = self.gossip.peers.values().filter(|peer| peer.is_reachable() && peer.has_spoken());
        let records: Vec<_> = answering.filter_map(|peer| self.head.nodes.get(&peer.node)).collect();
        let shared = |key: &RingKey| records.iter().all(|record| record.ring.contains(&key.id));
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
        self.fetches.under_way.retain(|_, fetch| fetch.until > now);
        self.announce_ring();
        self.choose_sealing();
        let named = self.retire_ring_keys();
        for id in named.into_iter().filter(|id| !self.fetches.held.contains_key(id)).collect::<Vec<_>>() {
            self.fetch_ring_key(id);
        }
        self.judge_readiness();
    }

    /// Asks a peer that says it holds the key. False if there is none to ask now.
    pub(super) fn fetch_ring_key(&mut self, id: RingKeyId) -> bool {
        let busy = self.fetches.under_way.values().any(|fetch| fetch.id == id);
        let early = self.fetches.not_before.get(&id).is_some_and(|at| *at > self.now.tick);
        if busy || early {
            return busy;
        }
        let holds = |node: &NodeId| self.durable.nodes.get(node).is_some_and(|record| record.ring.contains(&id));
        let candidates = self.gossip.ask_now(usize::MAX);
        let Some(node) = candidates.into_iter().find(holds) else {
            return false;
        };
        self.fetches.not_before.insert(id, self.now.tick.after(RETRY));
        let question = self.seal(node, Purpose::WrappingKey, message::encode_ring_question(id));
        let (Some((frame, _)), Some(to)) = (question, self.destination(node)) else {
            return false;
        };
        let exchange = self.gossip.name_exchange();
        let until = self.now.tick.after(self.durable.config.gossip.round_timeout);
        self.fetches.under_way.insert(exchange, Fetch { id, node, until });
        self.out.push(Effect::Send { exchange, to, door: Door::WrappingKey, frame });
        true
    }

    /// A peer asks for a key: it gets it, sealed to its own KEM key.
    pub(super) fn answer_ring_question(&mut self, call: CallId, from: NodeId, letter: &Letter) {
        let refuse = |reason| Rejected { from: Some(from), reason, proven: Some(letter.nonce) };
        let id = match message::decode_ring_question(&letter.body) {
            Ok(id) if self.fetches.admits(from, self.now.tick) => id,
            Ok(_) => return self.refuse_frame(call, &refuse(Reject::Busy)),
            Err(reason) => return self.refuse_frame(call, &refuse(reason)),
        };
        let durable = self.durable.ring.get(id).map(|key| &key.secret);
        let frame = self.seal(from, Purpose::WrappingKey, message::encode_ring_answer(durable));
        let frame = frame.map(|(frame, _)| frame);
        self.out.push(Effect::Reply { call, outcome: frame.ok_or(Reject::NotAdmitted) });
    }

    /// A peer answered: the key is believed if it has the name that was asked for.
    pub(super) fn ring_returned(&mut self, exchange: ExchangeId, bytes: &[u8]) {
        let Some(Fetch { id, node, .. }) = self.fetches.under_way.remove(&exchange) else {
            return;
        };
        let opened = match self.open(bytes, &[Purpose::WrappingKey], Freshness::Clock) {
            Ok(opened) if opened.from == node => opened,
            Ok(opened) => {
                let rejected = Rejected { from: Some(opened.from), reason: Reject::Mismatched, proven: None };
                self.ring_fetch_failed(id);
                return self.count_reject(&rejected);
            }
            Err(rejected) => {
                self.ring_fetch_failed(id);
                return self.count_reject(&rejected);
            }
        };
        match message::decode_ring_answer(&opened.letter.body) {
            Ok(Some(secret)) if ring_key_id(&secret) == id => {
                self.keep_ring_key(id, secret, "fetched");
                self.fetches.unannounced.get_or_insert(self.now.tick);
                self.pulls.ring_key_settled(id);
            }
            Ok(_) | Err(_) => self.ring_fetch_failed(id),
        }
    }

    pub(super) fn ring_failed(&mut self, exchange: ExchangeId) {
        if let Some(fetch) = self.fetches.under_way.remove(&exchange) {
            self.ring_fetch_failed(fetch.id);
        }
    }

    fn ring_fetch_failed(&mut self, id: RingKeyId) {
        self.gossip.stats.wrapping_key_pull_errors += 1;
        self.pulls.ring_key_settled(id);
    }

    /// A key is over when a newer one has been there for longer than any session lasts. Those that are still named.
    fn retire_ring_keys(&mut self) -> Vec<RingKeyId> {
        let config = &self.head.config;
        let slack = config.tokens.session_ttl + config.gossip.max_clock_drift * 2;
        let mut named: Vec<_> = self.head.ring_keys().map(|(id, meta)| (meta.created, id)).collect();
        named.sort_unstable();
        let over = named.windows(2).filter(|pair| pair[1].0.after(slack) <= self.now.wall).map(|pair| pair[0].1);
        let over: Vec<RingKeyId> = over.collect();
        for id in &over {
            self.remove(Key::new(Collection::RING_KEY, id.to_string()));
            self.note(Fact::RingKey { id: id.to_string(), how: "retired" });
        }
        let named: Vec<RingKeyId> = named.into_iter().map(|(_, id)| id).filter(|id| !over.contains(id)).collect();
        let mut gone: Vec<RingKeyId> = self.fetches.held.keys().filter(|id| !named.contains(id)).copied().collect();
        if !gone.is_empty() {
            let durable: Vec<RingKeyId> = self.durable.ring_keys().map(|(id, _)| id).collect();
            gone.retain(|id| !durable.contains(id));
        }
        for id in gone {
            self.fetches.held.remove(&id);
            self.put_secret(row::ring_secret_key(&id.0), None);
        }
        named
    }
}

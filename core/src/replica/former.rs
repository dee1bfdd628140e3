//! Records of other lives. A node that lost its disk, or got an older one back, does not answer for keys whose tokens are still
//! about; nor does one that got an older disk back know which of its keys are over. So everybody keeps the last record of such a
//! life and passes it on, until the node publishes its keys itself or their last token has expired, and no key that was over
//! stands again. What is kept follows from the records that were seen, and from nothing else.

use std::sync::Arc;
use std::time::Duration;

use super::Replica;
use crate::config::{MAX_FORMER_LIVES, MAX_TOKEN_KEYS, RECORD_LEASE, RECORD_RENEWAL};
use crate::crdt::{Incarnation, NodeId};
use crate::state::{KeyStage, NodeRecord, PublishedKey};
use crate::time::Wall;
use crate::token::MAX_ACCESS_TTL;
use crate::zoo::{self, Bug};

impl Replica {
    /// Takes a record that is not the one that counts: it is kept if it is of another life, and needed.
    pub(super) fn keep_former(&mut self, record: Arc<NodeRecord>) {
        let life = (record.node, record.incarnation);
        let is_later = self.head.former.get(&life).is_none_or(|known| known.version < record.version);
        if is_later && self.is_needed(&record) {
            self.put_former(record);
            self.review_former(Some(life.0));
        }
    }

    /// Whether it names a key that may have signed, and that the present record of its node does not answer for; or tells that
    /// a key is over which stands there again.
    fn is_needed(&self, record: &NodeRecord) -> bool {
        let Some(current) = self.head.nodes.get(&record.node) else {
            return false;
        };
        let is_unanswered = |key: &PublishedKey| current.token_key(&key.kid).is_none();
        let is_owed = |key| is_unanswered(key) && self.last_use(record, key) > self.now.wall;
        let stands_again = |key: &PublishedKey| is_standing(key) && is_over_in(record, key);
        current.incarnation != record.incarnation
            && (record.token_keys.iter().any(is_owed)
                || (current.token_keys.iter().any(stands_again) && !zoo::on(Bug::LaterLifeUnheard)))
    }

    /// Lets go of records of one node, or of all, that are answered or over; and of the oldest beyond the bound.
    pub(super) fn review_former(&mut self, node: Option<NodeId>) {
        let (first, last) = (node.unwrap_or(NodeId([0; 16])), node.unwrap_or(NodeId([0xff; 16])));
        let kept = self.head.former.range((first, Incarnation(0))..=(last, Incarnation(u64::MAX)));
        let needless = kept.filter(|(_, record)| !self.is_needed(record)).map(|(life, _)| *life);
        for (node, life) in needless.collect::<Vec<_>>() {
            self.drop_former(node, life);
        }
        let lives: Vec<_> = node.map_or(Vec::new(), |node| self.former_of(node).map(|one| one.incarnation).collect());
        for life in lives.iter().take(lives.len().saturating_sub(MAX_FORMER_LIVES)) {
            self.drop_former(first, *life);
        }
    }

    fn former_of(&self, node: NodeId) -> impl Iterator<Item = &Arc<NodeRecord>> {
        let lives = (node, Incarnation(0))..=(node, Incarnation(u64::MAX));
        self.head.former.range(lives).map(|(_, record)| record)
    }

    /// Slow duties: what is over leaves, and this node's own record never grows older than its lease allows.
    pub(super) fn review_records(&mut self) {
        if !self.head.former.is_empty() {
            self.review_former(None);
            self.adopt_orphans();
        }
        let now = self.now.wall;
        let signed = self.own_record().map_or(now, |own| own.signed);
        let is_from_future = signed > now.after(self.head.config.gossip.max_clock_drift);
        if signed.after(RECORD_RENEWAL) <= now || is_from_future {
            self.restate_record();
        }
    }

    /// Keys of other lives of this node are published on, until their last token has expired.
    pub(super) fn adopt_orphans(&mut self) {
        let mut lost: Vec<PublishedKey> = Vec::new();
        for record in self.former_of(self.head.identity.node) {
            for key in &record.token_keys {
                let known = self.own_record().is_some_and(|own| own.token_key(&key.kid).is_some())
                    || lost.iter().chain(&self.orphans).any(|known| known.kid == key.kid);
                let until = self.last_use(record, key);
                if !known && until > self.now.wall && !self.head.key_is_withdrawn(&key.kid) {
                    lost.push(PublishedKey { stage: KeyStage::Retiring(until), ..key.clone() });
                }
            }
        }
        lost.truncate((MAX_TOKEN_KEYS / 2).saturating_sub(self.orphans.len()));
        if !lost.is_empty() {
            self.orphans.extend(lost);
            self.rewrite_record(0);
        }
    }

    /// When the last token of a key expires that a record of another life names. Nobody heard of its next stage, if there was
    /// one: an upcoming key may have become active since, and an active one have signed for as long as its record vouches.
    pub(super) fn last_use(&self, record: &NodeRecord, key: &PublishedKey) -> Wall {
        let slack: Duration = self.head.config.gossip.max_clock_drift * 2;
        let end = record.signed.after(RECORD_LEASE).after(MAX_ACCESS_TTL).after(slack);
        match key.stage {
            KeyStage::Upcoming | KeyStage::Active => end,
            KeyStage::Retiring(until) => until.min(end),
        }
    }
}

/// Whether this key signs, or may sign yet.
pub(super) fn is_standing(key: &PublishedKey) -> bool {
    !matches!(key.stage, KeyStage::Retiring(_))
}

/// Whether a record of another life of its node tells that this key is over: it is retired there, or was forgotten. No key is
/// forgotten earlier than a token's longest life after it was published; a record that is older than that knew nothing of it.
pub(super) fn is_over_in(record: &NodeRecord, key: &PublishedKey) -> bool {
    match record.token_key(&key.kid) {
        Some(known) => !is_standing(known),
        None => key.published.after(MAX_ACCESS_TTL) <= record.signed,
    }
}

//! A peer's half of a round: what it tells of itself, and what of it the replica has to carry out. Nothing is merged here.

use super::compose::Local;
use super::peer::{Flight, Peer, REMEMBERED_VECTORS};
use super::unit::{Complete, Staging, Taken};
use crate::crdt::{Digest, Incarnation, MAX_ARRIVALS_AT_ONCE, VersionVector};
use crate::fault::Reject;
use crate::state::{RevokedId, View};
use crate::time::{Tick, Wall};
use crate::wire::message::{Message, RawRecord};
use crate::zoo::{self, Bug};

/// A message, with what its frame told.
pub struct Incoming {
    /// The sender's life.
    pub incarnation: Incarnation,
    /// Ours.
    pub own: Incarnation,
    /// The message.
    pub message: Message,
    /// Now.
    pub now: Tick,
}

/// What a message asks the replica to carry out: merge these, then reply or go on.
#[derive(Default)]
pub struct Heard {
    /// A delta that is complete.
    pub complete: Option<Complete>,
    /// Records to judge.
    pub records: Vec<RawRecord>,
    /// Members of the expiring sets.
    pub arrivals: Vec<(Wall, RevokedId)>,
    /// What has to be compared once all of it is merged.
    pub after: Comparison,
}

/// What the sender said of itself, to be compared with what we hold once its gifts are merged.
#[derive(Default)]
pub struct Comparison {
    /// Its root digest, with the vector that it belongs to.
    root: Option<(VersionVector, Digest)>,
    /// Its digests by bucket, if it sent them.
    buckets: Vec<Digest>,
    /// Its digest of the expiring sets.
    expiring: Digest,
    /// Its purge mark.
    purge_mark: Wall,
    /// Its epochs, if it sent them.
    epochs: Option<Vec<(crate::crdt::Epoch, Digest)>>,
}

impl Peer {
    /// Takes a message in.
    ///
    /// # Errors
    /// [`Reject::Forged`] or [`Reject::Oversized`], if it contradicts itself; what it told of the sender's own state stays.
    pub fn receive(&mut self, incoming: Incoming) -> Result<Heard, Reject> {
        let Incoming { incarnation, own, mut message, now } = incoming;
        if self.life != Some(incarnation) {
            self.begin_life(incarnation);
        }
        self.last_exchange = Some(now);
        self.spoke_since_doubt = true;
        self.presumed = None;
        if message.your_life != own && !zoo::on(Bug::YourLifeIgnored) {
            // It speaks to a former life of ours, or has heard none: no number of ours in it means anything now, and what
            // it cut was cut for a disk that may have held more than ours.
            message.heard = 0;
            message.want = None;
            message.part = None;
            message.your_record = 0;
        }
        let vector = self.hear_vector(&message);
        let ahead = message.part.is_some();
        self.resync = vector.is_none();
        self.hear_acknowledgement(&message, now);
        self.our_record = self.our_record.max(message.your_record);
        self.records_listed &= self.record_digest == Some(message.record_digest);
        self.record_digest = Some(message.record_digest);
        if !message.record_versions.is_empty() {
            self.records = message.record_versions.iter().copied().collect();
            self.records_listed = true;
        }
        self.has_more_arrivals = message.arrivals.len() >= MAX_ARRIVALS_AT_ONCE;
        let root = vector.clone().map(|vector| (vector, message.digest));
        let complete = match (message.part, vector) {
            (Some(part), Some(vector)) => self.stage(message.number, &vector, part, now)?,
            (Some(_), None) | (None, Some(_)) | (None, None) => None,
        };
        if !ahead && self.staging.as_ref().is_some_and(|staging| staging.number <= message.number) {
            self.unstage(); // Its sender has let go of it.
        }
        let after = Comparison {
            root,
            buckets: message.buckets,
            expiring: message.expiring,
            purge_mark: message.purge_mark,
            epochs: message.epochs,
        };
        Ok(Heard { complete, records: message.records, arrivals: message.arrivals, after })
    }

    /// After a merge: what do the digests say? True if the peer holds other cells than we under equal vectors.
    pub fn compare(&mut self, local: &Local<'_>, comparison: &Comparison) -> bool {
        let view = local.view;
        self.records_differ = self.record_digest.is_some_and(|theirs| theirs != local.record_digest);
        self.compare_expiring(local, comparison);
        if let Some((vector, root)) = &comparison.root
            && vector == view.cells.vector()
        {
            self.diverged = *root != view.cells.root();
            if !self.diverged {
                self.stats.diverging_buckets = None;
            } else if !comparison.buckets.is_empty() {
                let pairs = view.cells.buckets().into_iter().zip(&comparison.buckets);
                self.stats.diverging_buckets = Some(pairs.filter(|(ours, theirs)| ours != *theirs).count());
            }
        }
        self.diverged
    }

    /// Equal digests settle it. Else, if nothing on its way explains the difference, both sides say their epochs once, and
    /// each sends what it holds of those that differ.
    fn compare_expiring(&mut self, local: &Local<'_>, comparison: &Comparison) {
        let revoked = &local.view.revoked;
        let pair = (comparison.expiring, local.expiring);
        if pair.0 == pair.1 {
            self.arrivals = revoked.arrivals_end();
            self.arrivals_held = self.arrivals;
            self.compare_epochs = false;
            self.owed_epochs.clear();
        } else if let Some(theirs) = &comparison.epochs {
            let differing = revoked.differing_epochs(theirs, comparison.purge_mark);
            self.reconciled = differing.is_empty().then_some(pair);
            let held = differing.into_iter().filter(|epoch| revoked.epoch_items(*epoch).next().is_some());
            self.owed_epochs = held.map(|epoch| (epoch, None)).collect();
            self.compare_epochs = !std::mem::take(&mut self.epochs_told);
        } else {
            self.compare_epochs = self.arrivals >= revoked.arrivals_end() && self.reconciled != Some(pair);
        }
    }

    /// Whether the round that just came back shall be followed by another at once: something is left to say of what is ours, or of
    /// what was held here when it was opened, and not too many rounds in a row brought nothing. What came from others since then it
    /// hears from them, or in an interval; unless `eager`: then anything that is left to say is said.
    pub fn goes_on(&mut self, round: &Flight, view: &View, record_digest: Digest, eager: bool) -> bool {
        let news = std::mem::take(&mut self.push_again);
        if self.is_equal(view, record_digest) {
            self.idle_continuations = 0;
            return false;
        }
        if !(news || eager || self.owes(round, view)) {
            self.idle_continuations = 0;
            return false;
        }
        self.idle_continuations = self.idle_continuations.saturating_add(1);
        news || self.idle_continuations <= 3
    }

    /// Whether this round left something to say, in either direction.
    fn owes(&self, round: &Flight, view: &View) -> bool {
        self.resync
            || self.staging.is_some()
            || self.compare_epochs
            || !self.owed_epochs.is_empty()
            || self.has_more_arrivals
            || self.is_ahead(view)
            || self.lacks_ours(view)
            || self.lacks(&round.held)
            || self.lacks_records(&round.held)
            || (round.carries.listed && self.shows_records(view))
    }

    /// Progress was made: a stuck conversation is told from a long one.
    pub fn progressed(&mut self) {
        self.idle_continuations = 0;
    }

    /// The sender's vector, exactly; `None` if its base is not known here.
    fn hear_vector(&mut self, message: &Message) -> Option<VersionVector> {
        let mut vector = match message.base {
            0 => VersionVector::new(),
            base => self.heard.iter().find(|(number, _)| *number == base)?.1.clone(),
        };
        vector.extend(message.changes.iter().copied());
        if self.heard.back().is_none_or(|(number, _)| *number < message.number) {
            self.heard.push_back((message.number, vector.clone()));
            if self.heard.len() > REMEMBERED_VECTORS {
                self.heard.pop_front();
            }
        }
        Some(vector)
    }

    fn hear_acknowledgement(&mut self, message: &Message, now: Tick) {
        if self.told.iter().any(|(told, _)| *told == message.heard) {
            self.acknowledged = self.acknowledged.max(message.heard);
        }
        if message.resync || message.heard == 0 {
            self.acknowledged = 0;
        }
        let acknowledged = self.acknowledged;
        self.told.retain(|(told, _)| *told >= acknowledged);
        if let (Some((unit, next)), Some(outgoing)) = (message.want, self.outgoing.as_mut())
            && outgoing.number == unit
            && outgoing.resume(next, now)
        {
            self.idle_continuations = 0;
        }
    }

    fn stage(
        &mut self,
        number: u64,
        vector: &VersionVector,
        part: crate::wire::message::Part,
        now: Tick,
    ) -> Result<Option<Complete>, Reject> {
        if self.staging.as_ref().is_none_or(|staging| staging.number != number) {
            self.unstage();
            self.staging = Some(Staging::new(number, vector.clone(), now));
        }
        let Some(staging) = self.staging.as_mut() else {
            return Ok(None);
        };
        match staging.take(vector, part, now) {
            Ok(Taken::Last) => Ok(self.staging.take().map(Staging::complete)),
            Ok(Taken::Part) => {
                self.idle_continuations = 0;
                Ok(staging.too_early())
            }
            Ok(Taken::Nothing) => Ok(None),
            Err(reject) => {
                self.unstage();
                Err(reject)
            }
        }
    }
}

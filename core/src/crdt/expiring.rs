//! Expiring sets: what only ever becomes true, until it no longer matters. Merge is union; nothing is ever taken back.
//!
//! Each replica forgets by its own clock alone and never tells. Whatever expires at or before the *purge mark* counts as
//! expired for ever, so no clock that steps back brings anything to life again.

use std::collections::BTreeMap;

use imbl::{OrdMap, OrdSet};

use super::digest::{Digest, Fingerprint, Sum};
use crate::time::Wall;
use crate::zoo::{self, Bug};

/// The width of an epoch, the unit in which two sets are compared: ten minutes.
pub const EPOCH_MS: u64 = 600_000;
/// The most arrivals that are remembered; what fell out is found by comparing epochs.
pub const MAX_ARRIVALS: usize = 65_536;
/// The most arrivals that one call returns.
pub const MAX_ARRIVALS_AT_ONCE: usize = 1024;

/// All expiries within one [`EPOCH_MS`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(pub u64);

/// How far a reader has followed the arrivals of one set, in one life of its process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor(pub u64);

/// A set of items, each with the moment after which nobody needs it. Cloning is O(1).
///
/// How far in the future an expiry may lie is for the caller to bound.
#[derive(Clone, Debug)]
pub struct ExpiringSet<T: Ord + Clone> {
    expiries: OrdMap<T, Wall>,
    epochs: OrdMap<Epoch, Bucket<T>>,
    arrivals: OrdMap<u64, T>,
    next_arrival: u64,
    mark: Wall,
}

/// The items of one epoch, and the sum of their hashes.
#[derive(Clone, Debug)]
struct Bucket<T: Ord> {
    items: OrdSet<(Wall, T)>,
    sum: Sum,
}

impl<T: Ord> Default for Bucket<T> {
    fn default() -> Self {
        Bucket { items: OrdSet::new(), sum: Sum::default() }
    }
}

impl Epoch {
    /// The epoch of an expiry.
    pub fn of(expiry: Wall) -> Epoch {
        Epoch(expiry.0 / EPOCH_MS)
    }

    /// The first moment of this epoch; saturates.
    pub fn start(self) -> Wall {
        Wall(self.0.saturating_mul(EPOCH_MS))
    }
}

impl<T: Ord + Clone + Fingerprint> ExpiringSet<T> {
    /// An empty set that has purged up to `mark`: the one that was persisted, or [`Wall`] zero.
    pub fn new(mark: Wall) -> ExpiringSet<T> {
        ExpiringSet { expiries: OrdMap::new(), epochs: OrdMap::new(), arrivals: OrdMap::new(), next_arrival: 0, mark }
    }

    /// Adds an item, or prolongs it: the later expiry wins. Whether anything changed; at or below the purge mark nothing does.
    pub fn insert(&mut self, expiry: Wall, item: T) -> bool {
        if self.is_expired_for_ever(expiry) {
            return false;
        }
        match self.expiries.get(&item).copied() {
            Some(known) if known >= expiry => return false,
            Some(known) => self.forget(known, &item),
            None => {}
        }
        self.expiries.insert(item.clone(), expiry);
        let bucket = self.epochs.entry(Epoch::of(expiry)).or_default();
        bucket.sum.add(Sum::of(&item, expiry.0));
        bucket.items.insert((expiry, item.clone()));
        self.arrivals.insert(self.next_arrival, item);
        self.next_arrival += 1;
        if self.arrivals.len() > MAX_ARRIVALS {
            self.arrivals.remove(&(self.next_arrival - 1 - MAX_ARRIVALS as u64));
        }
        true
    }

    /// Adds what another set holds; the items that changed anything.
    pub fn merge(&mut self, items: impl IntoIterator<Item = (Wall, T)>) -> Vec<(Wall, T)> {
        items.into_iter().filter(|(expiry, item)| self.insert(*expiry, item.clone())).collect()
    }

    /// Whether the item is held. One who asks about something of known expiry must also ask
    /// [`is_expired_for_ever`](Self::is_expired_for_ever).
    pub fn contains(&self, item: &T) -> bool {
        self.expiries.contains_key(item)
    }

    /// When a held item expires.
    pub fn expiry(&self, item: &T) -> Option<Wall> {
        self.expiries.get(item).copied()
    }

    /// Whether anything that expires then is over here, whatever the clock may say later.
    pub fn is_expired_for_ever(&self, expiry: Wall) -> bool {
        expiry <= self.mark
    }

    /// The purge mark. It has to survive a restart.
    pub fn mark(&self) -> Wall {
        self.mark
    }

    /// How many items are held.
    pub fn len(&self) -> usize {
        self.expiries.len()
    }

    /// Whether none is held.
    pub fn is_empty(&self) -> bool {
        self.expiries.is_empty()
    }

    /// All items, in the order of their expiry.
    pub fn iter(&self) -> impl Iterator<Item = (Wall, &T)> + '_ {
        self.epochs.values().flat_map(Bucket::iter)
    }

    /// Drops what expires at or before `up_to` and raises the mark, which never falls. The dropped items, with their expiry.
    pub fn purge(&mut self, up_to: Wall) -> Vec<(Wall, T)> {
        self.mark = self.mark.max(up_to);
        let slack = if zoo::on(Bug::RevocationPurgedEarly) { EPOCH_MS } else { 0 };
        let due = self.iter().take_while(|(expiry, _)| expiry.0 <= self.mark.0 + slack);
        let over: Vec<_> = due.map(|(expiry, item)| (expiry, item.clone())).collect();
        for (expiry, item) in &over {
            self.forget(*expiry, item);
            self.expiries.remove(item);
        }
        over
    }

    fn forget(&mut self, expiry: Wall, item: &T) {
        let epoch = Epoch::of(expiry);
        let bucket = self.epochs.get_mut(&epoch).expect("every held item is in the bucket of its expiry");
        bucket.sum.subtract(Sum::of(item, expiry.0));
        bucket.items.remove(&(expiry, item.clone()));
        if bucket.items.is_empty() {
            self.epochs.remove(&epoch);
        }
    }

    /// What arrived, or was prolonged, since the cursor, at most [`MAX_ARRIVALS_AT_ONCE`], and where to go on. This is the
    /// fast path alone: a reader that fell behind [`MAX_ARRIVALS`] misses some, and finds them by comparing epochs.
    pub fn arrivals_since(&self, cursor: Cursor) -> (Vec<(Wall, T)>, Cursor) {
        let mut next =
            Cursor(cursor.0.max(self.next_arrival.saturating_sub(MAX_ARRIVALS as u64)).min(self.next_arrival));
        let mut items = Vec::new();
        for (at, item) in self.arrivals.range(next.0..) {
            if items.len() == MAX_ARRIVALS_AT_ONCE {
                break;
            }
            next = Cursor(at + 1);
            items.extend(self.expiries.get(item).map(|expiry| (*expiry, item.clone())));
        }
        (items, next)
    }

    /// The cursor of one who has followed all arrivals.
    pub fn arrivals_end(&self) -> Cursor {
        Cursor(self.next_arrival)
    }

    /// The digests of the epochs that lie wholly above the mark and hold something.
    pub fn epoch_digests(&self) -> Vec<(Epoch, Digest)> {
        let above = self.epochs.iter().filter(|(epoch, _)| epoch.start() > self.mark);
        above.map(|(epoch, bucket)| (*epoch, bucket.sum.digest())).collect()
    }

    /// The epochs in which a peer's set differs from this one, of those wholly above both marks.
    pub fn differing_epochs(&self, theirs: &[(Epoch, Digest)], their_mark: Wall) -> Vec<Epoch> {
        let mark = self.mark.max(their_mark);
        let ours: BTreeMap<Epoch, Digest> = self.epoch_digests().into_iter().collect();
        let theirs: BTreeMap<Epoch, Digest> = theirs.iter().copied().collect();
        let mut epochs: Vec<Epoch> = ours.keys().chain(theirs.keys()).copied().collect();
        epochs.sort_unstable();
        epochs.dedup();
        epochs.retain(|epoch| epoch.start() > mark && ours.get(epoch) != theirs.get(epoch));
        epochs
    }

    /// The items of one epoch, in the order of their expiry.
    pub fn epoch_items(&self, epoch: Epoch) -> impl Iterator<Item = (Wall, &T)> + '_ {
        self.epochs.get(&epoch).into_iter().flat_map(Bucket::iter)
    }
}

impl<T: Ord> Bucket<T> {
    fn iter(&self) -> impl Iterator<Item = (Wall, &T)> + '_ {
        self.items.iter().map(|(expiry, item)| (*expiry, item))
    }
}

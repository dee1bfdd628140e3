//! Digests: summaries that two equal states share. They raise alarms against accidents; they prove nothing against an adversary.
//!
//! A digest is a sum of hashes, so it follows every change at the cost of that change, in any order. Sums of hashes can be
//! forged by one who chooses many values; whoever may write values may write them wrongly anyway.

use std::fmt;
use std::sync::Arc;

use super::cell::Sibling;
use super::dot::write_hex;
use crate::zoo::{self, Bug};

/// How many buckets a store's digest has.
pub const BUCKETS: usize = 256;

/// Feeds the identity of a key or a value to a hash: different things must feed different bytes, also when they are put
/// together of several fields.
pub trait Fingerprint {
    /// Passes the bytes to `sink`, in any number of pieces.
    fn fingerprint(&self, sink: &mut dyn FnMut(&[u8]));
}

/// The digest of a set of live things: equal sets have equal digests, different ones differ but for a chance of 2^-128.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 16]);

impl Digest {
    /// The digest of something that has one form in bytes: the first half of its BLAKE3 hash.
    pub fn of(bytes: &[u8]) -> Digest {
        let mut digest = [0; 16];
        digest.copy_from_slice(&blake3::hash(bytes).as_bytes()[..16]);
        Digest(digest)
    }
}

/// A digest in the making: a commutative sum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sum(u128);

/// The sums of a store, by a hash of the key, and the sum of them all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Buckets {
    sums: Arc<[Sum; BUCKETS]>,
    root: Sum,
}

/// The hash of one key, taken once for all of its siblings.
#[derive(Clone, Copy)]
pub(super) struct KeyHash([u8; 32]);

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(&self.0, f)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

impl Sum {
    pub(super) fn add(&mut self, other: Sum) {
        self.0 = self.0.wrapping_add(other.0);
    }

    pub(super) fn subtract(&mut self, other: Sum) {
        self.0 = self.0.wrapping_sub(other.0);
    }

    pub(super) fn digest(self) -> Digest {
        Digest(self.0.to_be_bytes())
    }

    /// The hash of one thing with a fixed-size number beside it.
    pub(super) fn of(thing: &impl Fingerprint, beside: u64) -> Sum {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&beside.to_be_bytes());
        thing.fingerprint(&mut |bytes| {
            hasher.update(bytes);
        });
        Sum::from_hash(&hasher)
    }

    fn from_hash(hasher: &blake3::Hasher) -> Sum {
        let mut bytes = [0; 16];
        hasher.finalize_xof().fill(&mut bytes);
        Sum(u128::from_be_bytes(bytes))
    }
}

/// What is hashed of a sibling before its value: the hash of the key, the node, and three numbers.
const HEAD_BYTES: usize = 32 + 16 + 3 * 8;

impl KeyHash {
    pub(super) fn of(key: &impl Fingerprint) -> KeyHash {
        let mut hasher = blake3::Hasher::new();
        key.fingerprint(&mut |bytes| {
            hasher.update(bytes);
        });
        KeyHash(*hasher.finalize().as_bytes())
    }

    /// The hash of one live sibling of this key. Everything before the value has a fixed width.
    pub(super) fn sibling<V: Fingerprint>(&self, sibling: Sibling<&V>) -> Sum {
        let Sibling { dot, hlc, value } = sibling;
        let mut head = [0; HEAD_BYTES];
        head[..32].copy_from_slice(&self.0);
        head[32..48].copy_from_slice(&dot.replica.node.0);
        for (place, number) in [dot.replica.incarnation.0, dot.seq, hlc.0].into_iter().enumerate() {
            head[48 + 8 * place..][..8].copy_from_slice(&number.to_be_bytes());
        }
        let mut hasher = blake3::Hasher::new();
        if zoo::on(Bug::DigestOfKeysAlone) {
            return Sum::from_hash(hasher.update(&self.0));
        }
        hasher.update(&head);
        value.fingerprint(&mut |bytes| {
            hasher.update(bytes);
        });
        Sum::from_hash(&hasher)
    }
}

impl Buckets {
    pub(super) fn add(&mut self, key: &KeyHash, sibling: Sum) {
        self.at(key).add(sibling);
        self.root.add(sibling);
    }

    pub(super) fn subtract(&mut self, key: &KeyHash, sibling: Sum) {
        self.at(key).subtract(sibling);
        self.root.subtract(sibling);
    }

    fn at(&mut self, key: &KeyHash) -> &mut Sum {
        &mut Arc::make_mut(&mut self.sums)[usize::from(key.0[0])]
    }

    pub(super) fn digests(&self) -> [Digest; BUCKETS] {
        self.sums.map(Sum::digest)
    }

    pub(super) fn root(&self) -> Digest {
        self.root.digest()
    }
}

impl Default for Buckets {
    fn default() -> Self {
        Buckets { sums: Arc::new([Sum::default(); BUCKETS]), root: Sum::default() }
    }
}

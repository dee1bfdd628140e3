//! What a frame carries, in a few words, read as its receiver would read it. It keeps none of its bytes.

use std::sync::Arc;

use symbolon_core::crdt::{Dot, NodeId};
use symbolon_core::crypto::{Crypto, DecapsulationKey, VerifyingKey};
use symbolon_core::envelope::{Envelope, Purpose};
use symbolon_core::replica::IdentityKeys;
use symbolon_core::state::RevokedId;
use symbolon_core::wire::message::{self, Body, Message, Part};
use symbolon_core::wire::record;

use super::Place;

/// The names under which things spread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Spreading {
    /// An op.
    Op(Dot),
    /// A revocation.
    Revoked(RevokedId),
    /// A node's record in this version.
    Record(NodeId, u64),
}

/// What a message says, without its bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Carried {
    /// One word for what it is.
    pub word: Word,
    /// Cells of a delta.
    pub cells: usize,
    /// Revocations.
    pub revocations: usize,
    /// Node records.
    pub records: usize,
    /// The items among these: places in [`super::History::items`].
    pub items: Vec<Place>,
}

/// What a message is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Word {
    /// It does not open.
    #[default]
    Unreadable,
    /// It says that its sender is there, and what it holds.
    Beat,
    /// It asks for what it misses.
    Ask,
    /// It brings what its receiver lacks.
    Delta,
    /// It brings everything.
    Full,
    /// It is about a wrapping key.
    Key,
    /// It refuses what it answers.
    Refusal,
}

impl Word {
    /// As people read it.
    pub fn name(self) -> &'static str {
        match self {
            Word::Unreadable => "unreadable",
            Word::Beat => "beat",
            Word::Ask => "ask",
            Word::Delta => "delta",
            Word::Full => "full",
            Word::Key => "wrapping key",
            Word::Refusal => "refusal",
        }
    }
}

impl Carried {
    /// Whether it only says that its sender is there.
    pub fn is_beat(&self) -> bool {
        self.word == Word::Beat && self.revocations + self.records == 0
    }
}

impl std::fmt::Display for Carried {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.word.name())?;
        let parts = [
            (self.cells, "cell", "cells"),
            (self.revocations, "revocation", "revocations"),
            (self.records, "record", "records"),
        ];
        for (count, one, many) in parts.into_iter().filter(|(count, ..)| *count > 0) {
            write!(f, " · {count} {}", if count == 1 { one } else { many })?;
        }
        Ok(())
    }
}

/// Opens what travels between nodes whose keys it holds.
pub struct Opener {
    form: Arc<dyn Envelope>,
    crypto: Crypto,
    keys: Vec<Keys>,
}

/// What a node signs with, as others see it, and what it opens with.
type Keys = (Option<Arc<dyn VerifyingKey>>, Arc<dyn DecapsulationKey>);

impl Opener {
    /// For these nodes, whose frames have this form.
    pub fn new<'a>(
        form: Arc<dyn Envelope>,
        crypto: &Crypto,
        nodes: impl IntoIterator<Item = &'a IdentityKeys>,
    ) -> Opener {
        let keys = nodes.into_iter().map(|keys| {
            let bytes = keys.to_bytes();
            let seed = bytes[32..96].try_into().expect("64 bytes of the identity are the seed of its KEM key");
            (crypto.ecdsa.verifying_key(&keys.gossip_key()), crypto.kem.decapsulation_key(seed))
        });
        Opener { form, crypto: crypto.clone(), keys: keys.collect() }
    }

    /// From now on a node has the keys of another one.
    pub(super) fn impersonates(&mut self, node: usize, of: usize) {
        self.keys[node] = self.keys[of].clone();
    }

    /// What a frame carries, and the names of what spreads with it.
    pub(super) fn open(&self, from: usize, to: usize, frame: &[u8]) -> (Carried, Vec<Spreading>) {
        let unreadable = || (Carried::default(), Vec::new());
        let (Some((Some(author), _)), Some((_, opener))) = (self.keys.get(from), self.keys.get(to)) else {
            return unreadable();
        };
        let Ok(letter) = self.form.read(frame).and_then(|frame| frame.open(&**author, &self.crypto, &**opener))
        else {
            return unreadable();
        };
        if letter.purpose == Purpose::WrappingKey {
            return (Carried { word: Word::Key, ..Carried::default() }, Vec::new());
        }
        match message::decode(&letter.body) {
            Ok(Body::Message(message)) => read(&message),
            Ok(Body::Refusal(_)) => (Carried { word: Word::Refusal, ..Carried::default() }, Vec::new()),
            Err(_) => unreadable(),
        }
    }
}

fn read(message: &Message) -> (Carried, Vec<Spreading>) {
    let asks = message.want.is_some() || message.resync || !message.buckets.is_empty() || message.epochs.is_some();
    let word = match &message.part {
        Some(part) if part.deep => Word::Full,
        Some(_) => Word::Delta,
        None if asks || !message.record_versions.is_empty() => Word::Ask,
        None => Word::Beat,
    };
    let cells = message.part.as_ref().map_or(0, |part| part.cells.len());
    let (revocations, records) = (message.arrivals.len(), message.records.len());
    let carried = Carried { word, cells, revocations, records, items: Vec::new() };
    let ops = message.part.iter().flat_map(ops).map(Spreading::Op);
    let revoked = message.arrivals.iter().map(|(_, id)| Spreading::Revoked(*id));
    let records = message.records.iter().filter_map(|(raw, signature)| {
        let record = record::decode(raw, *signature).ok()?;
        Some(Spreading::Record(record.node, record.version))
    });
    (carried, ops.chain(revoked).chain(records).collect())
}

fn ops(part: &Part) -> impl Iterator<Item = Dot> + '_ {
    part.cells.iter().flat_map(|(_, cell)| cell.ops()).map(|op| op.dot)
}

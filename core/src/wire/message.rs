//! Messages: the body of a letter between peers. Both halves of a round have one shape.

use std::sync::Arc;

use minicbor::Decoder;
use minicbor::data::Type;

use super::cbor::{Enc, Step, WireFault, array, decoded, encoded, encoded_in, fields, fixed, list, tuple};
use super::cell::{Names, read_cell, read_key, read_place, read_seq, write_cell, write_key};
use super::mark::{Mark, read_mark, write_mark};
use crate::config::{
    MAX_ARRIVALS_PER_FRAME, MAX_FORMER_LIVES, MAX_PART_CELLS, MAX_PEERS, MAX_RECORDS_PER_FRAME, MAX_RING_KEYS,
};
use crate::crdt::{BUCKETS, Cell, Digest, Epoch, Incarnation, NodeId, ReplicaId};
use crate::crypto::{Secret32, Signature};
use crate::fault::Reject;
use crate::state::{Key, RevokedId, RingKeyId, Value};
use crate::time::Wall;

/// The version that this build writes, and the only one that it reads.
pub const VERSION: u8 = 1;
/// Entries of a vector: current and former incarnations.
const MAX_VECTOR: usize = 65_536;
/// Records of all nodes, those of other lives too.
const MAX_VERSIONS: usize = MAX_PEERS * (1 + MAX_FORMER_LIVES);
/// Epochs of the expiring sets.
const MAX_EPOCHS: usize = 65_536;

/// One half of a round. It speaks of one view of its sender. By default it says nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// Names the sender's vector, within its incarnation; vectors only grow with it.
    pub number: u64,
    /// `changes` are relative to the vector of this number; 0 is the empty one.
    pub base: u64,
    /// The life of the receiver that the sender has heard; what follows from numbers of another life is void.
    pub your_life: Incarnation,
    /// The greatest number of the receiver's whose vector the sender holds exactly; 0 for none.
    pub heard: u64,
    /// The sender does not hold the base of the last message: say everything.
    pub resync: bool,
    /// Entries of the sender's vector that differ from the base.
    pub changes: Vec<(ReplicaId, u64)>,
    /// The root digest of the sender's live cells.
    pub digest: Digest,
    /// The digests by bucket, when the roots differ under equal vectors.
    pub buckets: Vec<Digest>,
    /// A piece of what the receiver lacks.
    pub part: Option<Part>,
    /// Of the receiver's unit (by its number), the part that is awaited next.
    pub want: Option<(u64, u32)>,
    /// Node records that the receiver may lack: their bytes and signatures.
    pub records: Vec<RawRecord>,
    /// A digest of all (node, version) of the sender's records.
    pub record_digest: Digest,
    /// All of them, those of other lives too, when the digests differ.
    pub record_versions: Vec<(NodeId, u64)>,
    /// The version of the receiver's own record that the sender holds.
    pub your_record: u64,
    /// Members of the expiring sets that the receiver may lack.
    pub arrivals: Vec<(Wall, RevokedId)>,
    /// The digest of all epochs above the sender's purge mark.
    pub expiring: Digest,
    /// The sender's purge mark.
    pub purge_mark: Wall,
    /// The digests by epoch, when the digests of all differ.
    pub epochs: Option<Vec<(Epoch, Digest)>>,
    /// In a reply: the nonce of the frame that it answers, so that no other reply can be put in its place.
    pub answers: Option<Nonce>,
}

/// The nonce of a letter.
pub type Nonce = [u8; 16];
/// A record as its author signed it.
pub type RawRecord = (Arc<[u8]>, Signature);

/// One part of a unit: a delta that is applied as a whole when its last part is in. The vector of the message that
/// carries it is the vector of the view that the unit was cut from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its place in the unit, from 0.
    pub index: u32,
    /// Whether it ends the unit.
    pub last: bool,
    /// Whether the unit carries every cell that the sender has.
    pub deep: bool,
    /// With the first part of a deep unit: the sender's floor.
    pub floor: Vec<(ReplicaId, u64)>,
    /// With the first part: marks for the vector entries that the receiver may not know.
    pub marks: Vec<Mark>,
    /// The cells.
    pub cells: Vec<(Key, Cell<Value>)>,
}

/// The body of a letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// Half of a round.
    Message(Box<Message>),
    /// The receiver's frame was authentic, but is refused, and why.
    Refusal(Refusal),
}

/// A signed reason, so that nobody else can make a node believe that it is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// [`Reject::ClockDrift`], [`Reject::Stale`] or [`Reject::Superseded`].
    pub reason: Reject,
    /// The nonce of the frame that is refused.
    pub answers: Nonce,
    /// Why the receiver should believe that it is superseded: a record in its own hand, of a later life.
    pub record: Option<RawRecord>,
}

/// The bytes of a body.
pub fn encode(body: &Body) -> Vec<u8> {
    match body {
        Body::Message(message) => encode_message(message),
        Body::Refusal(refusal) => encoded(|e| {
            e.array(5)?.u8(VERSION)?.u8(1)?.u8(refusal_code(refusal.reason))?.bytes(&refusal.answers)?;
            match &refusal.record {
                Some(record) => write_record(e, record),
                None => e.null()?.ok(),
            }
        }),
    }
}

/// The bytes of a body that is this message.
pub fn encode_message(message: &Message) -> Vec<u8> {
    let mut names = names(message);
    let room = room_for(message) + 32 + 32 * names.len();
    let named = names.len();
    let out = encoded_in(Vec::with_capacity(room), |e| {
        e.array(4)?.u8(VERSION)?.u8(0)?;
        names.write(e)?;
        write_message(e, message, &mut names)
    });
    assert_eq!(names.len(), named, "every replica id was in the table before it was written");
    out
}

/// The body in these bytes.
///
/// # Errors
/// [`Reject::Version`] for a version that this build does not read, else [`Reject::Malformed`].
pub fn decode(bytes: &[u8]) -> Result<Body, Reject> {
    check_version(bytes)?;
    decoded(bytes, read_body).map_err(|_| Reject::Malformed)
}

/// The question for wrapping keys: their ids, at most [`MAX_RING_KEYS`]. Each key of the answer is to be checked against them.
pub fn encode_ring_question(ids: &[RingKeyId]) -> Vec<u8> {
    encoded(|e| {
        e.array(2)?.u8(VERSION)?.array(ids.len() as u64)?;
        ids.iter().try_for_each(|id| e.bytes(&id.0)?.ok())
    })
}

/// Reads [`encode_ring_question`].
///
/// # Errors
/// As [`decode`].
pub fn decode_ring_question(bytes: &[u8]) -> Result<Vec<RingKeyId>, Reject> {
    versioned(bytes, |d| list(d, MAX_RING_KEYS, |d| Ok(RingKeyId(fixed(d)?))))
}

/// The answer to [`encode_ring_question`]: those of the keys that the sender holds.
pub fn encode_ring_answer(secrets: &[&Secret32]) -> Vec<u8> {
    encoded(|e| {
        e.array(2)?.u8(VERSION)?.array(secrets.len() as u64)?;
        secrets.iter().try_for_each(|secret| e.bytes(&secret[..])?.ok())
    })
}

/// Reads [`encode_ring_answer`].
///
/// # Errors
/// As [`decode`].
pub fn decode_ring_answer(bytes: &[u8]) -> Result<Vec<Secret32>, Reject> {
    versioned(bytes, |d| list(d, MAX_RING_KEYS, |d| Ok(Secret32::new(fixed(d)?))))
}

fn versioned<T>(bytes: &[u8], read: impl FnOnce(&mut Decoder<'_>) -> Result<T, WireFault>) -> Result<T, Reject> {
    check_version(bytes)?;
    let read = |d: &mut Decoder<'_>| {
        tuple(d, 2)?;
        d.u8()?;
        read(d)
    };
    decoded(bytes, read).map_err(|_| Reject::Malformed)
}

/// Every body begins as an array whose first item is its version.
fn check_version(bytes: &[u8]) -> Result<(), Reject> {
    let mut head = Decoder::new(bytes);
    match (head.array(), head.u8()) {
        (Ok(Some(_)), Ok(VERSION)) => Ok(()),
        (Ok(Some(_)), Ok(_)) => Err(Reject::Version),
        _ => Err(Reject::Malformed),
    }
}

/// The replica ids of a message, in the order in which it names them: they come first.
fn names(message: &Message) -> Names {
    let mut names = Names::of(message.changes.len() + 2);
    let mut name = |replica: ReplicaId| {
        names.place(replica);
    };
    message.changes.iter().for_each(|(replica, _)| name(*replica));
    if let Some(part) = &message.part {
        part.floor.iter().for_each(|(replica, _)| name(*replica));
        part.marks.iter().for_each(|mark| name(mark.replica));
        part.cells.iter().flat_map(|(_, cell)| cell.context()).for_each(|dot| name(dot.replica));
    }
    names
}

/// About as many bytes as the message takes, to be asked for at once.
fn room_for(message: &Message) -> usize {
    let Message { changes, buckets, part, records, record_versions, arrivals, epochs, .. } = message;
    let records: usize = records.iter().map(|(raw, signature)| raw.len() + signature.len() + 8).sum();
    let part = part.as_ref().map_or(0, |part| 128 + 96 * part.marks.len() + 256 * part.cells.len());
    let epochs = epochs.as_ref().map_or(0, Vec::len);
    160 + 12 * changes.len()
        + 17 * buckets.len()
        + part
        + records
        + 28 * (record_versions.len() + arrivals.len() + epochs)
}

fn write_message(e: &mut Enc<'_>, message: &Message, names: &mut Names) -> Step {
    let Message {
        number,
        base,
        your_life,
        heard,
        resync,
        changes,
        digest,
        buckets,
        part,
        want,
        records,
        record_digest,
        record_versions,
        your_record,
        arrivals,
        expiring,
        purge_mark,
        epochs,
        answers,
    } = message;
    let optional = [
        *resync,
        !changes.is_empty(),
        !buckets.is_empty(),
        part.is_some(),
        want.is_some(),
        !records.is_empty(),
        !record_versions.is_empty(),
        !arrivals.is_empty(),
        epochs.is_some(),
        answers.is_some(),
    ];
    e.map(9 + optional.iter().filter(|present| **present).count() as u64)?;
    e.u8(0)?.u64(*number)?;
    e.u8(1)?.u64(*base)?;
    e.u8(2)?.u64(*heard)?;
    e.u8(3)?.bytes(&digest.0)?;
    e.u8(4)?.bytes(&record_digest.0)?;
    e.u8(5)?.u64(*your_record)?;
    e.u8(6)?.bytes(&expiring.0)?;
    e.u8(7)?.u64(purge_mark.0)?;
    e.u8(8)?.u64(your_life.0)?;
    write_optional(e, message, names)
}

/// The fields that are left out when they say nothing.
fn write_optional(e: &mut Enc<'_>, message: &Message, names: &mut Names) -> Step {
    let Message { resync, changes, buckets, part, want, records, record_versions, arrivals, epochs, answers, .. } =
        message;
    if *resync {
        e.u8(9)?.bool(true)?;
    }
    if !changes.is_empty() {
        e.u8(10)?;
        write_vector(e, changes, names)?;
    }
    if !buckets.is_empty() {
        e.u8(11)?.array(buckets.len() as u64)?;
        buckets.iter().try_for_each(|digest| e.bytes(&digest.0)?.ok())?;
    }
    if let Some(part) = part {
        e.u8(12)?;
        write_part(e, part, names)?;
    }
    if let Some((unit, next)) = want {
        e.u8(13)?.array(2)?.u64(*unit)?.u32(*next)?;
    }
    if !records.is_empty() {
        e.u8(14)?.array(records.len() as u64)?;
        records.iter().try_for_each(|record| write_record(e, record))?;
    }
    if !record_versions.is_empty() {
        e.u8(15)?.array(record_versions.len() as u64)?;
        record_versions.iter().try_for_each(|(node, version)| e.array(2)?.bytes(&node.0)?.u64(*version)?.ok())?;
    }
    if !arrivals.is_empty() {
        e.u8(16)?.array(arrivals.len() as u64)?;
        arrivals.iter().try_for_each(|(expiry, id)| write_arrival(e, *expiry, *id))?;
    }
    if let Some(epochs) = epochs {
        e.u8(17)?.array(epochs.len() as u64)?;
        epochs.iter().try_for_each(|(epoch, digest)| e.array(2)?.u64(epoch.0)?.bytes(&digest.0)?.ok())?;
    }
    if let Some(nonce) = answers {
        e.u8(18)?.bytes(nonce)?;
    }
    Ok(())
}

fn write_record(e: &mut Enc<'_>, (raw, signature): &RawRecord) -> Step {
    e.array(2)?.bytes(raw)?.bytes(signature)?.ok()
}

fn refusal_code(reason: Reject) -> u8 {
    match reason {
        Reject::Superseded => 1,
        Reject::Stale => 2,
        _ => 0,
    }
}

fn write_part(e: &mut Enc<'_>, part: &Part, names: &mut Names) -> Step {
    let Part { index, last, deep, floor, marks, cells } = part;
    e.array(6)?.u32(*index)?.bool(*last)?.bool(*deep)?;
    write_vector(e, floor, names)?;
    e.array(marks.len() as u64)?;
    marks.iter().try_for_each(|mark| write_mark(e, mark, names))?;
    e.array(cells.len() as u64)?;
    for (key, cell) in cells {
        e.array(3)?;
        write_key(e, key)?;
        write_cell(e, cell, names)?;
    }
    Ok(())
}

fn write_vector(e: &mut Enc<'_>, entries: &[(ReplicaId, u64)], names: &mut Names) -> Step {
    e.array(entries.len() as u64)?;
    entries.iter().try_for_each(|(replica, seq)| e.array(2)?.u32(names.place(*replica))?.u64(*seq)?.ok())
}

fn write_arrival(e: &mut Enc<'_>, expiry: Wall, id: RevokedId) -> Step {
    let (kind, id) = match id {
        RevokedId::Token(id) => (0, id),
        RevokedId::Session(id) => (1, id),
    };
    e.array(3)?.u8(kind)?.bytes(&id)?.u64(expiry.0)?.ok()
}

fn read_body(d: &mut Decoder<'_>) -> Result<Body, WireFault> {
    let len = array(d, 5)?;
    d.u8()?;
    match (d.u8()?, len) {
        (0, 4) => {
            let table = Names::read(d)?;
            Ok(Body::Message(Box::new(read_message(d, &table)?)))
        }
        (1, 5) => {
            let reason = match d.u8()? {
                0 => Reject::ClockDrift,
                1 => Reject::Superseded,
                2 => Reject::Stale,
                _ => return Err(WireFault("an unknown reason")),
            };
            let answers = fixed(d)?;
            let record = if d.datatype()? == Type::Null { d.null().map(|()| None)? } else { Some(read_record(d)?) };
            Ok(Body::Refusal(Refusal { reason, answers, record }))
        }
        _ => Err(WireFault("an unknown kind of message")),
    }
}

fn read_message(d: &mut Decoder<'_>, table: &[ReplicaId]) -> Result<Message, WireFault> {
    let mut message = Message::default();
    let mut seen = 0_u32;
    fields(d, |key, d| {
        seen |= 1_u32.checked_shl(key).unwrap_or(0);
        match key {
            0 => message.number = d.u64()?,
            1 => message.base = d.u64()?,
            2 => message.heard = d.u64()?,
            3 => message.digest = Digest(fixed(d)?),
            4 => message.record_digest = Digest(fixed(d)?),
            5 => message.your_record = d.u64()?,
            6 => message.expiring = Digest(fixed(d)?),
            7 => message.purge_mark = Wall(d.u64()?),
            8 => message.your_life = Incarnation(d.u64()?),
            9 => message.resync = d.bool()?,
            10 => message.changes = read_vector(d, table)?,
            11 => message.buckets = list(d, BUCKETS, |d| Ok(Digest(fixed(d)?)))?,
            12 => message.part = Some(read_part(d, table)?),
            13 => {
                tuple(d, 2)?;
                message.want = Some((d.u64()?, d.u32()?));
            }
            14 => message.records = list(d, MAX_RECORDS_PER_FRAME, read_record)?,
            15 => message.record_versions = list(d, MAX_VERSIONS, read_version)?,
            16 => message.arrivals = list(d, MAX_ARRIVALS_PER_FRAME, read_arrival)?,
            17 => message.epochs = Some(list(d, MAX_EPOCHS, read_epoch)?),
            18 => message.answers = Some(fixed(d)?),
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    if seen & 0x1ff == 0x1ff { Ok(message) } else { Err(WireFault("a message without one of its fields")) }
}

fn read_part(d: &mut Decoder<'_>, table: &[ReplicaId]) -> Result<Part, WireFault> {
    tuple(d, 6)?;
    let (index, last, deep) = (d.u32()?, d.bool()?, d.bool()?);
    let floor = read_vector(d, table)?;
    let marks = list(d, MAX_VECTOR, |d| read_mark(d, table))?;
    let cells = list(d, MAX_PART_CELLS, |d| {
        if array(d, 3)? != 3 {
            return Err(WireFault("a cell has three parts"));
        }
        let key = read_key(d)?;
        let cell = read_cell(d, key.collection, table)?;
        Ok((key, cell))
    })?;
    Ok(Part { index, last, deep, floor, marks, cells })
}

fn read_vector(d: &mut Decoder<'_>, table: &[ReplicaId]) -> Result<Vec<(ReplicaId, u64)>, WireFault> {
    list(d, MAX_VECTOR, |d| {
        tuple(d, 2)?;
        Ok((read_place(d, table)?, read_seq(d)?))
    })
}

fn read_record(d: &mut Decoder<'_>) -> Result<RawRecord, WireFault> {
    tuple(d, 2)?;
    Ok((d.bytes()?.into(), fixed(d)?))
}

fn read_version(d: &mut Decoder<'_>) -> Result<(NodeId, u64), WireFault> {
    tuple(d, 2)?;
    Ok((NodeId(fixed(d)?), d.u64()?))
}

fn read_arrival(d: &mut Decoder<'_>) -> Result<(Wall, RevokedId), WireFault> {
    tuple(d, 3)?;
    let kind = d.u8()?;
    let id = fixed(d)?;
    let id = match kind {
        0 => RevokedId::Token(id),
        1 => RevokedId::Session(id),
        _ => return Err(WireFault("an unknown kind of revocation")),
    };
    Ok((Wall(d.u64()?), id))
}

fn read_epoch(d: &mut Decoder<'_>) -> Result<(Epoch, Digest), WireFault> {
    tuple(d, 2)?;
    Ok((Epoch(d.u64()?), Digest(fixed(d)?)))
}

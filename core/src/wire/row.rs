//! Rows of the store: keys that sort, values that carry a version. What the disk gives back is read as strictly as a peer's.

use minicbor::Decoder;

use super::cbor::{WireFault, decoded, encoded, encoded_in, fields, fixed, list, text, tuple};
use super::cell::{Names, read_cell, read_replica, read_seq, write_cell, write_replica};
use super::record;
use crate::config::MAX_ADDRESS_BYTES;
use crate::crdt::{Cell, Digest, Hlc, Incarnation, NodeId, ReplicaId};
use crate::crypto::Signature;
use crate::state::{Collection, Key, NodeRecord, PinnedPeer, RevokedId, Value};
use crate::time::Wall;

/// The version of all rows; a store with a newer one is refused.
pub const VERSION: u32 = 1;

/// What the meta table holds: all of it in one row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Meta {
    /// The incarnation of the last boot.
    pub incarnation: Incarnation,
    /// The greatest hybrid stamp given or seen.
    pub clock: Hlc,
    /// The join of the contexts of dropped cells.
    pub floor: Vec<(ReplicaId, u64)>,
    /// The digest over live cells and vector, as of this very batch.
    pub digest: Digest,
    /// What expires at or before it has expired for ever.
    pub purge_mark: Wall,
}

/// The key of the meta row.
pub const META_KEY: &[u8] = b"meta";

/// A row of cells.
pub fn cell_key(key: &Key) -> Vec<u8> {
    [&[key.collection.0], key.id.as_bytes()].concat()
}

/// Reads [`cell_key`].
///
/// # Errors
/// If it is none.
pub fn read_cell_key(bytes: &[u8]) -> Result<Key, WireFault> {
    let (collection, id) = bytes.split_first().ok_or(WireFault("an empty key"))?;
    let id = std::str::from_utf8(id).map_err(|_| WireFault("an id that is no text"))?;
    Ok(Key::new(Collection(*collection), id))
}

/// The value of a row of cells.
pub fn cell(cell: &Cell<Value>) -> Vec<u8> {
    let mut names = Names::default();
    names.take(cell);
    encoded_in(Vec::with_capacity(room_for(cell)), |e| {
        e.array(3)?.u32(VERSION)?;
        names.write(e)?;
        write_cell(e, cell, &mut names)
    })
}

/// As many bytes as the row of a cell takes at most.
fn room_for(cell: &Cell<Value>) -> usize {
    let values = cell.siblings().map(|sibling| sibling.value.raw().len() + 8);
    16 + 64 * cell.ops().len() + values.sum::<usize>()
}

/// Reads [`cell`].
///
/// # Errors
/// If it is none.
pub fn read_cell_row(collection: Collection, bytes: &[u8]) -> Result<Cell<Value>, WireFault> {
    versioned(bytes, 3, |d| {
        let table = Names::read(d)?;
        read_cell(d, collection, &table)
    })
}

/// A row of marks: its key.
pub fn mark_key(replica: ReplicaId) -> Vec<u8> {
    encoded(|e| write_replica(e, replica))
}

/// Reads [`mark_key`].
///
/// # Errors
/// If it is none.
pub fn read_mark_key(bytes: &[u8]) -> Result<ReplicaId, WireFault> {
    decoded(bytes, read_replica)
}

/// A row of marks: the vector entry, and the signed mark that reaches at least as far (none for one's own writes, whose
/// marks are signed when they are sent).
pub fn mark(seq: u64, signed: Option<(u64, Signature)>) -> Vec<u8> {
    encoded(|e| {
        let (reach, signature) = signed.unwrap_or((0, [0; 64]));
        e.array(4)?.u32(VERSION)?.u64(seq)?.u64(reach)?.bytes(&signature)?.ok()
    })
}

/// Reads [`mark`].
///
/// # Errors
/// If it is none.
pub fn read_mark(bytes: &[u8]) -> Result<(u64, Option<(u64, Signature)>), WireFault> {
    versioned(bytes, 4, |d| {
        let seq = read_seq(d)?;
        let (reach, signature) = (d.u64()?, fixed(d)?);
        Ok((seq, (reach > 0).then_some((reach, signature))))
    })
}

/// A row of records: its key, for the record that counts.
pub fn record_key(node: NodeId) -> Vec<u8> {
    node.0.to_vec()
}

/// The key for the last record of another life of the node.
pub fn former_key(node: NodeId, life: Incarnation) -> Vec<u8> {
    [&node.0[..], &life.0.to_be_bytes()].concat()
}

/// The value of a row of records.
pub fn record(record: &NodeRecord) -> Vec<u8> {
    let room = record.raw.len() + record.signature.len() + 16;
    encoded_in(Vec::with_capacity(room), |e| {
        e.array(3)?.u32(VERSION)?.bytes(&record.raw)?.bytes(&record.signature)?.ok()
    })
}

/// Reads [`record`].
///
/// # Errors
/// If it is none.
pub fn read_record(bytes: &[u8]) -> Result<NodeRecord, WireFault> {
    versioned(bytes, 3, |d| {
        let raw = d.bytes()?.into();
        record::decode(&raw, fixed(d)?)
    })
}

/// A row of the expiring sets: its key.
pub fn revoked_key(id: RevokedId) -> Vec<u8> {
    let (kind, id) = match id {
        RevokedId::Token(id) => (0, id),
        RevokedId::Session(id) => (1, id),
    };
    [&[kind], &id[..]].concat()
}

/// Reads [`revoked_key`].
///
/// # Errors
/// If it is none.
pub fn read_revoked_key(bytes: &[u8]) -> Result<RevokedId, WireFault> {
    let fault = WireFault("a revocation that this build does not know");
    let (kind, id) = bytes.split_first().ok_or(fault)?;
    let id = id.try_into().map_err(|_| fault)?;
    match kind {
        0 => Ok(RevokedId::Token(id)),
        1 => Ok(RevokedId::Session(id)),
        _ => Err(fault),
    }
}

/// The value of a row of the expiring sets.
pub fn expiry(expiry: Wall) -> Vec<u8> {
    encoded(|e| e.array(2)?.u32(VERSION)?.u64(expiry.0)?.ok())
}

/// Reads [`expiry`].
///
/// # Errors
/// If it is none.
pub fn read_expiry(bytes: &[u8]) -> Result<Wall, WireFault> {
    versioned(bytes, 2, |d| Ok(Wall(d.u64()?)))
}

/// The value of a row of pinned peers; its key is the node id.
pub fn pinned(peer: &PinnedPeer) -> Vec<u8> {
    let PinnedPeer { node, gossip_key, kem_key, address, .. } = peer;
    encoded(|e| e.array(5)?.u32(VERSION)?.bytes(&node.0)?.bytes(gossip_key)?.bytes(&kem_key[..])?.str(address)?.ok())
}

/// Reads [`pinned`].
///
/// # Errors
/// If it is none.
pub fn read_pinned(bytes: &[u8]) -> Result<PinnedPeer, WireFault> {
    versioned(bytes, 5, |d| {
        let (node, gossip_key, kem_key) = (NodeId(fixed(d)?), fixed(d)?, Box::new(fixed(d)?));
        Ok(PinnedPeer::new(node, gossip_key, kem_key, text(d, MAX_ADDRESS_BYTES)?))
    })
}

/// The meta row.
pub fn meta(meta: &Meta) -> Vec<u8> {
    let Meta { incarnation, clock, floor, digest, purge_mark } = meta;
    encoded(|e| {
        e.array(2)?.u32(VERSION)?.map(5)?;
        e.u8(0)?.u64(incarnation.0)?;
        e.u8(1)?.u64(clock.0)?;
        e.u8(2)?.array(floor.len() as u64)?;
        for (replica, seq) in floor {
            e.array(2)?;
            write_replica(e, *replica)?;
            e.u64(*seq)?;
        }
        e.u8(3)?.bytes(&digest.0)?;
        e.u8(4)?.u64(purge_mark.0)?.ok()
    })
}

/// Reads [`meta`].
///
/// # Errors
/// If it is none.
pub fn read_meta(bytes: &[u8]) -> Result<Meta, WireFault> {
    versioned(bytes, 2, |d| {
        let mut meta = Meta::default();
        fields(d, |key, d| {
            match key {
                0 => meta.incarnation = Incarnation(d.u64()?),
                1 => meta.clock = Hlc(d.u64()?),
                2 => meta.floor = list(d, usize::MAX, read_entry)?,
                3 => meta.digest = Digest(fixed(d)?),
                4 => meta.purge_mark = Wall(d.u64()?),
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(meta)
    })
}

/// The version of a row, whatever it holds: to tell a newer store from a broken one.
pub fn version(bytes: &[u8]) -> Option<u32> {
    let mut d = Decoder::new(bytes);
    d.array().ok()??;
    d.u32().ok()
}

/// A private key of this node: what it is for, and when it was made.
pub fn token_secret_key(kid: &str) -> Vec<u8> {
    [b"token/", kid.as_bytes()].concat()
}

/// The row of a wrapping key.
pub fn ring_secret_key(id: &[u8; 16]) -> Vec<u8> {
    [&b"ring/"[..], id].concat()
}

fn read_entry(d: &mut Decoder<'_>) -> Result<(ReplicaId, u64), WireFault> {
    tuple(d, 2)?;
    Ok((read_replica(d)?, read_seq(d)?))
}

fn versioned<'b, T>(
    bytes: &'b [u8],
    len: usize,
    read: impl FnOnce(&mut Decoder<'b>) -> Result<T, WireFault>,
) -> Result<T, WireFault> {
    decoded(bytes, |d| {
        tuple(d, len)?;
        match d.u32()? {
            VERSION => read(d),
            _ => Err(WireFault("a row of another version")),
        }
    })
}

//! Node records: a map with integer keys, signed as a whole by the node that it describes.

use std::sync::Arc;

use minicbor::Decoder;

use super::cbor::{Enc, Step, WireFault, decoded, encoded_in, fields, fixed, list, text, tuple};
use crate::config::{MAX_ADDRESS_BYTES, MAX_ID_BYTES, MAX_RING_KEYS, MAX_TOKEN_KEYS};
use crate::crdt::{Incarnation, NodeId};
use crate::crypto::{Signature, SigningKey, VerifyingKey};
use crate::state::{KeyStage, NodeRecord, PublishedKey, RingKeyId};
use crate::time::Wall;

const TAG: &[u8] = b"symbolon/record/v1\0";
/// Most records are not longer than this.
const ROOM: usize = 2048;
/// The largest record that is read.
pub const MAX_RECORD_BYTES: usize = 8192;

/// Signs a record: fills in its bytes and its signature.
pub fn sign(mut record: NodeRecord, key: &dyn SigningKey, cluster: &[u8; 16]) -> NodeRecord {
    record.raw = encoded_in(Vec::with_capacity(ROOM), |e| write(e, &record)).into();
    record.signature = key.sign(&signed(cluster, &record.raw));
    record
}

/// Whether the record was signed by this key, in this cluster.
pub fn verify(record: &NodeRecord, key: &dyn VerifyingKey, cluster: &[u8; 16]) -> bool {
    key.verify(&signed(cluster, &record.raw), &record.signature)
}

/// The record in these bytes, not yet verified.
///
/// # Errors
/// If they are no record.
pub fn decode(raw: &Arc<[u8]>, signature: Signature) -> Result<NodeRecord, WireFault> {
    if raw.len() > MAX_RECORD_BYTES {
        return Err(WireFault("a record is too long"));
    }
    let mut record = decoded(raw, read)?;
    record.raw = raw.clone();
    record.signature = signature;
    Ok(record)
}

/// The node that these bytes speak of, if they are a record as this build writes it.
pub fn subject(raw: &[u8]) -> Option<NodeId> {
    let mut head = Decoder::new(raw);
    head.map().ok()?;
    (head.u8().ok()? == 0).then(|| fixed(&mut head).ok().map(NodeId))?
}

fn signed(cluster: &[u8; 16], raw: &[u8]) -> Vec<u8> {
    [TAG, cluster, raw].concat()
}

fn write(e: &mut Enc<'_>, record: &NodeRecord) -> Step {
    let NodeRecord {
        node,
        version,
        name,
        incarnation,
        address,
        gossip_key,
        kem_key,
        token_keys,
        ring,
        signed,
        raw: _,
        signature: _,
    } = record;
    let dated = signed.0 > 0;
    e.map(9 + u64::from(dated))?;
    e.u8(0)?.bytes(&node.0)?;
    e.u8(1)?.u64(*version)?;
    e.u8(2)?.str(name)?;
    e.u8(3)?.u64(incarnation.0)?;
    e.u8(4)?.str(address)?;
    e.u8(5)?.bytes(gossip_key)?;
    e.u8(6)?.bytes(&kem_key[..])?;
    e.u8(7)?.array(token_keys.len() as u64)?;
    token_keys.iter().try_for_each(|key| write_token_key(e, key))?;
    e.u8(8)?.array(ring.len() as u64)?;
    ring.iter().try_for_each(|id| e.bytes(&id.0)?.ok())?;
    if dated {
        e.u8(9)?.u64(signed.0)?;
    }
    Ok(())
}

fn write_token_key(e: &mut Enc<'_>, key: &PublishedKey) -> Step {
    let (stage, until) = match key.stage {
        KeyStage::Upcoming => (0, 0),
        KeyStage::Active => (1, 0),
        KeyStage::Retiring(until) => (2, until.0),
    };
    e.array(5)?.str(&key.kid)?.bytes(&key.point)?.u64(key.published.0)?.u8(stage)?.u64(until)?;
    Ok(())
}

fn read(d: &mut Decoder<'_>) -> Result<NodeRecord, WireFault> {
    let (mut node, mut version, mut incarnation, mut gossip_key, mut kem_key) = (None, None, None, None, None);
    let (mut name, mut address) = (Arc::<str>::from(""), Arc::<str>::from(""));
    let (mut token_keys, mut ring, mut signed) = (Vec::new(), Vec::new(), Wall(0));
    fields(d, |key, d| {
        match key {
            0 => node = Some(NodeId(fixed(d)?)),
            1 => version = Some(d.u64()?),
            2 => name = text(d, MAX_ID_BYTES)?.into(),
            3 => incarnation = Some(Incarnation(d.u64()?)),
            4 => address = text(d, MAX_ADDRESS_BYTES)?.into(),
            5 => gossip_key = Some(fixed(d)?),
            6 => kem_key = Some(Box::new(fixed(d)?)),
            7 => token_keys = list(d, MAX_TOKEN_KEYS, read_token_key)?.into_iter().flatten().collect(),
            8 => ring = list(d, MAX_RING_KEYS, |d| Ok(RingKeyId(fixed(d)?)))?,
            9 => signed = Wall(d.u64()?),
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    let missing = WireFault("a record without one of its fields");
    Ok(NodeRecord {
        node: node.ok_or(missing)?,
        version: version.ok_or(missing)?,
        name,
        incarnation: incarnation.ok_or(missing)?,
        address,
        gossip_key: gossip_key.ok_or(missing)?,
        kem_key: kem_key.ok_or(missing)?,
        token_keys,
        ring,
        signed,
        raw: [].into(),
        signature: [0; 64],
    })
}

/// `None` for a key in a stage that this build does not know: it counts for nothing here, and its record is passed on as it is.
fn read_token_key(d: &mut Decoder<'_>) -> Result<Option<PublishedKey>, WireFault> {
    tuple(d, 5)?;
    let kid = text(d, 64)?.into();
    let (point, published) = (fixed(d)?, Wall(d.u64()?));
    let stage = match (d.u8()?, Wall(d.u64()?)) {
        (0, _) => KeyStage::Upcoming,
        (1, _) => KeyStage::Active,
        (2, until) => KeyStage::Retiring(until),
        _ => return Ok(None),
    };
    Ok(Some(PublishedKey { kid, point, published, stage }))
}

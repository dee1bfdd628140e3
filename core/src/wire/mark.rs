//! Marks: how far a replica has written, in its node's own hand. A vector entry is not believed beyond one.

use minicbor::Decoder;

use super::cbor::{Enc, Step, WireFault, fixed, tuple};
use super::cell::{Names, read_place, read_seq};
use crate::crdt::ReplicaId;
use crate::crypto::{Signature, SigningKey, VerifyingKey};

const TAG: &[u8] = b"symbolon/mark/v1\0";
/// What is signed: the tag, the cluster, the node, and two numbers.
const SIGNED_BYTES: usize = TAG.len() + 16 + 16 + 2 * 8;

/// A signed high-water mark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Whose writes.
    pub replica: ReplicaId,
    /// It has written this far.
    pub seq: u64,
    /// By the gossip key of the replica's node.
    pub signature: Signature,
}

impl Mark {
    /// The mark of one's own writes.
    pub fn sign(key: &dyn SigningKey, cluster: &[u8; 16], replica: ReplicaId, seq: u64) -> Mark {
        Mark { replica, seq, signature: key.sign(&signed(cluster, replica, seq)) }
    }

    /// Whether the replica's node signed it, in this cluster.
    pub fn verify(&self, key: &dyn VerifyingKey, cluster: &[u8; 16]) -> bool {
        key.verify(&signed(cluster, self.replica, self.seq), &self.signature)
    }
}

fn signed(cluster: &[u8; 16], replica: ReplicaId, seq: u64) -> [u8; SIGNED_BYTES] {
    let mut out = [0; SIGNED_BYTES];
    let mut rest = &mut out[..];
    for part in [TAG, cluster, &replica.node.0, &replica.incarnation.0.to_be_bytes(), &seq.to_be_bytes()] {
        let (place, behind) = rest.split_at_mut(part.len());
        place.copy_from_slice(part);
        rest = behind;
    }
    out
}

pub(super) fn write_mark(e: &mut Enc<'_>, mark: &Mark, names: &mut Names) -> Step {
    e.array(3)?.u32(names.place(mark.replica))?.u64(mark.seq)?.bytes(&mark.signature)?;
    Ok(())
}

pub(super) fn read_mark(d: &mut Decoder<'_>, table: &[ReplicaId]) -> Result<Mark, WireFault> {
    tuple(d, 3)?;
    Ok(Mark { replica: read_place(d, table)?, seq: read_seq(d)?, signature: fixed(d)? })
}

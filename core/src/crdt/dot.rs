//! Names: of nodes, of replicas, and of every single op. A name carries no authority; who may use it is judged elsewhere.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

/// The greatest sequence number that is believed. A replica that wrote a million times a second would need two thousand
/// years to pass it, so what lies beyond is a lie.
pub const MAX_SEQ: u64 = 1 << 56;

/// The stable name of a node, minted once with its gossip key. Displayed as 32 hex digits.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct NodeId(pub [u8; 16]);

/// One life of a node. Every boot that writes takes a fresh, greater one, so that no disk that went back in time can
/// use a dot twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Incarnation(pub u64);

/// A node in one of its lives: the author of ops.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReplicaId {
    /// Which node.
    pub node: NodeId,
    /// In which of its lives.
    pub incarnation: Incarnation,
}

/// The name of one op: its author, and its place among the author's ops, counted from 1 without gaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Dot {
    /// The author.
    pub replica: ReplicaId,
    /// The place, from 1 to [`MAX_SEQ`].
    pub seq: u64,
}

/// The text is no node id: not exactly 32 hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeIdError;

/// The order of the bytes. Ids are compared all the time, and as numbers they are without a call.
impl Ord for NodeId {
    fn cmp(&self, other: &NodeId) -> Ordering {
        u128::from_be_bytes(self.0).cmp(&u128::from_be_bytes(other.0))
    }
}

impl PartialOrd for NodeId {
    fn partial_cmp(&self, other: &NodeId) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(&self.0, f)
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NodeId({self})")
    }
}

impl FromStr for NodeId {
    type Err = NodeIdError;

    fn from_str(text: &str) -> Result<NodeId, NodeIdError> {
        let digits = text.as_bytes();
        if digits.len() != 32 {
            return Err(NodeIdError);
        }
        let mut id = [0; 16];
        for (byte, pair) in id.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = hex(pair[0])? << 4 | hex(pair[1])?;
        }
        Ok(NodeId(id))
    }
}

impl fmt::Display for NodeIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a node id is 32 hex digits")
    }
}

impl std::error::Error for NodeIdError {}

impl fmt::Display for ReplicaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.node, self.incarnation.0)
    }
}

impl fmt::Display for Dot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.replica, self.seq)
    }
}

impl ReplicaId {
    /// This replica's op at `seq`.
    pub fn dot(self, seq: u64) -> Dot {
        Dot { replica: self, seq }
    }
}

/// Writes the 32 hex digits of an id, all at once.
pub(crate) fn write_hex(id: &[u8; 16], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = [0; 32];
    for (pair, byte) in text.chunks_exact_mut(2).zip(id) {
        pair.copy_from_slice(&[DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 0xf)]]);
    }
    f.write_str(std::str::from_utf8(&text).expect("hex digits are text"))
}

fn hex(digit: u8) -> Result<u8, NodeIdError> {
    match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        b'A'..=b'F' => Ok(digit - b'A' + 10),
        _ => Err(NodeIdError),
    }
}

//! The opened content of a frame as a versioned CBOR array. It never judges what a letter says.

use std::fmt;

use minicbor::decode::{Decoder, Error};
use minicbor::encode::{Encoder, write::Write};
use zeroize::Zeroizing;

use crate::fault::Reject;
use crate::time::Wall;

/// The version that this build writes, and the only one that it reads.
pub const VERSION: u64 = 1;
const FIELDS: u64 = 9;
/// What a letter takes beside its body, and what may be written behind it.
const ROOM: usize = 256;

/// The opened content of a frame. It names again what the frame around it claims, since an outsider can put a frame of
/// his own around the sealed part of another's.
#[derive(Clone, PartialEq, Eq)]
pub struct Letter {
    /// What the body is.
    pub purpose: Purpose,
    /// The cluster that both belong to.
    pub cluster: [u8; 16],
    /// The node that wrote it.
    pub sender: [u8; 16],
    /// The node that it is for.
    pub receiver: [u8; 16],
    /// The sender's incarnation.
    pub incarnation: u64,
    /// The sender's wall clock when it wrote.
    pub sent: Wall,
    /// Never used twice by a sender.
    pub nonce: [u8; 16],
    /// The message.
    pub body: Vec<u8>,
}

/// What the body of a letter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Purpose {
    /// The first half of a round.
    Sync,
    /// The second half of a round.
    SyncReply,
    /// A wrapping key, or the question for one.
    WrappingKey,
}

impl Purpose {
    /// Its number on the wire.
    pub fn code(self) -> u8 {
        match self {
            Purpose::Sync => 1,
            Purpose::SyncReply => 2,
            Purpose::WrappingKey => 3,
        }
    }

    /// The purpose of this number.
    pub fn from_code(code: u8) -> Option<Purpose> {
        match code {
            1 => Some(Purpose::Sync),
            2 => Some(Purpose::SyncReply),
            3 => Some(Purpose::WrappingKey),
            _ => None,
        }
    }
}

/// The body may be a key, so only its length shows.
impl fmt::Debug for Letter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Letter")
            .field("purpose", &self.purpose)
            .field("sent", &self.sent)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// The bytes of a letter.
pub fn encode(letter: &Letter) -> Zeroizing<Vec<u8>> {
    let mut out = Zeroizing::new(Vec::with_capacity(letter.body.len() + ROOM));
    fields(&mut Encoder::new(&mut *out), letter).expect("writing to memory does not fail");
    out
}

/// The letter in these bytes. Takes no memory beyond their length.
///
/// # Errors
/// [`Reject::Version`] for a version that this build does not read, [`Reject::Malformed`] for anything else.
pub fn decode(bytes: &[u8]) -> Result<Letter, Reject> {
    let mut decoder = Decoder::new(bytes);
    let (length, version) = head(&mut decoder).map_err(|_| Reject::Malformed)?;
    if version != VERSION {
        return Err(Reject::Version);
    }
    let letter = rest(&mut decoder).map_err(|_| Reject::Malformed)?;
    if length == Some(FIELDS) && decoder.position() == bytes.len() { Ok(letter) } else { Err(Reject::Malformed) }
}

fn fields<W: Write>(e: &mut Encoder<W>, letter: &Letter) -> Result<(), minicbor::encode::Error<W::Error>> {
    let Letter { purpose, cluster, sender, receiver, incarnation, sent, nonce, body } = letter;
    e.array(FIELDS)?.u64(VERSION)?.u8(purpose.code())?;
    e.bytes(cluster)?.bytes(sender)?.bytes(receiver)?;
    e.u64(*incarnation)?.u64(sent.0)?.bytes(nonce)?.bytes(body)?;
    Ok(())
}

fn head(d: &mut Decoder<'_>) -> Result<(Option<u64>, u64), Error> {
    Ok((d.array()?, d.u64()?))
}

fn rest(d: &mut Decoder<'_>) -> Result<Letter, Error> {
    let purpose = Purpose::from_code(d.u8()?).ok_or_else(|| Error::message("an unknown purpose"))?;
    let (cluster, sender, receiver) = (id(d)?, id(d)?, id(d)?);
    let (incarnation, sent, nonce) = (d.u64()?, Wall(d.u64()?), id(d)?);
    let body = d.bytes()?.to_vec();
    Ok(Letter { purpose, cluster, sender, receiver, incarnation, sent, nonce, body })
}

fn id(d: &mut Decoder<'_>) -> Result<[u8; 16], Error> {
    d.bytes()?.try_into().map_err(|_| Error::message("an identifier has 16 bytes"))
}

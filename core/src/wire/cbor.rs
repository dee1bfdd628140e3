//! The few helpers that all encodings share. Nothing here knows a domain type.

use std::convert::Infallible;
use std::fmt;

use minicbor::{Decoder, Encoder, decode, encode};

/// An encoder into memory, which cannot fail.
pub(super) type Enc<'a> = Encoder<&'a mut Vec<u8>>;
/// The outcome of one encoding step.
pub(super) type Step = Result<(), encode::Error<Infallible>>;

/// Most rows and values are not longer than this.
const ROOM: usize = 128;

/// Why bytes do not decode. It says what was expected, never what was there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WireFault(pub &'static str);

impl fmt::Display for WireFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for WireFault {}

impl From<decode::Error> for WireFault {
    fn from(_: decode::Error) -> WireFault {
        WireFault("not the CBOR that was expected")
    }
}

/// The bytes that `write` produces.
pub(super) fn encoded(write: impl FnOnce(&mut Enc<'_>) -> Step) -> Vec<u8> {
    encoded_in(Vec::with_capacity(ROOM), write)
}

/// The same, behind what is in `out`, which may have room for what comes.
pub(super) fn encoded_in(mut out: Vec<u8>, write: impl FnOnce(&mut Enc<'_>) -> Step) -> Vec<u8> {
    write(&mut Encoder::new(&mut out))
        .expect("writing into memory does not fail, and no field has an encoder that does");
    out
}

/// The value that `read` finds in all of `bytes`.
pub(super) fn decoded<'b, T>(
    bytes: &'b [u8],
    read: impl FnOnce(&mut Decoder<'b>) -> Result<T, WireFault>,
) -> Result<T, WireFault> {
    let mut decoder = Decoder::new(bytes);
    let value = read(&mut decoder)?;
    if decoder.position() != bytes.len() {
        return Err(WireFault("bytes after the end"));
    }
    Ok(value)
}

/// The length of a definite array of at most `max` items.
pub(super) fn array(d: &mut Decoder<'_>, max: usize) -> Result<usize, WireFault> {
    bounded(d.array()?, max)
}

/// An array of exactly `len` items.
pub(super) fn tuple(d: &mut Decoder<'_>, len: usize) -> Result<(), WireFault> {
    match array(d, len)? {
        found if found == len => Ok(()),
        _ => Err(WireFault("an array of another length was expected")),
    }
}

/// The length of a definite map of at most 256 entries.
pub(super) fn map(d: &mut Decoder<'_>) -> Result<usize, WireFault> {
    bounded(d.map()?, 256)
}

/// Items of a definite array of at most `max`. Memory grows with what is read, not with what is claimed.
pub(super) fn list<'b, T>(
    d: &mut Decoder<'b>,
    max: usize,
    mut item: impl FnMut(&mut Decoder<'b>) -> Result<T, WireFault>,
) -> Result<Vec<T>, WireFault> {
    let len = array(d, max)?;
    let mut items = Vec::with_capacity(len.min(256));
    for _ in 0..len {
        items.push(item(d)?);
    }
    Ok(items)
}

/// A byte string of exactly `N` bytes.
pub(super) fn fixed<const N: usize>(d: &mut Decoder<'_>) -> Result<[u8; N], WireFault> {
    d.bytes()?.try_into().map_err(|_| WireFault("a byte string of another length was expected"))
}

/// A text of at most `max` bytes.
pub(super) fn text<'b>(d: &mut Decoder<'b>, max: usize) -> Result<&'b str, WireFault> {
    let text = d.str()?;
    if text.len() > max { Err(WireFault("a text is too long")) } else { Ok(text) }
}

/// Reads a map with integer keys; `field` reads what it knows and returns false for what it does not, which is skipped.
pub(super) fn fields<'b>(
    d: &mut Decoder<'b>,
    mut field: impl FnMut(u32, &mut Decoder<'b>) -> Result<bool, WireFault>,
) -> Result<(), WireFault> {
    for _ in 0..map(d)? {
        let key = d.u32()?;
        if !field(key, d)? {
            d.skip()?;
        }
    }
    Ok(())
}

fn bounded(len: Option<u64>, max: usize) -> Result<usize, WireFault> {
    let len = len.ok_or(WireFault("lengths must be definite"))?;
    usize::try_from(len).ok().filter(|len| *len <= max).ok_or(WireFault("too many items"))
}

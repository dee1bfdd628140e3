//! Frames: CMS SignedData around an ML-KEM-768 encrypted letter. It judges a frame, never what the letter asks for.
//!
//! ```text
//! ContentInfo / SignedData v3          RFC 5652   ECDSA P-256 over the signed attributes, by the sender's gossip key
//!   AuthEnvelopedData v0               RFC 5083   AES-256-GCM (RFC 5084) under a fresh content key
//!     OtherRecipientInfo               RFC 9629   the content key, wrapped under what ML-KEM-768 (RFC 9936) agreed
//!     Letter                                      sender, receiver, cluster, purpose, time and nonce again
//! ```
//!
//! Opening goes in steps, each reached only through the one before: [`Sealed`], [`Verified`], [`Letter`], then
//! [`Letter::check`] and the [`ReplayWindow`].
//!
//! The gossip key also signs transcripts and records. Signed attributes begin with the DER tag of a SET, `0x31`, and this
//! is their domain tag: whatever else the key signs begins with another byte.

mod check;
mod open;
mod port;
mod profile;
mod replay;
mod seal;

pub use check::Expected;
pub use open::{Sealed, Verified};
pub use port::{Cms, Envelope, Frame};
pub use replay::ReplayWindow;
pub use seal::{MAX_BODY_BYTES, MAX_OVERHEAD_BYTES, SealError, seal};

pub use crate::wire::letter::{Letter, Purpose};

//! What a replica is told at boot, and every limit of the protocol, each named once.

use std::time::Duration;

/// The largest frame that is read or sent, in bytes.
pub const MAX_FRAME_BYTES: usize = 1 << 20;
/// Frames are refused when their time lies further than this from the receiver's wall clock.
pub const FRAME_WINDOW: Duration = Duration::from_secs(120);
/// Nonces remembered per sender; beyond it the oldest time bound moves up instead of a nonce being forgotten.
pub const MAX_NONCES_PER_SENDER: usize = 65_536;

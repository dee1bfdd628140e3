//! No secret stands in clear in a frame, a fact, or a row of a disk: all bytes are searched.

use std::collections::HashSet;

use foldhash::fast::FixedState;

use super::{Check, Kinds, Moment, Sight, scans, scans_rows};
use crate::plan::Plan;

/// A piece of a secret, by which it is found.
type Piece = [u8; 8];

/// One place in so many is looked at: each secret is known by as many pieces, so that one of them begins at such a place wherever
/// the secret stands.
const STRIDE: usize = 16;

pub(super) struct Secrets {
    /// Whether frames hide what they carry, as real ones do; else they are not searched, and neither are facts.
    frames: bool,
    /// Whether rows are searched.
    rows: bool,
    pieces: HashSet<Piece, FixedState>,
    likely: Likely,
}

/// A quick "no": one bit for each hash of a piece.
struct Likely(Vec<u64>);

/// Few enough to stay in the nearest cache, and many enough for the pieces of some hundred secrets.
const WORDS: usize = 1 << 10;

impl Default for Likely {
    fn default() -> Likely {
        Likely(vec![0; WORDS])
    }
}

impl Likely {
    fn slot(piece: Piece) -> (usize, u64) {
        let hash = u64::from_le_bytes(piece).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 48;
        ((hash >> 6) as usize, 1 << (hash & 63))
    }

    fn insert(&mut self, piece: Piece) {
        let (word, bit) = Likely::slot(piece);
        self.0[word] |= bit;
    }

    fn holds(&self, piece: Piece) -> bool {
        let (word, bit) = Likely::slot(piece);
        self.0[word] & bit != 0
    }
}

impl Secrets {
    pub(super) fn new(plan: &Plan) -> Secrets {
        Secrets { frames: scans(plan), rows: scans_rows(plan), pieces: HashSet::default(), likely: Likely::default() }
    }

    fn search(&self, what: &str, bytes: &[u8]) -> Result<(), String> {
        let pieces = bytes.chunks(STRIDE).map_while(|chunk| chunk.first_chunk::<8>());
        let found = pieces.enumerate().find(|(_, piece)| self.likely.holds(**piece) && self.pieces.contains(*piece));
        found
            .map_or(Ok(()), |(at, _)| Err(format!("a secret stands in clear in {what}, around byte {}", at * STRIDE)))
    }
}

impl Check for Secrets {
    fn name(&self) -> &'static str {
        "secrets"
    }

    fn watches(&self) -> Kinds {
        match (self.frames, self.rows) {
            (true, _) => Kinds::WROTE | Kinds::SENT | Kinds::NOTED | Kinds::SECRETS,
            (false, true) => Kinds::WROTE | Kinds::SECRETS,
            (false, false) => Kinds::NONE,
        }
    }

    fn see(&mut self, _: Moment<'_>, sight: &Sight<'_>) -> Result<(), String> {
        match sight {
            Sight::Secrets(secrets) => {
                for secret in *secrets {
                    for piece in secret.windows(8).take(STRIDE) {
                        let piece = Piece::try_from(piece).expect("a window has its length");
                        self.pieces.insert(piece);
                        self.likely.insert(piece);
                    }
                }
                Ok(())
            }
            Sight::Sent(bytes) => self.search("a frame", bytes),
            Sight::Wrote(batch) => batch
                .rows()
                .iter()
                .try_for_each(|row| self.search(row.table.name(), row.value.as_deref().unwrap_or_default())),
            Sight::Noted(fact) => self.search("a fact", format!("{fact:?}").as_bytes()),
            _ => Ok(()),
        }
    }
}

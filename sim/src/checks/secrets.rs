//! No secret stands in clear in a frame, a fact, or a row of a disk: all bytes are searched.

use std::collections::BTreeSet;

use super::{Check, Moment, Sight};

/// Secrets are found by their first bytes.
type Head = [u8; 8];

pub(super) struct Secrets {
    /// Whether frames hide what they carry, as real ones do; else they are not searched, and neither are facts.
    frames: bool,
    heads: BTreeSet<Head>,
    likely: Likely,
}

/// A quick "no": one bit for each hash of a head.
struct Likely(Vec<u64>);

impl Default for Likely {
    fn default() -> Likely {
        Likely(vec![0; 1024])
    }
}

impl Likely {
    fn slot(head: Head) -> (usize, u64) {
        let hash = u64::from_le_bytes(head).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 48;
        ((hash >> 6) as usize, 1 << (hash & 63))
    }

    fn insert(&mut self, head: Head) {
        let (word, bit) = Likely::slot(head);
        self.0[word] |= bit;
    }

    fn holds(&self, head: Head) -> bool {
        let (word, bit) = Likely::slot(head);
        self.0[word] & bit != 0
    }
}

impl Secrets {
    pub(super) fn new(frames: bool) -> Secrets {
        Secrets { frames, heads: BTreeSet::new(), likely: Likely::default() }
    }

    fn search(&self, what: &str, bytes: &[u8]) -> Result<(), String> {
        let heads = bytes.windows(8).map(|window| Head::try_from(window).expect("a window has its length"));
        let found = heads.enumerate().find(|(_, head)| self.likely.holds(*head) && self.heads.contains(head));
        found.map_or(Ok(()), |(at, _)| Err(format!("a secret stands in clear in {what}, at byte {at}")))
    }
}

impl Check for Secrets {
    fn name(&self) -> &'static str {
        "secrets"
    }

    fn see(&mut self, _: Moment<'_>, sight: &Sight<'_>) -> Result<(), String> {
        match sight {
            Sight::Secrets(secrets) => {
                for secret in *secrets {
                    let head = Head::try_from(&secret[..8]).expect("a secret is longer than its head");
                    self.heads.insert(head);
                    self.likely.insert(head);
                }
                Ok(())
            }
            Sight::Sent(bytes) if self.frames => self.search("a frame", bytes),
            Sight::Wrote(rows) => rows
                .iter()
                .try_for_each(|row| self.search(row.table.name(), row.value.as_deref().unwrap_or_default())),
            Sight::Noted(fact) if self.frames => self.search("a fact", format!("{fact:?}").as_bytes()),
            _ => Ok(()),
        }
    }
}

//! Chance by name: a draw is a function of a seed and of what it is drawn for, so that deleting one thing from a plan leaves
//! every other draw as it was. It keeps no state.

/// A draw.
#[derive(Clone, Copy, Debug)]
pub struct Chance(u64);

impl Chance {
    /// The draw of a seed for this purpose.
    pub fn of(seed: u64, purpose: u64) -> Chance {
        Chance(mix(seed ^ mix(purpose.wrapping_add(0x9e37_79b9_7f4a_7c15))))
    }

    /// The draw below this one for this purpose.
    pub fn at(self, purpose: u64) -> Chance {
        Chance::of(self.0, purpose)
    }

    /// 64 random bits.
    pub fn word(self) -> u64 {
        mix(self.0)
    }

    /// A number below `end`; 0 if there is none.
    pub fn below(self, end: u64) -> u64 {
        if end == 0 { 0 } else { self.word() % end }
    }

    /// A number from `first` to `last`, both included.
    pub fn between(self, first: u64, last: u64) -> u64 {
        first + self.below(last.saturating_sub(first) + 1)
    }

    /// A number from `-limit` to `limit`.
    pub fn around(self, limit: u64) -> i64 {
        self.below(2 * limit + 1) as i64 - limit as i64
    }

    /// True in so many of a thousand draws.
    pub fn permille(self, rate: u64) -> bool {
        self.below(1000) < rate
    }
}

/// The finalizer of SplitMix64.
fn mix(word: u64) -> u64 {
    let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

//! A histogram of times that is the same whoever adds it up, and in whatever order.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Times are kept exactly below this, and beyond it to three digits, so that a histogram stays small.
const EXACT: u64 = 1000;

/// How often each time was seen, in milliseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<(u64, u64)>", into = "Vec<(u64, u64)>")]
pub struct Spread(BTreeMap<u64, u64>);

impl Spread {
    /// Adds a time.
    pub fn add(&mut self, ms: u64) {
        let mut unit = 1;
        while ms / unit >= EXACT {
            unit *= 10;
        }
        *self.0.entry(ms.div_ceil(unit).saturating_mul(unit)).or_default() += 1;
    }

    /// Adds all of another.
    pub fn join(&mut self, other: &Spread) {
        for (ms, times) in &other.0 {
            *self.0.entry(*ms).or_default() += times;
        }
    }

    /// How many times were added.
    pub fn count(&self) -> u64 {
        self.0.values().sum()
    }

    /// The least time that so many in a thousand do not exceed.
    pub fn permille(&self, share: u64) -> Option<u64> {
        let rank = (u128::from(self.count()) * u128::from(share)).div_ceil(1000).max(1);
        let mut passed = 0;
        self.0.iter().find_map(|(ms, times)| {
            passed += u128::from(*times);
            (passed >= rank).then_some(*ms)
        })
    }
}

impl From<Vec<(u64, u64)>> for Spread {
    fn from(pairs: Vec<(u64, u64)>) -> Spread {
        let mut spread = Spread::default();
        for (ms, times) in pairs {
            *spread.0.entry(ms).or_default() += times;
        }
        spread
    }
}

impl From<Spread> for Vec<(u64, u64)> {
    fn from(spread: Spread) -> Vec<(u64, u64)> {
        spread.0.into_iter().collect()
    }
}

//! Ranges of seeds, and the share of one that a machine of many takes. Shares of one range never meet, and together are all of it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A range of seeds, `A..B` without B, never empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Seeds {
    /// A.
    pub first: u64,
    /// B.
    pub end: u64,
}

/// One share of N, `I/N`, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Shard {
    /// I, from 1 to N.
    pub number: u64,
    /// N.
    pub of: u64,
}

impl Seeds {
    /// Whether a seed is in both.
    pub fn meets(self, other: Seeds) -> bool {
        self.first < other.end && other.first < self.end
    }
}

impl Shard {
    /// Everything.
    pub const WHOLE: Shard = Shard { number: 1, of: 1 };

    /// The seed at this place of the share: those that lie I - 1 behind the first of each N.
    pub fn seed(self, seeds: Seeds, place: u64) -> Option<u64> {
        let offset = place.checked_mul(self.of)?.checked_add(self.number - 1)?;
        seeds.first.checked_add(offset).filter(|seed| *seed < seeds.end)
    }

    /// How many seeds the share has.
    pub fn count(self, seeds: Seeds) -> u64 {
        (seeds.end - seeds.first).saturating_sub(self.number - 1).div_ceil(self.of)
    }
}

impl FromStr for Seeds {
    type Err = String;

    fn from_str(text: &str) -> Result<Seeds, String> {
        let range = "a range of seeds is written A..B, as in 0..1000, and B is left out";
        let (first, end) = text.split_once("..").ok_or_else(|| format!("{text:?} has no `..`: {range}"))?;
        let seed =
            |part: &str| part.parse().map_err(|_| format!("{part:?} is no seed, a number of 64 bits: {range}"));
        let (first, end) = (seed(first)?, seed(end)?);
        if first < end { Ok(Seeds { first, end }) } else { Err(format!("{text:?} is empty: {range}")) }
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Shard, String> {
        let right = || format!("{text:?} is no share: it is written I/N, as in 1/4, with I from 1 to N");
        let (number, of) = text.split_once('/').ok_or_else(right)?;
        let (number, of) = (number.parse().map_err(|_| right())?, of.parse().map_err(|_| right())?);
        if (1..=of).contains(&number) { Ok(Shard { number, of }) } else { Err(right()) }
    }
}

impl fmt::Display for Seeds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", self.first, self.end)
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.of)
    }
}

impl TryFrom<String> for Seeds {
    type Error = String;

    fn try_from(text: String) -> Result<Seeds, String> {
        text.parse()
    }
}

impl TryFrom<String> for Shard {
    type Error = String;

    fn try_from(text: String) -> Result<Shard, String> {
        text.parse()
    }
}

impl From<Seeds> for String {
    fn from(seeds: Seeds) -> String {
        seeds.to_string()
    }
}

impl From<Shard> for String {
    fn from(shard: Shard) -> String {
        shard.to_string()
    }
}

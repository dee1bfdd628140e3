//! A length of time as plans write it: a number and a unit, such as `250ms`, `35s` or `2m`.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

/// A length of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(pub Duration);

const UNITS: [(&str, u64); 4] = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000)];

impl Span {
    /// The span that this text means, if it means one of at most a day.
    pub fn parse(text: &str) -> Option<Span> {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (count, unit) = text.split_at(digits);
        let (_, unit_ms) = UNITS.into_iter().find(|(name, _)| *name == unit.trim_start())?;
        let ms = count.parse::<u64>().ok()?.checked_mul(unit_ms)?;
        (ms <= 24 * 3_600_000).then(|| Span(Duration::from_millis(ms)))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = self.0.as_millis() as u64;
        let (unit, unit_ms) =
            UNITS.into_iter().rev().find(|(_, unit_ms)| ms != 0 && ms.is_multiple_of(*unit_ms)).unwrap_or(("ms", 1));
        write!(f, "{}{unit}", ms / unit_ms)
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Span, D::Error> {
        let text = String::deserialize(deserializer)?;
        Span::parse(&text).ok_or_else(|| {
            D::Error::custom(format!("`{text}` is no time: write a number and ms, s, m or h, such as \"2s\""))
        })
    }
}

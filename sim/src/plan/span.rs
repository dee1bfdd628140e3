//! Lengths of time as plans write them: a number and a unit, such as `250ms`, `35s` or `2m`; and shifts of clocks, such as `+1h`.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

/// A length of time, in whole milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(pub Duration);

/// How far a clock is moved, in milliseconds: forward or back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shift(pub i64);

const UNITS: [(&str, u64); 5] = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 24 * 3_600_000)];

/// The longest span.
const MOST_MS: u64 = 400 * 24 * 3_600_000;

impl Span {
    /// So many milliseconds.
    pub const fn of_ms(ms: u64) -> Span {
        Span(Duration::from_millis(ms))
    }

    /// The span that this text means, if it means one of at most 400 days.
    pub fn parse(text: &str) -> Option<Span> {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (count, unit) = text.split_at(digits);
        let (_, unit_ms) = UNITS.into_iter().find(|(name, _)| *name == unit.trim_start())?;
        let ms = count.parse::<u64>().ok()?.checked_mul(unit_ms)?;
        (ms <= MOST_MS).then(|| Span::of_ms(ms))
    }

    /// In milliseconds.
    pub fn ms(self) -> u64 {
        self.0.as_millis() as u64
    }
}

impl Shift {
    /// The shift that this text means.
    pub fn parse(text: &str) -> Option<Shift> {
        match text.split_at_checked(1)? {
            ("+", span) => Some(Shift(Span::parse(span)?.ms() as i64)),
            ("-", span) => Some(Shift(-(Span::parse(span)?.ms() as i64))),
            _ => None,
        }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = self.ms();
        let (unit, unit_ms) =
            UNITS.into_iter().rev().find(|(_, unit_ms)| ms != 0 && ms.is_multiple_of(*unit_ms)).unwrap_or(("ms", 1));
        write!(f, "{}{unit}", ms / unit_ms)
    }
}

impl fmt::Display for Shift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { '-' } else { '+' };
        write!(f, "{sign}{}", Span::of_ms(self.0.unsigned_abs()))
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
            D::Error::custom(format!("`{text}` is no time: write a number and ms, s, m, h or d, such as \"2s\""))
        })
    }
}

impl Serialize for Shift {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Shift {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Shift, D::Error> {
        let text = String::deserialize(deserializer)?;
        Shift::parse(&text).ok_or_else(|| {
            D::Error::custom(format!("`{text}` moves no clock: write + or -, a number and a unit, such as \"+1h\""))
        })
    }
}

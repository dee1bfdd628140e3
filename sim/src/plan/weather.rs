//! The weather: what the network does to messages, what disks do to commits, and how clocks err. Rates are in thousandths.

use serde::{Deserialize, Serialize};

use super::{Shift, Span};

/// What network and disks do while the storm lasts. Latencies stay after it; what is left out is calm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Weather {
    /// One way of an ordinary message.
    #[serde(skip_serializing_if = "is_near")]
    pub latency: Range,
    /// Messages that take longer.
    #[serde(skip_serializing_if = "super::is_default")]
    pub slow: Slow,
    /// Requests that vanish.
    #[serde(skip_serializing_if = "super::is_default")]
    pub lost_requests: u64,
    /// Replies that vanish.
    #[serde(skip_serializing_if = "super::is_default")]
    pub lost_replies: u64,
    /// Of what vanishes, how much the sender is never told of: a half-open link.
    #[serde(skip_serializing_if = "super::is_default")]
    pub silent: u64,
    /// Requests that arrive twice.
    #[serde(skip_serializing_if = "super::is_default")]
    pub twice: u64,
    /// Messages that arrive with a flipped bit.
    #[serde(skip_serializing_if = "super::is_default")]
    pub corrupt: u64,
    /// Messages that arrive without their end.
    #[serde(skip_serializing_if = "super::is_default")]
    pub truncated: u64,
    /// What a link carries, in KiB a second; 0 is no limit.
    #[serde(skip_serializing_if = "super::is_default")]
    pub bandwidth: u64,
    /// How long a commit takes.
    #[serde(skip_serializing_if = "is_quick")]
    pub commit: Range,
}

/// From one length of time to another, both included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Range {
    /// The least.
    pub min: Span,
    /// The greatest.
    pub max: Span,
}

/// So many of a thousand take up to so much longer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Slow {
    /// How many.
    pub permille: u64,
    /// How much longer at most.
    pub up_to: Span,
}

/// How the clock of a node errs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClockError {
    /// At the beginning.
    #[serde(skip_serializing_if = "super::is_default")]
    pub offset: Shift,
    /// Gained in a million.
    #[serde(skip_serializing_if = "super::is_default")]
    pub ppm: i64,
}

/// One way within a building.
const NEAR: Range = Range { min: Span::of_ms(1), max: Span::of_ms(5) };
/// A commit on a good disk.
const QUICK: Range = Range { min: Span::of_ms(1), max: Span::of_ms(2) };

fn is_near(range: &Range) -> bool {
    *range == NEAR
}

fn is_quick(range: &Range) -> bool {
    *range == QUICK
}

impl Default for Weather {
    fn default() -> Weather {
        Weather {
            latency: NEAR,
            slow: Slow::default(),
            lost_requests: 0,
            lost_replies: 0,
            silent: 0,
            twice: 0,
            corrupt: 0,
            truncated: 0,
            bandwidth: 0,
            commit: QUICK,
        }
    }
}

impl Weather {
    /// What is wrong with these numbers, if anything.
    pub(super) fn problem(&self) -> Option<String> {
        let rates = [
            ("slow.permille", self.slow.permille),
            ("lost-requests", self.lost_requests),
            ("lost-replies", self.lost_replies),
            ("silent", self.silent),
            ("twice", self.twice),
            ("corrupt", self.corrupt),
            ("truncated", self.truncated),
        ];
        if let Some((name, rate)) = rates.into_iter().find(|(_, rate)| *rate > 1000) {
            return Some(format!("weather.{name} is so many of a thousand, 0 to 1000, not {rate}"));
        }
        let ranges = [("latency", self.latency), ("commit", self.commit)];
        let (name, range) = ranges.into_iter().find(|(_, range)| range.min > range.max)?;
        Some(format!("weather.{name}: min {} is more than max {}", range.min, range.max))
    }

    /// In a few words, for people.
    pub fn words(&self) -> String {
        let mut words = vec![format!("latency {}–{}", self.latency.min, self.latency.max)];
        let mut rate = |rate: u64, what: &str| {
            if rate > 0 {
                words.push(format!("{}.{} % {what}", rate / 10, rate % 10));
            }
        };
        rate(self.slow.permille, &format!("slower by up to {}", self.slow.up_to));
        rate(self.lost_requests, "of requests lost");
        rate(self.lost_replies, "of replies lost");
        rate(self.silent, "of losses silent");
        rate(self.twice, "doubled");
        rate(self.corrupt, "corrupted");
        rate(self.truncated, "truncated");
        if self.bandwidth > 0 {
            words.push(format!("{} KiB/s a link", self.bandwidth));
        }
        words.push(format!("commits {}–{}", self.commit.min, self.commit.max));
        words.join(", ")
    }
}

//! When a failure became certain: the run is repeated with other draws from many points in time on. Before a point all stays as
//! it was; after it network, disks and crashes draw anew, while the plan stays. It judges by the failure.

use crate::checks::Failure;
use crate::fleet::World;
use crate::history::{History, Place};
use crate::plan::Plan;
use crate::report::timeline;
use crate::worlds::quick::{Planted, Reseed};

/// How often, and from how many points, a run is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effort {
    /// Points in time.
    pub points: u64,
    /// Repetitions from each.
    pub salts: u64,
}

/// What came of the repetitions from one point on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    /// True time.
    pub at_ms: u64,
    /// How many failed as the run did.
    pub failed: u64,
    /// Of how many.
    pub of: u64,
}

/// When a failure became certain.
#[derive(Clone, Debug)]
pub struct Explained {
    /// What failed.
    pub failure: Failure,
    /// By time.
    pub points: Vec<Point>,
    /// The first point from which on every repetition failed, however early it is; none if no point is sure.
    pub certain_ms: Option<u64>,
    /// The last point before it from which some did not fail.
    pub open_ms: Option<u64>,
    /// The run itself.
    pub history: Box<History>,
}

impl Effort {
    /// Enough to see a step of one tenth.
    pub const USUAL: Effort = Effort { points: 20, salts: 10 };
}

/// Whether two failures are one: of the same check, and where it failed at a node, there, and in what it says first, which names
/// what it is about.
fn is_like(one: &Failure, other: &Failure) -> bool {
    let subject = |failure: &Failure| failure.what.split_whitespace().take(2).map(str::to_owned).collect::<Vec<_>>();
    one.check == other.check && one.node == other.node && (one.node.is_none() || subject(one) == subject(other))
}

/// Repeats a failing run; `None` if it does not fail.
pub fn explain(world: World, plan: &Plan, planted: Option<Planted>, effort: Effort) -> Option<Explained> {
    let told = world.tell(plan, planted);
    let (failure, history) = (told.failure?, told.history?);
    let repeat = |at_ms: u64| {
        let fails = |salt: &u64| {
            let reseed = Reseed { at_ms, salt: *salt };
            world.run_reseeded(plan, planted, reseed).failure.is_some_and(|other| is_like(&failure, &other))
        };
        Point { at_ms, failed: (1..=effort.salts).filter(fails).count() as u64, of: effort.salts }
    };
    let spread = (0..effort.points).map(|n| failure.at_ms * n / effort.points.max(1));
    let mut points: Vec<Point> = spread.map(repeat).collect();
    points.dedup_by_key(|point| point.at_ms);
    narrow(&mut points, failure.at_ms, repeat);
    let certain = first_certain(&points);
    let certain_ms = certain.map(|place| points[place].at_ms);
    let open_ms = certain.and_then(|place| Some(points[place.checked_sub(1)?].at_ms));
    Some(Explained { failure, points, certain_ms, open_ms, history })
}

/// The first point from which on all are certain.
fn first_certain(points: &[Point]) -> Option<usize> {
    let open = points.iter().rposition(|point| point.failed < point.of);
    let first = open.map_or(0, |place| place + 1);
    (first < points.len()).then_some(first)
}

/// Looks between the last open point and the first certain one, half by half, until they are close.
fn narrow(points: &mut Vec<Point>, end_ms: u64, repeat: impl Fn(u64) -> Point) {
    const CLOSE_MS: u64 = 20;
    const MOST: usize = 8;
    for _ in 0..MOST {
        let first = first_certain(points);
        let high_ms = first.map_or(end_ms, |place| points[place].at_ms);
        let place = first.unwrap_or(points.len());
        let Some(low_ms) = place.checked_sub(1).map(|before| points[before].at_ms) else {
            return;
        };
        if high_ms - low_ms <= CLOSE_MS {
            return;
        }
        points.insert(place, repeat(low_ms + (high_ms - low_ms) / 2));
    }
}

impl Explained {
    /// The entries around the moment at which it became certain: from the last open point to a little after.
    pub fn around(&self) -> Vec<Place> {
        const AFTER_MS: u64 = 5;
        let (Some(certain_ms), Some(open_ms)) = (self.certain_ms, self.open_ms) else {
            return Vec::new();
        };
        let hidden = self.history.told_by_others();
        let entries = self.history.entries.iter().enumerate();
        let near = entries.filter(|(_, entry)| (open_ms..=certain_ms + AFTER_MS).contains(&entry.at_ms));
        let near = near.filter(|(_, entry)| timeline::is_usual(&entry.kind));
        near.map(|(place, _)| place).filter(|place| hidden.binary_search(place).is_err()).collect()
    }
}

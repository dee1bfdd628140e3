//! What people and programs read of a run. It decides nothing.

mod record;
mod screen;

pub use record::{ActRecord, NodeRecord, Record, milliseconds};
pub use screen::Screen;

/// The value that this share of a sorted list lies at or below: the nearest rank.
pub fn quantile<T: Copy>(sorted: &[T], share: f64) -> Option<T> {
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.max(1) - 1).or(sorted.last()).copied()
}

//! What people and programs read of a run. It decides nothing.

pub mod html;
mod record;
mod screen;
pub mod story;
pub mod timeline;
pub mod told;
pub mod words;

pub use record::{ActRecord, Failed, NodeRecord, Record, Simulated, milliseconds};
pub use screen::Screen;

/// The value that this share of a sorted list lies at or below: the nearest rank.
pub fn quantile<T: Copy>(sorted: &[T], share: f64) -> Option<T> {
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.max(1) - 1).or(sorted.last()).copied()
}

/// A number with its thousands apart.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.char_indices() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

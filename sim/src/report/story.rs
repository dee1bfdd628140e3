//! placeholder
use crate::history::Place;
/// One sentence.
#[derive(Clone, Debug)]
pub struct Sentence {
    /// text
    pub text: String,
    /// entries
    pub entries: Vec<Place>,
    /// messages
    pub messages: Vec<Place>,
}
/// x
pub fn story(_: &crate::history::History) -> Vec<Sentence> {
    Vec::new()
}

//! What a run did, as data that no world owns: entries in their order, messages, what spread and how, the states that nodes
//! passed through. It is kept only when it is asked for, and it decides nothing.

mod carried;
pub mod names;
mod recorder;

use std::sync::Arc;

pub use carried::{Carried, Opener, Word};
pub use names::{Names, Subject};
pub use recorder::Recorder;

/// The most entries, and the most messages, that one history keeps; what comes later is counted only.
pub const MOST: usize = 200_000;

/// The number of an entry, a message or an item: its place in the list.
pub type Place = usize;

/// A run, told.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// The nodes by name.
    pub nodes: Vec<String>,
    /// What happened, in the order in which it did.
    pub entries: Vec<Entry>,
    /// What was sent between nodes.
    pub messages: Vec<Message>,
    /// What spreads: ops, revocations, records.
    pub items: Vec<Item>,
    /// What items and entries are about, by name.
    pub subjects: Vec<String>,
    /// The items that the failure names.
    pub failed: Vec<Place>,
    /// How many entries and messages did not fit.
    pub left_out: usize,
}

/// Something that happened.
#[derive(Clone, Debug)]
pub struct Entry {
    /// True time.
    pub at_ms: u64,
    /// The node, if it happened at one.
    pub node: Option<usize>,
    /// What.
    pub kind: Kind,
    /// What it is about: places in [`History::subjects`].
    pub about: Vec<Place>,
    /// The state of each node afterwards, numbered in the order of appearance; `None` while it is down.
    pub states: Arc<[Option<usize>]>,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A step of the plan, in its words.
    Step {
        /// As the plan says it.
        title: String,
        /// Whether it is a fault.
        fault: bool,
        /// Whether it was asked of a node, which may refuse.
        asked: bool,
    },
    /// What came of a step, where somebody looked.
    Answer {
        /// In words.
        what: String,
        /// The entry of the step.
        step: Option<Place>,
    },
    /// A step came to nothing.
    Vain {
        /// As the plan says it.
        what: String,
        /// Why.
        why: String,
        /// The entry of the step.
        step: Place,
    },
    /// A process came up.
    Up {
        /// Whether on the disk that it had.
        kept: bool,
    },
    /// A process ended.
    Down,
    /// A process stopped moving.
    Paused,
    /// It moves again.
    Resumed,
    /// A caller's change is durable.
    Changed {
        /// The request, in words.
        what: String,
        /// The entry of the step that it comes of.
        step: Option<Place>,
    },
    /// A peer's delta is durable here.
    Merged {
        /// Whose.
        from: usize,
        /// Cells that changed.
        cells: usize,
        /// Whether it was everything that the peer has.
        deep: bool,
    },
    /// Revocations of a peer are durable here.
    Learned {
        /// Whose.
        from: usize,
        /// How many were new.
        entries: usize,
    },
    /// Something else that the node noted.
    Noted {
        /// In words.
        what: String,
        /// Whether it means trouble.
        alarm: bool,
    },
    /// A frame was refused.
    Refused {
        /// Whose, if that is known.
        from: Option<usize>,
        /// The stable name of the reason.
        reason: &'static str,
    },
    /// An exchange came to nothing.
    RoundFailed {
        /// With whom.
        with: usize,
        /// The peer's reason, if it gave one.
        reason: Option<&'static str>,
    },
    /// Links are cut, each from the first to the second.
    Cut {
        /// Names the cut until its end.
        cut: u64,
        /// Which.
        links: Vec<(usize, usize)>,
    },
    /// A cut ends.
    Mended {
        /// Which; all if none is named.
        cut: Option<u64>,
    },
    /// A clock stands so much beside the true time.
    Clock {
        /// Ahead of it if positive.
        offset_ms: i64,
        /// Whether it jumped there, or is only looked at.
        jumped: bool,
    },
    /// An expectation of the plan was judged.
    Expected {
        /// As the plan says it.
        title: String,
        /// Whether it held.
        held: bool,
    },
    /// A heading of the plan begins.
    Scene {
        /// As the plan says it.
        title: String,
    },
    /// The faults end.
    Heal,
    /// All nodes that healed hold the same.
    Converged {
        /// After the heal.
        after_ms: u64,
    },
    /// A check did not hold: the end.
    Failed {
        /// Which.
        check: &'static str,
        /// What was wrong.
        what: String,
    },
}

/// Something that was sent from one node to another.
#[derive(Clone, Debug)]
pub struct Message {
    /// Who sent it.
    pub from: usize,
    /// To whom.
    pub to: usize,
    /// True time.
    pub sent_ms: u64,
    /// Entries that were there before it left.
    pub sent_after: Place,
    /// What it carried.
    pub carried: Carried,
    /// The request that it answers.
    pub answers: Option<Place>,
    /// What became of it.
    pub fate: Fate,
    /// Whether a byte of it was altered on the way.
    pub corrupt: bool,
    /// Whether it is a copy, or was sent again by somebody on the way.
    pub again: bool,
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The run ended before it arrived.
    UnderWay,
    /// It arrived.
    Arrived {
        /// True time.
        at_ms: u64,
        /// Entries that were there before.
        after: Place,
    },
    /// It arrived, and was refused.
    Refused {
        /// True time.
        at_ms: u64,
        /// Entries that were there before.
        after: Place,
        /// The stable name of the reason.
        reason: &'static str,
    },
    /// It never arrived.
    Lost(Loss),
}

/// Why a message never arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// The weather took it.
    Weather,
    /// The link was cut.
    Cut,
    /// Nobody was there.
    Down,
}

/// Something that spreads from node to node.
#[derive(Clone, Debug)]
pub struct Item {
    /// Who made it.
    pub author: usize,
    /// True time.
    pub at_ms: u64,
    /// The step that it came of, by its entry; none if the node made it by itself.
    pub step: Option<Place>,
    /// What it is, in words.
    pub what: String,
    /// Whether it is a node's record, which only its latest version counts of.
    pub is_record: bool,
    /// Whether it is a revocation.
    pub is_revocation: bool,
    /// What it is about: places in [`History::subjects`].
    pub about: Vec<Place>,
    /// Who came to hold it, and when, in the order of time.
    pub spread: Vec<Holding>,
}

/// A node holds an item from now on, or no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holding {
    /// Which node.
    pub node: usize,
    /// True time.
    pub at_ms: u64,
    /// Entries that were there before.
    pub after: Place,
    /// The message that brought it, if one did.
    pub message: Option<Place>,
    /// False: it was held, and is gone.
    pub held: bool,
}

impl History {
    /// Entries that others tell as well: steps whose effect is an entry of its own, cuts that a step speaks of.
    pub fn told_by_others(&self) -> Vec<Place> {
        let mut told = Vec::new();
        for (place, entry) in self.entries.iter().enumerate() {
            match &entry.kind {
                Kind::Changed { step, .. } | Kind::Answer { step, .. } => told.extend(step),
                Kind::Vain { step, .. } => told.push(*step),
                Kind::Mended { cut: None } => told.push(place),
                Kind::Cut { .. } if place.checked_sub(1).is_some_and(|before| self.is_fault(before, entry.at_ms)) => {
                    told.push(place);
                }
                _ => {}
            }
        }
        told.sort_unstable();
        told
    }

    fn is_fault(&self, place: Place, at_ms: u64) -> bool {
        let entry = &self.entries[place];
        entry.at_ms == at_ms && matches!(entry.kind, Kind::Step { fault: true, .. })
    }

    /// The name of a node.
    pub fn node(&self, node: usize) -> &str {
        self.nodes.get(node).map_or("?", String::as_str)
    }

    /// The failure, if the run ended with one.
    pub fn failure(&self) -> Option<&Entry> {
        self.entries.iter().rfind(|entry| matches!(entry.kind, Kind::Failed { .. }))
    }

    /// When the last thing happened.
    pub fn end_ms(&self) -> u64 {
        let arrivals = self.messages.iter().filter_map(|message| message.fate.arrived_ms());
        self.entries.last().map(|entry| entry.at_ms).into_iter().chain(arrivals).max().unwrap_or(0)
    }
}

impl Fate {
    /// When it arrived, refused or not.
    pub fn arrived_ms(self) -> Option<u64> {
        match self {
            Fate::Arrived { at_ms, .. } | Fate::Refused { at_ms, .. } => Some(at_ms),
            Fate::UnderWay | Fate::Lost(_) => None,
        }
    }

    /// Entries that were there before it arrived.
    pub fn arrived_after(self) -> Option<Place> {
        match self {
            Fate::Arrived { after, .. } | Fate::Refused { after, .. } => Some(after),
            Fate::UnderWay | Fate::Lost(_) => None,
        }
    }
}

impl Item {
    /// Whether a node holds it when so many entries are there.
    pub fn is_held(&self, node: usize, at: Place) -> bool {
        let mut held = false;
        for holding in self.spread.iter().filter(|holding| holding.node == node && holding.after <= at) {
            held = holding.held;
        }
        held
    }
}

//! The network between nodes, as far as this world decides it: which links are cut or clogged, what the weather does to each
//! parcel, and the frames that went by. It moves no byte; a [`super::proxy`] in front of each node asks it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::plan::{Chance, Weather};

const LINK: u64 = 300;
/// Old frames that are kept for those who send them again.
const KEPT: usize = 48;
/// The second copy of a parcel comes at most so much later, in milliseconds.
const TWICE_MS: u64 = 200;

/// From one node to another, by their places in the plan.
pub type Link = (usize, usize);

/// What every proxy of a run asks.
pub struct Network {
    chance: Chance,
    state: Mutex<State>,
    changed: watch::Sender<()>,
}

/// Names trouble that was made, to end it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Trouble(u64);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Cut,
    Clog,
}

#[derive(Default)]
struct State {
    /// The nodes by the id with which they sign what they send.
    members: BTreeMap<String, usize>,
    weather: Weather,
    troubles: BTreeMap<Trouble, (Kind, BTreeSet<Link>)>,
    next: u64,
    /// Nodes that nobody hears any more, and that hear nobody.
    parted: BTreeSet<usize>,
    /// Nodes that take no requests, though they may ask.
    shut: BTreeSet<usize>,
    refused: u64,
    sent: BTreeMap<Link, u64>,
    busy: BTreeMap<Link, Instant>,
    frames: VecDeque<Vec<u8>>,
}

/// What becomes of one parcel.
#[derive(Debug)]
pub(super) struct Fate {
    /// It does not arrive.
    pub lost: bool,
    /// If it does not arrive, the sender is not told.
    pub silent: bool,
    /// How long it takes.
    pub takes: Duration,
    /// It comes once more, so much later.
    pub twice: Option<Duration>,
    corrupt: bool,
    truncated: bool,
    chance: Chance,
}

impl Network {
    /// A calm network; draws are named by the seed.
    pub fn new(seed: u64) -> Network {
        let (changed, _) = watch::channel(());
        Network { chance: Chance::of(seed, 0).at(LINK), state: Mutex::default(), changed }
    }

    /// Cuts these links: what is sent on them is lost.
    pub fn sever(&self, links: impl IntoIterator<Item = Link>) -> Trouble {
        self.trouble(Kind::Cut, links)
    }

    /// Clogs these links: what is sent on them waits.
    pub fn clog(&self, links: impl IntoIterator<Item = Link>) -> Trouble {
        self.trouble(Kind::Clog, links)
    }

    /// Ends this trouble, if it still lasts.
    pub fn mend(&self, trouble: Trouble) {
        self.state().troubles.remove(&trouble);
        self.changed.send_replace(());
    }

    /// Ends all partitions, cuts and clogs.
    pub fn mend_all(&self) {
        self.state().troubles.clear();
        self.changed.send_replace(());
    }

    /// Cuts these nodes off from everybody, for ever.
    pub fn part(&self, nodes: impl IntoIterator<Item = usize>) {
        self.state().parted.extend(nodes);
    }

    /// Refuses all requests to a node, while its own requests and their replies pass.
    pub fn shut(&self, node: usize) {
        self.state().shut.insert(node);
    }

    /// Lets requests to a node pass again.
    pub fn open(&self, node: usize) {
        self.state().shut.remove(&node);
    }

    /// Requests refused because a node was shut.
    pub fn refused(&self) -> u64 {
        self.state().refused
    }

    /// The weather begins.
    pub fn blow(&self, weather: Weather) {
        self.state().weather = weather;
    }

    /// The storm is over; ordinary latency stays.
    pub fn calm(&self) {
        let mut state = self.state();
        state.weather = Weather { latency: state.weather.latency, ..Weather::default() };
    }

    /// The frame that went by so many before the last; the oldest, if there were not so many.
    pub fn old_frame(&self, back: u64) -> Option<Vec<u8>> {
        let state = self.state();
        let last = state.frames.len().checked_sub(1)?;
        state.frames.get(last.saturating_sub(usize::try_from(back).unwrap_or(last))).cloned()
    }

    /// Learns which node signs with this id.
    pub(super) fn admit(&self, id: String, node: usize) {
        self.state().members.insert(id, node);
    }

    /// The node that signs with this id.
    pub(super) fn member(&self, id: &str) -> Option<usize> {
        self.state().members.get(id).copied()
    }

    /// Whether a request to this node is refused; it is counted.
    pub(super) fn refuses(&self, to: usize) -> bool {
        let mut state = self.state();
        let refuses = state.shut.contains(&to);
        state.refused += u64::from(refuses);
        refuses
    }

    /// Keeps a frame for those who send it again.
    pub(super) fn keep(&self, frame: &[u8]) {
        let mut state = self.state();
        if state.frames.len() == KEPT {
            state.frames.pop_front();
        }
        state.frames.push_back(frame.to_vec());
    }

    /// What becomes of a request of so many bytes.
    pub(super) fn request(&self, link: Link, bytes: usize) -> Fate {
        self.fate(link, bytes, |weather| weather.lost_requests)
    }

    /// What becomes of a reply of so many bytes.
    pub(super) fn reply(&self, link: Link, bytes: usize) -> Fate {
        let mut fate = self.fate(link, bytes, |weather| weather.lost_replies);
        fate.twice = None;
        fate
    }

    /// Whether nothing passes on this link now.
    pub(super) fn is_cut(&self, link: Link) -> bool {
        let state = self.state();
        state.parted.contains(&link.0) || state.parted.contains(&link.1) || state.is_in(Kind::Cut, link)
    }

    /// Waits until the link is not clogged.
    pub(super) async fn unclogged(&self, link: Link) {
        // Whatever changes after this line is seen.
        let mut changed = self.changed.subscribe();
        while self.state().is_in(Kind::Clog, link) {
            if changed.changed().await.is_err() {
                return;
            }
        }
    }

    fn trouble(&self, kind: Kind, links: impl IntoIterator<Item = Link>) -> Trouble {
        let mut state = self.state();
        let name = Trouble(state.next);
        state.next += 1;
        state.troubles.insert(name, (kind, links.into_iter().collect()));
        name
    }

    fn fate(&self, link: Link, bytes: usize, lost: fn(&Weather) -> u64) -> Fate {
        let mut state = self.state();
        let count = state.sent.entry(link).or_default();
        *count += 1;
        let chance = self.chance.at((link.0 * 1000 + link.1) as u64).at(*count);
        let weather = state.weather;
        let slow_ms = if chance.at(0).permille(weather.slow.permille) {
            chance.at(1).below(weather.slow.up_to.ms() + 1)
        } else {
            0
        };
        let latency_ms = chance.at(6).between(weather.latency.min.ms(), weather.latency.max.ms());
        let queue = state.queue(link, bytes);
        Fate {
            lost: chance.at(2).permille(lost(&weather)),
            silent: chance.at(3).permille(weather.silent),
            takes: Duration::from_millis(latency_ms + slow_ms) + queue,
            twice: chance.at(4).permille(weather.twice).then(|| Duration::from_millis(chance.at(7).below(TWICE_MS))),
            corrupt: chance.at(5).permille(weather.corrupt),
            truncated: chance.at(10).permille(weather.truncated),
            chance,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn is_in(&self, kind: Kind, link: Link) -> bool {
        self.troubles.values().any(|(of, links)| *of == kind && links.contains(&link))
    }

    /// How long a parcel waits for others on a link of little bandwidth, and takes itself.
    fn queue(&mut self, link: Link, bytes: usize) -> Duration {
        let kib = self.weather.bandwidth;
        if kib == 0 {
            return Duration::ZERO;
        }
        let now = Instant::now();
        let busy = self.busy.entry(link).or_insert(now);
        *busy = (*busy).max(now) + Duration::from_micros((bytes as u64 * 1_000_000).div_ceil(kib * 1024));
        *busy - now
    }
}

impl Fate {
    /// What the way does to the bytes.
    pub(super) fn harm(&self, bytes: &mut Vec<u8>) {
        if self.corrupt {
            flip(bytes, self.chance);
        }
        if self.truncated {
            bytes.truncate(self.chance.at(11).below(bytes.len() as u64) as usize);
        }
    }
}

/// Flips one drawn bit.
pub(super) fn flip(bytes: &mut [u8], chance: Chance) {
    let at = chance.at(8).below(bytes.len() as u64) as usize;
    if let Some(byte) = bytes.get_mut(at) {
        *byte ^= 1 << chance.at(9).below(8);
    }
}

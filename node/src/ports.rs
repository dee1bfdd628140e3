//! What a world replaces: network, disk, clock, entropy, slow work, and who watches. The rest of a node is the same code in production and
//! under simulation, and touches none of these but through here.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use symbolon_core::crypto::Crypto;
use symbolon_core::fault::Reject;
use symbolon_core::replica::{Fact, Recovered, Row, Work, Worked, WriteId};
use symbolon_core::state::View;
use symbolon_core::time::Now;
use tokio::sync::mpsc;

use crate::store::StoreError;

/// A boxed future, so that ports are trait objects.
pub type Pending<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Everything that a node needs from its world.
#[derive(Clone)]
pub struct Ports {
    /// Exchanges with peers.
    pub net: Arc<dyn Net>,
    /// The disk.
    pub storage: Arc<dyn Storage>,
    /// Both clocks.
    pub clock: Arc<dyn Clock>,
    /// The seed of choices that are not secret.
    pub entropy: Arc<dyn Entropy>,
    /// Slow work.
    pub workshop: Arc<dyn Workshop>,
    /// Cryptography, secret randomness included.
    pub crypto: Crypto,
    /// Who watches, beside log and meters.
    pub witness: Arc<dyn Witness>,
}

/// Opens exchanges with peers.
pub trait Net: Send + Sync {
    /// Sends one request, and gives back what returned with a success status.
    fn exchange(&self, request: Outgoing) -> Pending<Result<Vec<u8>, NetFault>>;
}

/// One request to a peer.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// The origin to dial, such as `https://10.0.0.1:8443`.
    pub origin: Arc<str>,
    /// The path on it.
    pub path: &'static str,
    /// What goes there.
    pub payload: Payload,
    /// The sender's id, for `X-Symbolon-Node-Id`.
    pub node: String,
    /// The whole exchange may take this long.
    pub timeout: Duration,
    /// The reply may have this many bytes.
    pub max_reply_bytes: usize,
}

/// How a frame travels.
#[derive(Clone, Debug)]
pub enum Payload {
    /// `POST`, as the body.
    Body(Vec<u8>),
    /// `GET`, in the header `X-Symbolon-Frame`, base64url.
    Header(Vec<u8>),
}

/// Why an exchange came to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetFault {
    /// The HTTP status, if the peer gave one.
    pub status: Option<u16>,
    /// The reason that the peer named.
    pub reason: Option<Reject>,
    /// For people.
    pub problem: String,
}

/// The disk, which can be opened again after a fault.
pub trait Storage: Send + Sync {
    /// Opens the store and reads everything in it. Reports of this store go to `reports`.
    fn open(&self, reports: mpsc::UnboundedSender<Report>) -> Result<(Box<dyn Store>, Recovered), StoreError>;
    /// Moves unsound data out of the way, and names where it lies now.
    fn set_aside(&self) -> Result<String, StoreError>;
}

/// An open store. It never blocks its caller.
pub trait Store: Send {
    /// Queues a batch; batches become durable in this order, several in one transaction.
    fn commit(&self, id: WriteId, batch: Vec<Row>);
    /// Begins a check of what lies on disk, in the background.
    fn scrub(&self);
    /// Finishes what is queued; resolves once it is durable and the files are closed.
    fn close(self: Box<Self>) -> Pending<()>;
}

/// What an open store tells the driver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// Every batch up to this one is durable.
    Written(WriteId),
    /// The disk refused; nothing after this becomes durable. Said once.
    Failed(String),
    /// A scrub ended.
    Scrubbed {
        /// Whether the file is sound.
        sound: bool,
    },
}

/// Both clocks of the world.
pub trait Clock: Send + Sync {
    /// One reading of both.
    fn now(&self) -> Now;
    /// A monotonic reading in microseconds, to measure durations.
    fn micros(&self) -> u64;
}

/// Where the replica's seed comes from.
pub trait Entropy: Send + Sync {
    /// A fresh seed for one boot.
    fn seed(&self) -> [u8; 32];
}

/// Does slow work off the replica's task.
pub trait Workshop: Send + Sync {
    /// Does it, or declines when too much is waiting.
    fn work(&self, work: Work) -> Pending<Worked>;
}

/// Watches what a node makes known, in order. It changes nothing.
pub trait Witness: Send + Sync {
    /// A life of the replica begins, with this view of what the disk gave back.
    fn booted(&self, view: &Arc<View>);
    /// The replica published a view, and readers see it.
    fn published(&self, view: &Arc<View>);
    /// The replica noted something.
    fn noted(&self, fact: &Fact);
}

/// Nobody watches.
pub struct Unwatched;

impl Witness for Unwatched {
    fn booted(&self, _view: &Arc<View>) {}
    fn published(&self, _view: &Arc<View>) {}
    fn noted(&self, _fact: &Fact) {}
}

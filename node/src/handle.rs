//! How the rest of a node speaks to the driver: reads from the published view, questions through a bounded queue. It never
//! waits for room in the queue.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use arc_swap::{ArcSwap, Guard};
use symbolon_core::fault::Reject;
use symbolon_core::replica::{Actor, Refusal, Reply, Request, WriteConcern};
use symbolon_core::state::View;
use tokio::sync::{mpsc, oneshot};

use crate::telemetry::Facts;

/// Questions and frames that wait for the driver; beyond it callers hear "busy" and peers 429.
pub const QUEUE: usize = 1024;

/// Something for the driver.
pub enum Input {
    /// A frame of a peer.
    Frame {
        /// Unopened.
        bytes: Vec<u8>,
        /// Where the answer goes; dropped when there is no room.
        reply: oneshot::Sender<Result<Vec<u8>, Reject>>,
    },
    /// A caller's question.
    Ask {
        /// Who asks.
        actor: Actor,
        /// What.
        request: Request,
        /// How many peers shall hold it.
        concern: Option<WriteConcern>,
        /// Where the answer goes.
        answer: oneshot::Sender<Reply>,
    },
}

/// Why a frame got no answer of the replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unanswered {
    /// The replica refused it.
    Rejected(Reject),
    /// Too much is waiting.
    Busy,
    /// The node is stopping.
    Stopped,
}

/// What driver and readers share: the view, the gauges, the facts.
pub struct Shared {
    view: ArcSwap<View>,
    calls: AtomicUsize,
    writes: AtomicU64,
    down: AtomicBool,
    /// Where facts go.
    pub facts: Facts,
}

/// A way to the driver, cheap to clone.
#[derive(Clone)]
pub struct Handle {
    shared: Arc<Shared>,
    inputs: mpsc::Sender<Input>,
}

/// How busy the driver is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    /// Inputs in the queue.
    pub queued: usize,
    /// Callers and peers that wait for an answer.
    pub calls: usize,
    /// Writes on their way to the disk.
    pub writes: u64,
}

impl Shared {
    /// Begins with this view.
    pub fn new(view: Arc<View>, facts: Facts) -> Shared {
        let (calls, writes, down) = (AtomicUsize::new(0), AtomicU64::new(0), AtomicBool::new(false));
        Shared { view: ArcSwap::new(view), calls, writes, down, facts }
    }

    pub(crate) fn publish(&self, view: Arc<View>) {
        self.view.store(view);
    }

    pub(crate) fn set_down(&self, down: bool) {
        self.down.store(down, Ordering::Relaxed);
    }

    pub(crate) fn is_down(&self) -> bool {
        self.down.load(Ordering::Relaxed)
    }

    pub(crate) fn open(&self, calls: usize, writes: u64) {
        self.calls.store(calls, Ordering::Relaxed);
        self.writes.store(writes, Ordering::Relaxed);
    }
}

impl Handle {
    /// A handle, and the end of its queue that the driver reads.
    pub fn new(shared: Arc<Shared>) -> (Handle, mpsc::Receiver<Input>) {
        let (inputs, receiver) = mpsc::channel(QUEUE);
        (Handle { shared, inputs }, receiver)
    }

    /// The published view.
    pub fn view(&self) -> Guard<Arc<View>> {
        self.shared.view.load()
    }

    /// Whether no replica runs behind the view: the store failed, and nothing of the next life is durable yet.
    pub fn is_down(&self) -> bool {
        self.shared.is_down()
    }

    /// How busy the driver is.
    pub fn load(&self) -> Load {
        Load {
            queued: QUEUE - self.inputs.capacity(),
            calls: self.shared.calls.load(Ordering::Relaxed),
            writes: self.shared.writes.load(Ordering::Relaxed),
        }
    }

    /// Asks the replica.
    pub async fn ask(&self, actor: Actor, request: Request, concern: Option<WriteConcern>) -> Reply {
        let (answer, reply) = oneshot::channel();
        match self.inputs.try_send(Input::Ask { actor, request, concern, answer }) {
            Ok(()) => reply.await.unwrap_or_else(|_| unavailable("the node lost its store or is stopping")),
            Err(mpsc::error::TrySendError::Full(_)) => Reply::Refused(Refusal::Busy),
            Err(mpsc::error::TrySendError::Closed(_)) => unavailable("the node is stopping"),
        }
    }

    /// Hands a peer's frame to the replica.
    pub async fn frame(&self, bytes: Vec<u8>) -> Result<Vec<u8>, Unanswered> {
        let (reply, answer) = oneshot::channel();
        match self.inputs.try_send(Input::Frame { bytes, reply }) {
            Ok(()) => answer.await.map_err(|_| Unanswered::Busy)?.map_err(Unanswered::Rejected),
            Err(mpsc::error::TrySendError::Full(_)) => Err(Unanswered::Busy),
            Err(mpsc::error::TrySendError::Closed(_)) => Err(Unanswered::Stopped),
        }
    }
}

fn unavailable(why: &str) -> Reply {
    Reply::Refused(Refusal::Unavailable(why.into()))
}

//! The host where clients and operators sit: it runs what it is given, one task each, and dials nodes as anybody would.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc;
use turmoil::net::TcpStream;

use super::network::PORT;
use crate::worlds::client::api::Api;
use crate::worlds::client::http::{Http, Open, Opening, speak};

/// Its name in the network.
pub(super) const DESK: &str = "desk";

/// Something to do there.
pub(super) type Job = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The way to it.
pub(super) struct Desk(mpsc::UnboundedSender<Job>);

/// Its end of the way.
pub(super) type Jobs = Arc<Mutex<Option<mpsc::UnboundedReceiver<Job>>>>;

impl Desk {
    pub(super) fn new() -> (Desk, Jobs) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Desk(sender), Arc::new(Mutex::new(Some(receiver))))
    }

    /// Has it done.
    pub(super) fn begin(&self, job: Job) {
        self.0.send(job).expect("the desk stays as long as the world");
    }
}

/// The software of the desk.
pub(super) async fn sit(jobs: Jobs) -> turmoil::Result {
    let jobs = jobs.lock().unwrap_or_else(PoisonError::into_inner).take();
    let mut jobs = jobs.expect("the desk is never started again");
    while let Some(job) = jobs.recv().await {
        tokio::spawn(job);
    }
    Ok(())
}

/// The endpoints of a node, as seen from the desk.
pub(super) fn api(node: &str) -> Api {
    Api::new(Http::new(node, Arc::new(To(node.into()))))
}

struct To(Arc<str>);

impl Open for To {
    fn open(&self) -> Opening {
        let node = self.0.clone();
        Box::pin(async move { speak(TcpStream::connect((&*node, PORT)).await?).await })
    }
}

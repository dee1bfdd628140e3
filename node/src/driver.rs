//! The one owner of the replica: event in, effects out, in order. It holds no rule; what a fact is worth is told in `telemetry`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use symbolon_core::config::MAX_FRAME_BYTES;
use symbolon_core::fault::Reject;
use symbolon_core::replica::{
    CallId, Destination, Door, Effect, Effects, Event, ExchangeId, Fact, Refusal, Replica, Reply, WriteId,
};
use tokio::sync::{mpsc, oneshot, watch};

use crate::handle::{Input, Shared};
use crate::ports::{NetFault, Outgoing, Payload, Ports, Report, Store};
use crate::server::stopped;

/// Inputs that are taken at once, so that their writes share a transaction.
const BATCH: usize = 64;
/// Writes on their way to the disk; beyond it no further input is taken.
const MAX_OPEN_WRITES: u64 = 1024;
/// Callers and peers that wait for an answer; beyond it they hear "busy".
const MAX_OPEN_CALLS: usize = 16_384;

/// The last writes get this long.
const MAX_CLOSE: Duration = Duration::from_secs(10);

/// Why the driver came to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// It was asked to stop.
    Stopped,
    /// The disk failed: boot anew from it.
    StoreFailed(String),
    /// The data fails its own digest: boot anew from nothing.
    Unsound,
    /// A clone of this node runs: give up.
    Superseded,
}

/// Owns a replica and the channels of its correspondents.
pub struct Driver {
    replica: Replica,
    store: Box<dyn Store>,
    reports: mpsc::UnboundedReceiver<Report>,
    ports: Ports,
    shared: Arc<Shared>,
    done: (mpsc::UnboundedSender<Event>, mpsc::UnboundedReceiver<Event>),
    open: BTreeMap<CallId, Waiter>,
    last_call: u64,
    submitted: WriteId,
    durable: WriteId,
    exchange_timeout: Duration,
    scrub_interval: Duration,
    end: Option<End>,
}

enum Waiter {
    Peer(oneshot::Sender<Result<Vec<u8>, Reject>>),
    Caller(oneshot::Sender<Reply>),
}

impl Driver {
    /// A driver over a booted replica and its open store.
    pub fn new(
        replica: Replica,
        (store, reports): (Box<dyn Store>, mpsc::UnboundedReceiver<Report>),
        ports: Ports,
        shared: Arc<Shared>,
        scrub_interval: Duration,
    ) -> Driver {
        let exchange_timeout = replica.view().config.gossip.round_timeout;
        Driver {
            replica,
            store,
            reports,
            ports,
            shared,
            scrub_interval,
            done: mpsc::unbounded_channel(),
            open: BTreeMap::new(),
            last_call: 0,
            submitted: WriteId(0),
            durable: WriteId(0),
            exchange_timeout,
            end: None,
        }
    }

    /// Runs until an end; `first` are the effects of booting. What was submitted is durable when this returns.
    pub async fn run(
        mut self,
        first: Effects,
        inputs: &mut mpsc::Receiver<Input>,
        stop: &mut watch::Receiver<bool>,
    ) -> End {
        self.carry_out(first);
        let mut batch = Vec::with_capacity(BATCH);
        let mut scrub = tokio::time::interval(self.scrub_interval);
        scrub.reset();
        while self.end.is_none() {
            let (deadline, _) = self.replica.deadline();
            let wait = Duration::from_millis(deadline.0.saturating_sub(self.ports.clock.now().tick.0));
            let listens = self.submitted.0.saturating_sub(self.durable.0) < MAX_OPEN_WRITES;
            tokio::select! {
                biased;
                () = stopped(stop) => self.end = Some(End::Stopped),
                Some(report) = self.reports.recv() => self.report(report),
                Some(event) = self.done.1.recv() => self.step(event),
                _ = scrub.tick() => self.store.scrub(),
                () = tokio::time::sleep(wait) => self.step(Event::Tick),
                count = inputs.recv_many(&mut batch, BATCH), if listens => match count {
                    0 => self.end = Some(End::Stopped),
                    _ => batch.drain(..).for_each(|input| self.admit(input)),
                },
            }
        }
        self.finish().await
    }

    async fn finish(mut self) -> End {
        if tokio::time::timeout(MAX_CLOSE, self.store.close()).await.is_err() {
            tracing::error!("the disk did not take the last writes; nobody was told that they are durable");
        }
        while let Ok(report) = self.reports.try_recv() {
            let Report::Written(id) = report else { continue };
            for effect in self.replica.handle(self.ports.clock.now(), Event::Written(id)) {
                match effect {
                    Effect::Answer { call, reply } => answer(self.open.remove(&call), reply),
                    Effect::Reply { call, outcome } => reply(self.open.remove(&call), outcome),
                    _ => {}
                }
            }
        }
        self.end.unwrap_or(End::Stopped)
    }

    fn report(&mut self, report: Report) {
        let event = match report {
            Report::Written(id) => {
                self.durable = id;
                self.shared.set_down(false);
                Event::Written(id)
            }
            Report::Failed(reason) => {
                self.end = Some(End::StoreFailed(reason.clone()));
                Event::WriteFailed { reason }
            }
            Report::Scrubbed { sound } => Event::Scrubbed { sound },
        };
        self.step(event);
    }

    fn admit(&mut self, input: Input) {
        let full = self.open.len() >= MAX_OPEN_CALLS;
        self.last_call += 1;
        let call = CallId(self.last_call);
        match input {
            Input::Ask { answer: to, .. } if full => answer(Some(Waiter::Caller(to)), Reply::Refused(Refusal::Busy)),
            Input::Frame { .. } if full => {}
            Input::Ask { actor, request, concern, answer } => {
                self.open.insert(call, Waiter::Caller(answer));
                self.step(Event::Ask { call, actor, request, concern });
            }
            Input::Frame { bytes, reply } => {
                self.open.insert(call, Waiter::Peer(reply));
                self.step(Event::Frame { call, bytes });
            }
        }
    }

    fn step(&mut self, event: Event) {
        let effects = self.replica.handle(self.ports.clock.now(), event);
        self.carry_out(effects);
    }

    fn carry_out(&mut self, effects: Effects) {
        for effect in effects {
            match effect {
                Effect::Write { id, batch } => {
                    self.submitted = id;
                    self.store.commit(id, batch);
                }
                // Of a life that follows a failure nothing is durable yet: what the former one showed goes on being true.
                Effect::Publish(_) if self.shared.is_down() => {}
                Effect::Publish(view) => {
                    self.ports.witness.published(&view);
                    self.shared.publish(view);
                }
                Effect::Send { exchange, to, door, frame } => self.send(exchange, to, door, frame),
                Effect::Reply { call, outcome } => reply(self.open.remove(&call), outcome),
                Effect::Answer { call, reply } => answer(self.open.remove(&call), reply),
                Effect::Work { call, work } => {
                    let (work, done) = (self.ports.workshop.work(work), self.done.0.clone());
                    tokio::spawn(async move { done.send(Event::Worked { call, outcome: work.await }) });
                }
                Effect::Note(fact) => self.note(&fact),
            }
        }
        self.shared.open(self.open.len(), self.submitted.0.saturating_sub(self.durable.0));
    }

    fn send(&self, exchange: ExchangeId, to: Destination, door: Door, frame: Vec<u8>) {
        let (path, payload) = match door {
            Door::Sync => ("/api/gossip/sync", Payload::Body(frame)),
            Door::WrappingKey => ("/api/gossip/wrapping-key", Payload::Header(frame)),
        };
        let node = self.replica.view().identity.node.to_string();
        let timeout = self.exchange_timeout;
        let request = Outgoing { origin: to.address, path, payload, node, timeout, max_reply_bytes: MAX_FRAME_BYTES };
        let (answer, done) = (self.ports.net.exchange(request), self.done.0.clone());
        tokio::spawn(async move {
            done.send(match answer.await {
                Ok(bytes) => Event::Returned { exchange, bytes },
                Err(NetFault { status, reason, problem }) => {
                    tracing::debug!(peer = %to.node, problem, "exchange failed");
                    Event::Failed { exchange, status, reason }
                }
            })
        });
    }

    fn note(&mut self, fact: &Fact) {
        self.shared.facts.note(fact);
        self.ports.witness.noted(fact);
        match fact {
            Fact::Unsound => self.end = Some(End::Unsound),
            Fact::Superseded { stops: true, .. } => self.end = Some(End::Superseded),
            _ => {}
        }
    }
}

fn answer(waiter: Option<Waiter>, reply: Reply) {
    if let Some(Waiter::Caller(to)) = waiter {
        to.send(reply).ok();
    }
}

fn reply(waiter: Option<Waiter>, outcome: Result<Vec<u8>, Reject>) {
    if let Some(Waiter::Peer(to)) = waiter {
        to.send(outcome).ok();
    }
}

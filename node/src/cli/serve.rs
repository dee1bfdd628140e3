//! `symbolon serve`: the production node, until a signal.

use std::time::Duration;

use symbolon_core::replica::{Actor, Request};
use tokio::signal::unix::{SignalKind, signal};

use super::Failure;
use crate::config::Settings;
use crate::node::{Node, production};
use crate::telemetry;

/// Threads for password hashes, beyond those that hash: file system calls of the runtime.
const SPARE_BLOCKING_THREADS: usize = 2;
/// An idle blocking thread, and the memory that its allocator keeps, goes after this.
const KEEP_ALIVE: Duration = Duration::from_secs(2);
/// Stack of a worker, in bytes.
const STACK_BYTES: usize = 1 << 20;

pub(super) fn run(settings: &Settings, accept_clock: bool) -> Result<(), Failure> {
    telemetry::start_logging(&settings.log_level, settings.log_json);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .max_blocking_threads(settings.password_hashes + SPARE_BLOCKING_THREADS)
        .thread_keep_alive(KEEP_ALIVE)
        .thread_stack_size(STACK_BYTES)
        .build()
        .map_err(|e| Failure::Failed(format!("the runtime does not start: {e}")))?;
    runtime.block_on(serve(settings, accept_clock)).map_err(|e| Failure::Failed(e.to_string()))
}

async fn serve(settings: &Settings, accept_clock: bool) -> Result<(), Box<dyn std::error::Error>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let node = Node::start(settings, production(settings)?).await?;
    let id = node.handle.view().identity.node;
    tracing::info!(%id, name = settings.node_name, address = %node.address, tls = !settings.plain, "listening");
    if accept_clock {
        node.handle.ask(Actor::Operator, Request::AcceptClock, None).await;
        tracing::warn!("the operator vouches for this clock");
    }
    let stop = node.stopper();
    let signals = tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => tracing::info!("SIGTERM: stopping"),
            _ = interrupt.recv() => tracing::info!("SIGINT: stopping"),
        }
        stop.send_replace(true);
    });
    let outcome = node.ended().await;
    signals.abort();
    tracing::info!("stopped");
    Ok(outcome?)
}

//! Sustained traffic: loops that get a token on one node and introspect it on the next, rotating over nodes and clients.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use super::api::{Api, Client};
use crate::plan::verb::Traffic;
use crate::report::thousands;

/// Between two reports of progress.
const TELL_EVERY: Duration = Duration::from_millis(100);

/// Who wants to know how far it is.
pub trait Progress: Sync {
    /// So far, of the whole.
    fn tell(&self, passed: Duration, whole: Duration, requests: u64, failures: u64);
}

/// What the requests to one node saw.
#[derive(Clone, Debug, Default)]
pub struct NodeTraffic {
    /// Requests sent.
    pub requests: u64,
    /// Those that were answered as they should be.
    pub successes: u64,
    /// How long each of these took, in microseconds.
    pub latencies_us: Vec<u32>,
    /// The first that failed.
    pub first_failure: Option<String>,
}

/// What one traffic step saw, in the order of its nodes.
#[derive(Clone, Debug)]
pub struct TrafficReport {
    /// By node.
    pub nodes: Vec<NodeTraffic>,
    /// How long it went on.
    pub elapsed: Duration,
}

#[derive(Default)]
struct Counters {
    requests: AtomicU64,
    failures: AtomicU64,
}

/// Runs the loops for that long.
pub(super) async fn drive(
    traffic: &Traffic,
    lasts: Duration,
    apis: Vec<Api>,
    clients: Vec<Client>,
    progress: &dyn Progress,
) -> TrafficReport {
    let begin = Instant::now();
    let counters = Arc::<Counters>::default();
    let (apis, clients) = (Arc::new(apis), Arc::new(clients));
    let gap = traffic.gap.map(|span| span.0);
    let mut loops = tokio::task::JoinSet::new();
    for first in 0..traffic.loops {
        let (apis, clients, counters) = (apis.clone(), clients.clone(), counters.clone());
        loops.spawn(async move {
            let mut seen = vec![NodeTraffic::default(); apis.len()];
            let mut turn = first;
            while begin.elapsed() < lasts {
                round(turn, &apis, &clients, &mut seen, &counters).await;
                turn += 1;
                if let Some(gap) = gap {
                    tokio::time::sleep(gap).await;
                }
            }
            seen
        });
    }
    let mut nodes = vec![NodeTraffic::default(); apis.len()];
    let mut every = tokio::time::interval(TELL_EVERY);
    loop {
        tokio::select! {
            biased;
            done = loops.join_next() => match done {
                Some(Ok(seen)) => nodes.iter_mut().zip(&seen).for_each(|(node, seen)| node.add(seen)),
                Some(Err(panic)) => std::panic::resume_unwind(panic.into_panic()),
                None => break,
            },
            _ = every.tick() => {
                let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
                progress.tell(begin.elapsed().min(lasts), lasts, count(&counters.requests), count(&counters.failures));
            }
        }
    }
    TrafficReport { nodes, elapsed: begin.elapsed() }
}

/// A token from one node, introspected on the next. Clients turn slower than nodes, so that all pairs meet.
async fn round(turn: usize, apis: &[Api], clients: &[Client], seen: &mut [NodeTraffic], counters: &Counters) {
    let (issuer, reader) = (turn % apis.len(), (turn + 1) % apis.len());
    let client = &clients[turn / apis.len() % clients.len()];
    let begin = Instant::now();
    let token = apis[issuer].token(client, None).await;
    let elapsed = begin.elapsed();
    seen[issuer].count(elapsed, counters, token.as_ref().err().map(|error| format!("token: {error:#}")));
    let Ok(token) = token else { return };
    let begin = Instant::now();
    let failure = match apis[reader].introspect(client, &token).await {
        Ok(true) => None,
        Ok(false) => Some("a token just issued by the node before is not active".into()),
        Err(error) => Some(format!("introspect: {error:#}")),
    };
    seen[reader].count(begin.elapsed(), counters, failure);
}

impl NodeTraffic {
    fn count(&mut self, elapsed: Duration, counters: &Counters, failure: Option<String>) {
        self.requests += 1;
        counters.requests.fetch_add(1, Ordering::Relaxed);
        match failure {
            None => {
                self.successes += 1;
                self.latencies_us.push(u32::try_from(elapsed.as_micros()).unwrap_or(u32::MAX));
            }
            Some(failure) => {
                counters.failures.fetch_add(1, Ordering::Relaxed);
                self.first_failure.get_or_insert(failure);
            }
        }
    }

    /// Adds what another loop saw of the same node.
    pub(super) fn add(&mut self, other: &NodeTraffic) {
        self.requests += other.requests;
        self.successes += other.successes;
        self.latencies_us.extend_from_slice(&other.latencies_us);
        if self.first_failure.is_none() {
            self.first_failure.clone_from(&other.first_failure);
        }
    }

    /// The latency that this share of the good requests kept below, in milliseconds.
    pub fn quantile_ms(&self, share: f64) -> f64 {
        let mut sorted = self.latencies_us.clone();
        sorted.sort_unstable();
        f64::from(crate::report::quantile(&sorted, share).unwrap_or_default()) / 1000.0
    }
}

impl TrafficReport {
    /// What to tell about it; any failure fails it.
    pub(super) fn verdict(&self) -> Result<String> {
        let requests: u64 = self.nodes.iter().map(|node| node.requests).sum();
        let failures = requests - self.nodes.iter().map(|node| node.successes).sum::<u64>();
        let first = self.nodes.iter().find_map(|node| node.first_failure.as_deref());
        if let Some(first) = first {
            bail!("{failures} of {requests} requests failed, the first with: {first}");
        }
        if self.nodes.iter().any(|node| node.requests == 0) {
            bail!("a node saw no request at all");
        }
        let per_s = requests as f64 / self.elapsed.as_secs_f64();
        let (requests, per_s) = (thousands(requests), thousands(per_s as u64));
        Ok(format!("{requests} requests, {per_s}/s, none failed"))
    }
}

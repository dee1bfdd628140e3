//! What the live tests share: clusters that gossip fast, and waiting with a bound.

#![allow(
    clippy::unwrap_used,
    dead_code,
    reason = "helpers of tests: what fails here fails the test, and no test uses all"
)]

use std::future::Future;
use std::time::{Duration, Instant};

use symbolon_sim::plan::{Gossip, Span};
use symbolon_sim::worlds::live::api::{Api, Gossip as Counts, Session};
use symbolon_sim::worlds::live::{Cluster, Layout};

/// A node asks a quiet peer this often in these tests.
pub const HEARTBEAT: Duration = Duration::from_secs(2);

/// Nodes that are up, joined, and hold the same.
pub async fn cluster(nodes: usize, proxies: bool) -> (Cluster, Vec<Session>) {
    let gossip = Gossip {
        interval: Some(Span(Duration::from_millis(200))),
        heartbeat: Some(Span(HEARTBEAT)),
        ..Gossip::default()
    };
    let layout = Layout { gossip, proxies, ..Layout::of(nodes) };
    let mut cluster = Cluster::lay_out(&layout).await.unwrap();
    cluster.start().await.unwrap();
    let admins = cluster.join().await.unwrap();
    converged(&cluster, &admins).await;
    (cluster, admins)
}

/// Waits until all nodes hold the same.
pub async fn converged(cluster: &Cluster, admins: &[Session]) {
    within(Duration::from_secs(10), "the nodes converge", async || {
        let mut digests = Vec::new();
        for (node, admin) in cluster.nodes().iter().zip(admins) {
            digests.push(Counts::of(&node.api.stats(admin).await.unwrap()).digest.unwrap());
        }
        digests.windows(2).all(|pair| pair[0] == pair[1])
    })
    .await;
}

/// Waits until the node shows the client.
pub async fn sees(api: &Api, admin: &Session, id: &str, bound: Duration) -> Duration {
    within(bound, &format!("client {id} is visible"), async || api.client(admin, id).await.unwrap().is_some()).await
}

/// Looks again and again until it holds, and tells how long it took.
pub async fn within<F: Future<Output = bool>>(bound: Duration, what: &str, mut holds: impl FnMut() -> F) -> Duration {
    let begin = Instant::now();
    while !holds().await {
        assert!(begin.elapsed() < bound, "not after {bound:?}: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    begin.elapsed()
}

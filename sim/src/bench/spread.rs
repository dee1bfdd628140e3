//! Three nodes: how fast a change is everywhere, what its frames weigh, what quiet costs, and what memory a node holds.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::figure::{Figure, Wanted};
use crate::plan::verb::Auth;
use crate::report::quantile;
use crate::worlds::live::api::{Api, Gossip, Session};
use crate::worlds::live::cluster::{PASSWORD, USER};
use crate::worlds::live::{Cluster, proc};

/// How long a change may take before the bench gives up on it.
const VISIBLE_WITHIN: Duration = Duration::from_secs(40);
/// Between two looks at a node.
const LOOK_EVERY: Duration = Duration::from_micros(500);
/// Between two changes, so that each is pushed by itself.
const PAUSE: Duration = Duration::from_millis(30);
/// Until a cluster whose cells agree is at rest: its nodes name the keys that they fetched, and have heard so of each other.
const TO_REST: Duration = Duration::from_secs(8);
/// Logins on each node before its memory is read.
const LOGINS: usize = 4;

/// Waits until all nodes show one digest.
pub(super) async fn settled(cluster: &Cluster, admins: &[Session]) -> Result<()> {
    let begin = Instant::now();
    while begin.elapsed() < VISIBLE_WITHIN {
        let digests: Vec<_> = gossip(cluster, admins).await?.into_iter().map(|gossip| gossip.digest).collect();
        if digests.iter().all(|digest| digest.is_some() && *digest == digests[0]) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    bail!("the nodes do not converge within {} s", VISIBLE_WITHIN.as_secs())
}

/// Creates clients on one node after the other, and times how long each takes to be visible on both others, counted from
/// the moment at which the request is sent.
pub(super) async fn changes(cluster: &Cluster, admins: &[Session], count: usize) -> Result<Vec<Figure>> {
    let before = gossip(cluster, admins).await?;
    let mut spread_us = Vec::with_capacity(count);
    let mut at = 0;
    for turn in 0..count {
        // A fixed walk that stays nowhere, and visits all alike.
        at = (at + 1 + turn % 2) % cluster.nodes().len();
        let begin = Instant::now();
        let api = &cluster.nodes()[at].api;
        let client = api.create_client(&admins[at], &format!("bench {turn}"), Auth::ClientSecretPost, "").await?;
        let others = (0..cluster.nodes().len()).filter(|other| *other != at);
        let mut looks = tokio::task::JoinSet::new();
        for other in others {
            looks.spawn(visible(cluster.nodes()[other].api.clone(), admins[other].clone(), client.id.clone(), begin));
        }
        let mut slowest = Duration::ZERO;
        while let Some(seen) = looks.join_next().await {
            slowest = slowest.max(seen??);
        }
        spread_us.push(u32::try_from(slowest.as_micros())?);
        tokio::time::sleep(PAUSE).await;
    }
    settled(cluster, admins).await?;
    let after = gossip(cluster, admins).await?;
    let sum = |gossip: &[Gossip], field: fn(&Gossip) -> u64| gossip.iter().map(field).sum::<u64>();
    let bytes = (sum(&after, |gossip| gossip.bytes_out) - sum(&before, |gossip| gossip.bytes_out)) as f64;
    let frames = (sum(&after, |gossip| gossip.frames_out) - sum(&before, |gossip| gossip.frames_out)) as f64;
    spread_us.sort_unstable();
    let ms = |share| f64::from(quantile(&spread_us, share).unwrap_or_default()) / 1000.0;
    Ok(vec![
        Figure::new("change.visible_everywhere.p50", ms(0.5), "ms"),
        Figure::new("change.visible_everywhere.p99", ms(0.99), "ms").wanted(Wanted::AtMost(100.0)),
        Figure::new("change.visible_everywhere.max", ms(1.0), "ms"),
        Figure::new("change.frame_bytes", bytes / frames.max(1.0), "B").wanted(Wanted::AtMost(2400.0)),
        Figure::new("change.frames", frames / count as f64, "1"),
        Figure::new("change.bytes", bytes / count as f64, "B"),
    ])
}

/// What a converged cluster sends and receives while nobody asks for anything, and the memory of its nodes.
pub(super) async fn idle(cluster: &Cluster, admins: &[Session], lasts: Duration) -> Result<Vec<Figure>> {
    for node in cluster.nodes() {
        for _ in 0..LOGINS {
            node.api.login(USER, PASSWORD).await?;
        }
    }
    tokio::time::sleep(TO_REST).await;
    let before = gossip(cluster, admins).await?;
    let begin = Instant::now();
    tokio::time::sleep(lasts).await;
    let elapsed = begin.elapsed().as_secs_f64();
    let after = gossip(cluster, admins).await?;
    let per_s: Vec<f64> = after
        .iter()
        .zip(&before)
        .map(|(after, before)| {
            ((after.bytes_in + after.bytes_out) - (before.bytes_in + before.bytes_out)) as f64 / elapsed
        })
        .collect();
    let skips: u64 = after.iter().zip(&before).map(|(after, before)| after.skips - before.skips).sum();
    let rounds: u64 = after.iter().zip(&before).map(|(after, before)| after.rounds - before.rounds).sum();
    let mut resident: u64 = 0;
    for node in cluster.nodes() {
        let pid = node.pid().await?;
        resident = resident.max(proc::resident(pid).context("no memory of the node to read")?);
    }
    Ok(vec![
        Figure::new("idle.frame_bytes_per_node", greatest(&per_s), "B/s").wanted(Wanted::AtMost(400.0)),
        Figure::new("idle.skip_rate", skips as f64 / (skips + rounds).max(1) as f64, "1"),
        Figure::new("idle.resident", resident as f64 / (1 << 20) as f64, "MiB").wanted(Wanted::AtMost(40.0)),
    ])
}

fn greatest(values: &[f64]) -> f64 {
    values.iter().copied().fold(0.0, f64::max)
}

async fn gossip(cluster: &Cluster, admins: &[Session]) -> Result<Vec<Gossip>> {
    let mut all = Vec::with_capacity(admins.len());
    for (node, admin) in cluster.nodes().iter().zip(admins) {
        all.push(Gossip::of(&node.api.stats(admin).await?));
    }
    Ok(all)
}

/// How long after `begin` the client was seen on this node.
async fn visible(api: Api, admin: Session, id: String, begin: Instant) -> Result<Duration> {
    while begin.elapsed() < VISIBLE_WITHIN {
        if api.client(&admin, &id).await?.is_some() {
            return Ok(begin.elapsed());
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    bail!("a client is not visible after {} s", VISIBLE_WITHIN.as_secs())
}

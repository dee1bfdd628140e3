//! Power cuts: what a node acknowledged before `kill -9` is there after it, and on its peers. Real processes, real disks.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod common;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use symbolon_sim::plan::verb::Auth;
use symbolon_sim::worlds::live::Cluster;
use symbolon_sim::worlds::live::api::{Api, Gossip, Session};
use symbolon_sim::worlds::live::cluster::{PASSWORD, USER};

const CRASHES: usize = 20;
const WRITERS: usize = 4;
/// How long a busy node may take for its first answers.
const ANSWERED_WITHIN: Duration = Duration::from_secs(5);
/// How long peers may take to show what the node that died had acknowledged.
const PEERS_WITHIN: Duration = Duration::from_secs(5);

/// Creates clients until the node is gone; what was acknowledged is in the list. A refusal before its death is a failure.
async fn write_until_death(api: Api, admin: Session, dying: Arc<AtomicBool>, acknowledged: Arc<Mutex<Vec<String>>>) {
    loop {
        match api.create_client(&admin, "written", Auth::ClientSecretPost, "").await {
            Ok(client) => acknowledged.lock().unwrap().push(client.id),
            Err(error) => {
                assert!(dying.load(Ordering::SeqCst), "refused while alive: {error:#}");
                return;
            }
        }
    }
}

/// Kills the node under write traffic after so many answers, and returns what it had acknowledged.
async fn crash(cluster: &Cluster, admins: &[Session], victim: usize, count: usize) -> Vec<String> {
    let acknowledged = Arc::<Mutex<Vec<String>>>::default();
    let api = cluster.nodes()[victim].api.clone();
    let dying = Arc::<AtomicBool>::default();
    let admin = &admins[victim];
    let write = || write_until_death(api.clone(), admin.clone(), dying.clone(), acknowledged.clone());
    let writers: Vec<_> = (0..WRITERS).map(|_| tokio::spawn(write())).collect();
    let begin = Instant::now();
    // No pause between an answer and the end: what is promised too early is lost in that moment, or never.
    while acknowledged.lock().unwrap().len() < count {
        assert!(begin.elapsed() < ANSWERED_WITHIN, "{count} writes were not acknowledged in time");
        tokio::task::yield_now().await;
    }
    dying.store(true, Ordering::SeqCst);
    cluster.kill(victim).await.unwrap();
    for writer in writers {
        writer.await.unwrap();
    }
    Arc::into_inner(acknowledged).unwrap().into_inner().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_twenty_power_cuts() {
    let (cluster, admins) = common::cluster(3, false).await;
    let mut all = Vec::new();
    for turn in 0..CRASHES {
        let victim = turn % 3;
        let acknowledged = crash(&cluster, &admins, victim, WRITERS + turn).await;
        cluster.restart(victim).await.unwrap();
        for id in &acknowledged {
            let found = cluster.nodes()[victim].api.client(&admins[victim], id).await.unwrap();
            assert!(found.is_some(), "crash {turn}: the node itself lost {id}");
        }
        for (node, admin) in cluster.nodes().iter().zip(&admins) {
            for id in &acknowledged {
                common::sees(&node.api, admin, id, PEERS_WITHIN).await;
            }
        }
        all.extend(acknowledged);
    }
    common::converged(&cluster, &admins).await;
    for (node, admin) in cluster.nodes().iter().zip(&admins) {
        for id in &all {
            assert!(node.api.client(admin, id).await.unwrap().is_some(), "{} lost {id} later", node.name);
        }
    }
    cluster.end().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_without_its_database_comes_back_and_catches_up() {
    let (cluster, mut admins) = common::cluster(3, false).await;
    let mut clients = Vec::new();
    for turn in 0..20 {
        let at = turn % 3;
        let api = &cluster.nodes()[at].api;
        clients.push(api.create_client(&admins[at], "kept", Auth::ClientSecretPost, "").await.unwrap());
    }
    common::converged(&cluster, &admins).await;
    let victim = 1;
    let life = |stats: &serde_json::Value| (stats["node_id"].clone(), Gossip::of(stats).incarnation.unwrap());
    let (node_before, incarnation_before) = life(&cluster.nodes()[victim].api.stats(&admins[victim]).await.unwrap());

    cluster.kill(victim).await.unwrap();
    cluster.wipe_database(victim).await.unwrap();
    cluster.restart(victim).await.unwrap();

    // Nobody pins anything again: whom it trusts lies beside its identity.
    let node = &cluster.nodes()[victim];
    admins[victim] = node.api.login(USER, PASSWORD).await.unwrap();
    let (node_after, incarnation_after) = life(&node.api.stats(&admins[victim]).await.unwrap());
    assert_eq!(node_after, node_before, "its identity lies in a file of its own");
    assert_ne!(incarnation_after, incarnation_before, "a dot is never used twice");
    for client in &clients {
        common::sees(&node.api, &admins[victim], &client.id, Duration::from_secs(10)).await;
    }
    let token = node.api.token(&clients[0], None).await.unwrap();
    common::converged(&cluster, &admins).await;
    let peer = &cluster.nodes()[2].api;
    common::within(Duration::from_secs(5), "its tokens are good elsewhere", async || {
        peer.introspect(&clients[0], &token).await.unwrap()
    })
    .await;
    // What it writes now is news to the others, and no echo of its former life.
    let fresh = node.api.create_client(&admins[victim], "fresh", Auth::None, "").await.unwrap();
    common::sees(peer, &admins[2], &fresh.id, Duration::from_secs(5)).await;
    cluster.end().await.unwrap();
}

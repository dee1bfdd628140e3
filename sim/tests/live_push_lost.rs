//! Pushes that do not arrive: the change is found within a heartbeat all the same, and a frozen peer delays nobody else.

mod common;

use std::time::{Duration, Instant};

use common::HEARTBEAT;
use symbolon_sim::plan::verb::Auth;

/// What a busy machine may add to a bound.
const SLACK: Duration = Duration::from_secs(1);

#[tokio::test(flavor = "multi_thread")]
async fn a_push_that_got_lost_is_found_within_a_heartbeat() {
    let (cluster, admins) = common::cluster(2, true).await;
    let [first, second] = cluster.nodes() else { panic!("two nodes") };
    let network = cluster.network().unwrap();
    // Nothing reaches the second node from now on; it can only ask.
    network.shut(1);
    for _ in 0..3 {
        let client = first.api.create_client(&admins[0], "unheard", Auth::None, "").await.unwrap();
        common::sees(&second.api, &admins[1], &client.id, HEARTBEAT + SLACK).await;
    }
    common::within(HEARTBEAT + SLACK, "the first node was refused", async || network.refused() > 0).await;
    network.open(1);
    let client = first.api.create_client(&admins[0], "heard", Auth::None, "").await.unwrap();
    common::sees(&second.api, &admins[1], &client.id, HEARTBEAT + SLACK).await;
    cluster.end().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_peer_delays_nobody_and_catches_up_when_it_thaws() {
    let (cluster, admins) = common::cluster(3, false).await;
    let frozen = &cluster.nodes()[1];
    frozen.pause().await.unwrap();
    let begin = Instant::now();
    let writer = &cluster.nodes()[0].api;
    let mut clients = Vec::new();
    for _ in 0..5 {
        let client = writer.create_client(&admins[0], "meanwhile", Auth::ClientSecretBasic, "").await.unwrap();
        common::sees(&cluster.nodes()[2].api, &admins[2], &client.id, SLACK).await;
        let token = writer.token(&client, None).await.unwrap();
        assert!(cluster.nodes()[2].api.introspect(&client, &token).await.unwrap(), "tokens go on");
        clients.push(client);
    }
    assert!(begin.elapsed() < 2 * SLACK, "a frozen peer held the others up: {:?}", begin.elapsed());
    frozen.resume().await.unwrap();
    for client in &clients {
        common::sees(&cluster.nodes()[1].api, &admins[1], &client.id, HEARTBEAT + 5 * SLACK).await;
    }
    cluster.end().await.unwrap();
}

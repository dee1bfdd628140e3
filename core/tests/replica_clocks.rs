//! Conversations about clocks: who lies hurts itself alone, and says why it does not serve.

mod common {
    pub mod cluster;
}

use common::cluster::{Cluster, shop};
use symbolon_core::replica::{Refusal, Reply, Request};
use symbolon_core::token::{self, ClientPresentation, Form};

fn reasons(cluster: &Cluster, place: usize) -> Vec<&'static str> {
    cluster.nodes[place].view.readiness.reasons.iter().map(|(name, _)| *name).collect()
}

fn writes(cluster: &mut Cluster, place: usize) -> bool {
    let scope = symbolon_core::state::Scope { description: "x".into() };
    let name = format!("s{}", cluster.elapsed_ms);
    match cluster.ask(place, Request::DefineScope { name, scope }) {
        Reply::Done(_) => true,
        Reply::Refused(Refusal::Unavailable(_)) => false,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_clock_liar_hurts_itself_alone_however_great_the_lie() {
    for skew_ms in [30_000, -30_000, 3_600_000, -3_600_000] {
        let mut cluster = Cluster::of(3);
        cluster.run_ms(3_000);
        cluster.kill(2);
        cluster.nodes[2].skew_ms = skew_ms;
        cluster.boot(2).expect("its disk is sound");
        cluster.run_ms(60_000);
        let why = reasons(&cluster, 2);
        assert!(why.contains(&"clock_outvoted"), "{skew_ms}: {why:?}");
        assert!(!writes(&mut cluster, 2));
        for place in 0..2 {
            assert_eq!(reasons(&cluster, place), Vec::<&str>::new(), "{skew_ms}");
            assert!(writes(&mut cluster, place));
        }
        cluster.nodes[2].skew_ms = 0;
        cluster.run_ms(120_000);
        assert_eq!(reasons(&cluster, 2), Vec::<&str>::new(), "{skew_ms}: its peers confirm the mended clock");
        assert!(writes(&mut cluster, 2));
        cluster.run_ms(5_000);
        cluster.assert_converged();
    }
}

#[test]
fn a_step_that_its_peers_confirm_is_forgiven() {
    let mut cluster = Cluster::of(3);
    cluster.nodes[0].skew_ms = -9_000;
    cluster.run_ms(60_000);
    cluster.nodes[0].skew_ms = 9_000;
    cluster.run_ms(1);
    assert_eq!(reasons(&cluster, 0), [] as [&str; 0], "nobody has looked at the clock yet");
    assert!(!writes(&mut cluster, 0));
    cluster.run_ms(60_000);
    assert!(writes(&mut cluster, 0), "{:?}", reasons(&cluster, 0));
}

#[test]
fn who_is_asked_about_a_clock_in_vain_is_asked_again_soon() {
    let mut cluster = Cluster::of(2);
    cluster.nodes[0].skew_ms = -9_000;
    cluster.run_ms(60_000);
    cluster.frames.clear();
    while cluster.frames.len() < 2 {
        cluster.run_ms(100); // A heartbeat has just been, and the next one is far.
    }
    cluster.nodes[0].skew_ms = 9_000;
    cluster.silent.insert((1, 0));
    assert!(!writes(&mut cluster, 0), "the clock jumped");
    let gossip = cluster.nodes[0].config.gossip.clone();
    cluster.run_ms(gossip.round_timeout.as_millis() as u64);
    cluster.silent.clear();
    assert!(!writes(&mut cluster, 0), "the answer got lost");
    cluster.run_ms(4 * gossip.interval.as_millis() as u64);
    assert!(writes(&mut cluster, 0), "within some intervals, though no heartbeat is due: {:?}", reasons(&cluster, 0));
}

#[test]
fn a_lone_node_asks_its_operator_and_says_why() {
    let mut cluster = Cluster::strangers(1);
    cluster.run_ms(1_000);
    cluster.nodes[0].skew_ms = 60_000;
    cluster.run_ms(60_000);
    assert_eq!(reasons(&cluster, 0), ["clock_jumped"]);
    assert!(!writes(&mut cluster, 0));
    cluster.ask(0, Request::AcceptClock);
    assert!(writes(&mut cluster, 0));
    assert!(reasons(&cluster, 0).is_empty());
    // It boots with a clock behind what it wrote itself.
    cluster.kill(0);
    cluster.nodes[0].skew_ms = 0;
    cluster.boot(0).expect("its disk is sound");
    cluster.run_ms(10);
    assert!(reasons(&cluster, 0).contains(&"clock_behind"), "{:?}", reasons(&cluster, 0));
    assert!(!writes(&mut cluster, 0));
    cluster.ask(0, Request::AcceptClock);
    cluster.run_ms(2_000);
    assert!(writes(&mut cluster, 0), "{:?}", reasons(&cluster, 0));
}

#[test]
fn ops_carry_the_order_in_which_they_were_seen() {
    let mut cluster = Cluster::of(2);
    cluster.nodes[0].skew_ms = 9_000;
    cluster.run_ms(30_000);
    let scope = |text: &str| symbolon_core::state::Scope { description: text.into() };
    cluster.ask(0, Request::DefineScope { name: "read".into(), scope: scope("ahead") });
    cluster.run_ms(100);
    cluster.ask(1, Request::DefineScope { name: "read".into(), scope: scope("behind, but later") });
    cluster.run_ms(100);
    for node in &cluster.nodes {
        assert_eq!(node.view.scope("read").expect("defined").description, "behind, but later");
    }
}

#[test]
fn what_most_clocks_stamped_ahead_is_gone_on_with_once_they_are_right() {
    let mut cluster = Cluster::of(3);
    cluster.run_ms(3_000);
    cluster.nodes[0].skew_ms = 600_000;
    cluster.nodes[1].skew_ms = 600_000;
    cluster.run_ms(30_000);
    assert!(writes(&mut cluster, 0), "they confirm each other: {:?}", reasons(&cluster, 0));
    cluster.run_ms(5_000);
    cluster.nodes[0].skew_ms = 0;
    cluster.nodes[1].skew_ms = 0;
    cluster.run_ms(60_000);
    assert!(cluster.converged(), "each heard it of somebody whose own it is not");
    assert!(writes(&mut cluster, 2), "{:?}", reasons(&cluster, 2));
    cluster.run_ms(5_000);
    cluster.assert_converged();
    assert!((0..3).all(|place| reasons(&cluster, place).is_empty()));
}

#[test]
fn a_node_stops_issuing_at_the_instant_of_a_jump() {
    let mut cluster = Cluster::strangers(1);
    let Reply::ClientCreated { id, secret: Some(secret), .. } = cluster.ask(0, Request::CreateClient(shop())) else {
        panic!("no client");
    };
    let body = format!("grant_type=client_credentials&client_id={id}&client_secret={}", &*secret);
    let form = Form::parse(body.as_bytes()).expect("a form");
    let issues = |cluster: &Cluster| {
        let presentation = ClientPresentation { authorization: None, form: &form };
        let node = &cluster.nodes[0];
        match token::token(&node.view, presentation, cluster.now(0), &node.crypto).settle() {
            Ok(_) => true,
            Err(error) => {
                assert_eq!(error.status, 503);
                false
            }
        }
    };
    cluster.run_ms(3_600_000);
    assert!(issues(&cluster));
    for skew_ms in [60_000, -60_000, 86_400_000] {
        cluster.nodes[0].skew_ms = skew_ms;
        assert!(reasons(&cluster, 0).is_empty(), "the replica has not heard of it");
        assert!(!issues(&cluster), "{skew_ms}");
    }
    cluster.nodes[0].skew_ms = 0;
    assert!(issues(&cluster), "it was gone before anybody dated anything by it");
    // A clock that is slewed within the budget is no jump, however long it takes.
    for _ in 0..40 {
        cluster.nodes[0].skew_ms += 1_000;
        cluster.run_ms(61_000);
        assert!(issues(&cluster), "{} ms", cluster.nodes[0].skew_ms);
    }
}

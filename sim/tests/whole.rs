//! The whole world: production nodes talk on a simulated network, and the same seed gives the same run, in any process.

use std::process::Command;
use std::time::Duration;

use symbolon_core::config::{GossipConfig, TokenConfig};
use symbolon_sim::plan::drawn::{Disk, Network};
use symbolon_sim::plan::verb::Auth;
use symbolon_sim::worlds::whole::{Climate, PASSWORD, USER, World};

const PATIENCE: Duration = Duration::from_secs(10);

fn climate(seed: u64) -> Climate {
    Climate {
        seed,
        nodes: ["n1", "n2", "n3"].map(str::to_owned).to_vec(),
        gossip: GossipConfig {
            interval: Duration::from_millis(200),
            heartbeat: Duration::from_secs(1),
            round_timeout: Duration::from_secs(1),
            ..GossipConfig::default()
        },
        tokens: TokenConfig::default(),
        network: Network { latency_min_ms: 1, latency_max_ms: 20, ..Network::default() },
        disk: Disk { min_ms: 1, max_ms: 5 },
        clocks: Vec::new(),
    }
}

/// Lets time pass until all nodes show the same cells; tells how long it took.
fn converge(world: &mut World) -> u64 {
    let begin = world.at_ms();
    for _ in 0..PATIENCE.as_millis() {
        world.step().expect("no node breaks");
        let views: Vec<_> = (0..3).filter_map(|node| world.view(node)).collect();
        let same = |pair: &[std::sync::Arc<symbolon_core::state::View>]| {
            let [one, other] = [&pair[0], &pair[1]];
            one.cells.root() == other.cells.root()
                && one.token_keys.len() == other.token_keys.len()
                && one.revoked.len() == other.revoked.len()
        };
        if views.len() == 3 && views.iter().all(|view| view.readiness.is_ready()) && views.windows(2).all(same) {
            return world.at_ms() - begin;
        }
    }
    panic!("the nodes do not agree");
}

/// A client is registered at one node during a split, and after it gets tokens everywhere.
fn conversation(seed: u64) -> World {
    let mut world = World::new(&climate(seed));
    converge(&mut world);
    world.part(0, 2);
    world.part(1, 2);
    let api = world.api(0);
    let made = async move {
        let admin = api.login(USER, PASSWORD).await?;
        api.create_client(&admin, "shop", Auth::ClientSecretPost, "").await
    };
    let client = world.wait(PATIENCE, made).expect("in time").expect("a client");
    let api = world.api(1);
    let shop = client.clone();
    let token = world.wait(PATIENCE, async move { api.token(&shop, None).await }).expect("in time").expect("a token");
    let api = world.api(2);
    let shop = client.clone();
    let apart = world.wait(PATIENCE, async move { api.token(&shop, None).await }).expect("in time");
    assert!(apart.is_err(), "the client is not known beyond the split");
    for (from, to) in [(0, 2), (2, 0), (1, 2), (2, 1)] {
        world.mend(from, to);
    }
    converge(&mut world);
    for node in 0..3 {
        let (api, shop, token) = (world.api(node), client.clone(), token.clone());
        let active = world.wait(PATIENCE, async move { api.introspect(&shop, &token).await });
        assert!(active.expect("in time").expect("an answer"), "node {node}");
    }
    let (api, shop, same) = (world.api(2), client.clone(), token.clone());
    world.wait(PATIENCE, async move { api.revoke(&shop, &same).await }).expect("in time").expect("revoked");
    converge(&mut world);
    let api = world.api(0);
    let active = world.wait(PATIENCE, async move { api.introspect(&client, &token).await });
    assert!(!active.expect("in time").expect("an answer"));
    world
}

fn hex(trace: [u8; 32]) -> String {
    trace.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn three_nodes_converge() {
    let world = conversation(1);
    assert!(world.frames() > 20, "{} frames", world.frames());
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    assert_eq!(hex(conversation(2).trace()), hex(conversation(2).trace()));
    assert_ne!(hex(conversation(2).trace()), hex(conversation(3).trace()));
}

/// Prints a trace, for the test below.
#[test]
fn tell_a_trace() {
    println!("trace {}", hex(conversation(4).trace()));
}

#[test]
fn another_process_gives_the_same_trace() {
    let tell = || {
        let mut command = Command::new(std::env::current_exe().expect("this is a program"));
        let output = command.args(["--exact", "tell_a_trace", "--nocapture"]).output().expect("it runs");
        let output = String::from_utf8(output.stdout).expect("it prints text");
        let line = output.lines().find(|line| line.starts_with("trace ")).expect("it prints the trace");
        line.to_owned()
    };
    assert_eq!(tell(), tell());
    assert_eq!(tell(), format!("trace {}", hex(conversation(4).trace())));
}

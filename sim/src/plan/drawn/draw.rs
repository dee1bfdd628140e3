//! A plan from a seed, swarm style: each family of faults is wholly off, or on at a drawn rate, so that rare families are
//! not drowned by common ones.

use super::{Chance, Clock, Deed, Disk, Drawn, Item, Network, Pace, VERSION};

const NODES: u64 = 1;
const PACE: u64 = 2;
const NETWORK: u64 = 3;
const DISK: u64 = 4;
const CLOCK: u64 = 5;
const WORK: u64 = 6;
const FAULT: u64 = 7;
const CORE: u64 = 8;
const SCAN: u64 = 9;

const STORM_MS: u64 = 10_000;
const FIRST_MS: u64 = 300;

/// The plan of this seed.
pub fn draw(seed: u64) -> Drawn {
    let root = Chance::of(seed, 0);
    let nodes = match root.at(NODES).below(10) {
        0 => 2,
        1 | 2 => 3,
        3 => 4,
        9 => 7,
        _ => 5,
    };
    let pace = pace(root.at(PACE));
    let mut items = workload(root.at(WORK), nodes as u64);
    items.extend(faults(root.at(FAULT), nodes as u64, pace.drift_ms));
    items.sort_by_key(|item| item.at_ms);
    let core = if root.at(CORE).permille(120) { (0..nodes - 1).collect() } else { Vec::new() };
    let clocks = (0..nodes as u64).map(|node| clock(root.at(CLOCK), node, pace.drift_ms));
    Drawn {
        version: VERSION,
        seed,
        nodes,
        storm_ms: STORM_MS,
        core,
        scan: root.at(SCAN).permille(60),
        network: network(root.at(NETWORK)),
        disk: disk(root.at(DISK)),
        clocks: clocks.collect(),
        pace,
        items,
    }
}

fn one_of(chance: Chance, values: &[u64]) -> u64 {
    values[chance.below(values.len() as u64) as usize]
}

fn pace(chance: Chance) -> Pace {
    Pace {
        interval_ms: one_of(chance.at(0), &[250, 500, 500, 1000, 2000]),
        heartbeat_ms: one_of(chance.at(1), &[2000, 3000, 5000]),
        fanout: one_of(chance.at(2), &[1, 2, 3]) as usize,
        round_timeout_ms: one_of(chance.at(3), &[500, 1000, 2000]),
        drift_ms: 10_000,
        token_ttl_s: one_of(chance.at(4), &[4, 10, 600]),
        jwks_max_age_ms: one_of(chance.at(5), &[500, 2000, 60_000]),
        key_lifetime_s: one_of(chance.at(6), &[6, 3600, 3600 * 24]),
        remove_horizon_ms: one_of(chance.at(7), &[3600 * 24 * 1000, 3600 * 24 * 30 * 1000]),
    }
}

/// A rate that is off in half of the weathers.
fn rate(chance: Chance, most: u64) -> u64 {
    if chance.at(0).permille(500) { 0 } else { chance.at(1).between(1, most) }
}

fn network(chance: Chance) -> Network {
    let latency_min_ms = one_of(chance.at(0), &[0, 1, 5]);
    Network {
        latency_min_ms,
        latency_max_ms: latency_min_ms + one_of(chance.at(1), &[1, 5, 30, 120]),
        slow: rate(chance.at(2), 150),
        slow_ms: one_of(chance.at(3), &[100, 400, 1500]),
        lost_requests: rate(chance.at(4), 300),
        lost_replies: rate(chance.at(5), 300),
        silent: one_of(chance.at(6), &[0, 500, 1000]),
        twice: rate(chance.at(7), 200),
        corrupt: rate(chance.at(8), 100),
    }
}

fn disk(chance: Chance) -> Disk {
    let max_ms = one_of(chance, &[0, 1, 5, 40]);
    Disk { min_ms: max_ms / 4, max_ms }
}

fn clock(chance: Chance, node: u64, drift_ms: u64) -> Clock {
    if chance.at(100).permille(400) {
        return Clock::default();
    }
    Clock { offset_ms: chance.at(node).at(1).around(drift_ms / 5), ppm: chance.at(node).at(2).around(500) }
}

fn workload(chance: Chance, nodes: u64) -> Vec<Item> {
    let count = chance.at(0).between(60, 90);
    let clients = chance.at(1).between(1, 8);
    let scopes = chance.at(2).between(1, 4);
    let sessions = 4;
    let item = |n: u64| {
        let draw = chance.at(1000 + n);
        let client = draw.at(1).below(clients);
        let scope = draw.at(2).below(scopes);
        let token = draw.at(3).below(12);
        let session = draw.at(4).below(sessions);
        let deed = match draw.at(5).below(100) {
            0..=15 => Deed::CreateClient { client },
            16..=29 => Deed::EditClient { client, version: n },
            30..=35 => Deed::DeleteClient { client },
            36..=40 => Deed::RotateSecret { client },
            41..=48 => Deed::DefineScope { scope, version: n },
            49..=52 => Deed::RemoveScope { scope },
            53..=55 => Deed::Login { session },
            56..=57 => Deed::RevokeSession { session },
            58 => Deed::RevokeUser,
            59..=72 => Deed::Issue { client, token },
            73..=86 => Deed::Introspect { token },
            87..=93 => Deed::RevokeToken { token },
            94 => Deed::SetClusterKey { number: n },
            95..=97 => Deed::RotateKey,
            98 => Deed::WithdrawKey { of: draw.at(6).below(nodes) as usize },
            _ => Deed::Introspect { token },
        };
        let at_ms = draw.at(7).between(FIRST_MS, STORM_MS);
        Item { at_ms, on: draw.at(8).below(nodes) as usize, deed }
    };
    (0..count).map(item).collect()
}

fn faults(chance: Chance, nodes: u64, drift_ms: u64) -> Vec<Item> {
    const FAMILIES: u64 = 10;
    let on: Vec<u64> = (0..FAMILIES).filter(|family| chance.at(*family).permille(400)).collect();
    if on.is_empty() {
        return Vec::new();
    }
    let count = chance.at(50).between(3, 10);
    let item = |n: u64| {
        let draw = chance.at(1000 + n);
        let family = one_of(draw.at(0), &on);
        let on = draw.at(1).below(nodes);
        let at_ms = draw.at(2).between(FIRST_MS, STORM_MS - 1000);
        let for_ms = draw.at(3).between(50, 4000);
        let other = ((on + 1 + draw.at(4).below(nodes.max(2) - 1)) % nodes) as usize;
        let deed = match family {
            0 => Deed::Crash { down_ms: draw.at(5).between(0, 3000) },
            1 => Deed::LoseDisk { down_ms: draw.at(5).between(0, 3000) },
            2 => Deed::RestoreDisk { down_ms: draw.at(5).between(0, 2000), age_ms: draw.at(6).between(100, 8000) },
            3 => Deed::FailDisk { down_ms: draw.at(5).between(0, 2000) },
            4 => Deed::SlowDisk { for_ms, by_ms: draw.at(5).between(20, 400) },
            5 => Deed::Pause { for_ms },
            6 => Deed::Split { others: others(draw.at(5), on, nodes), for_ms },
            7 => Deed::Cut { to: other, for_ms },
            8 => step(draw.at(5), for_ms, drift_ms),
            _ => Deed::Replay { back: draw.at(5).below(40), to: other },
        };
        Item { at_ms, on: on as usize, deed }
    };
    (0..count).map(item).collect()
}

/// Who is on the other side of a split.
fn others(chance: Chance, on: u64, nodes: u64) -> Vec<usize> {
    let far = (0..nodes).filter(|node| *node != on && chance.at(*node).permille(600));
    far.map(|node| node as usize).collect()
}

/// A step within the budget, or far beyond it.
fn step(chance: Chance, for_ms: u64, drift_ms: u64) -> Deed {
    let by_ms = match chance.at(0).below(3) {
        0 => chance.at(1).around(drift_ms / 5),
        1 => chance.at(1).around(100 * drift_ms),
        _ => chance.at(1).around(24 * 3600 * 1000),
    };
    Deed::StepClock { by_ms, for_ms }
}

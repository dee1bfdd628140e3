//! A plan from a seed, swarm style: each family of faults is wholly off, or on at a drawn rate, so that rare families are
//! not drowned by common ones.

use super::verb::{
    Auth, Backup, Clog, CreateClient, Cut, DefineScope, DeleteClient, EditClient, EndSessions, FailDisk, Forge,
    ForgeDots, Forgery, FreezeClock, Introspect, Kill, LieAboutTime, Login, Logout, LoseDisk, Partition, Pause,
    RemoveScope, Replay, Restart, RestoreBackup, Revoke, RotateKey, RotateSecret, SetClusterKey, SlowDisk, StepClock,
    TearDisk, Token, WithdrawKey, Yes,
};
use super::{
    Act, Chance, ClockError, Gossip, On, Plan, Range, Shift, Slow, Span, Start, Step, Tokens, Verb, Weather, What,
};

const NODES: u64 = 1;
const PACE: u64 = 2;
const NETWORK: u64 = 3;
const DISK: u64 = 4;
const CLOCK: u64 = 5;
const WORK: u64 = 6;
const FAULT: u64 = 7;
const CORE: u64 = 8;
const GUEST: u64 = 9;
const LIAR: u64 = 10;
const SETUP: u64 = 11;

pub(super) const STORM_MS: u64 = 10_000;
pub(super) const FIRST_MS: u64 = 300;
const DRIFT_MS: u64 = 10_000;
const DAY_MS: u64 = 24 * 3600 * 1000;

/// The plan of this seed.
pub fn draw(seed: u64) -> Plan {
    let root = Chance::of(seed, 0);
    let nodes = match root.at(NODES).below(20) {
        0 | 1 => 2,
        2..=5 => 3,
        6..=8 => 4,
        19 => 7,
        _ => 5,
    };
    draw_for(seed, nodes)
}

/// The plan of this seed for so many nodes, at least two.
pub fn draw_for(seed: u64, count: usize) -> Plan {
    let root = Chance::of(seed, 0);
    let nodes = count as u64;
    let (gossip, tokens) = pace(root.at(PACE));
    let mut steps = workload(root.at(WORK), nodes);
    steps.extend(faults(root.at(FAULT), nodes));
    steps.extend(lies(root.at(LIAR), nodes));
    set_apart(&mut steps);
    let healing = if root.at(CORE).permille(120) { nodes - 1 } else { 0 };
    let guest = root.at(GUEST);
    let mut plan = Plan {
        story: format!("What seed {seed} drew."),
        seed,
        forgiving: true,
        start: if root.at(SETUP).permille(850) { Start::Acquainted } else { Start::Cluster },
        until: Span::of_ms(STORM_MS),
        heals: (0..healing).map(name).collect(),
        gossip,
        tokens,
        weather: weather(root.at(NETWORK), root.at(DISK)),
        ..Plan::of(count)
    };
    if count > 2 && healing == 0 && guest.permille(60) {
        plan.uninvited = vec![name(nodes - 1)];
    }
    if count > 2 && guest.at(1).permille(120) {
        plan.absent = vec![name(0)];
        steps.push(step(guest.at(2).between(FIRST_MS, STORM_MS), 0, Verb::Restart(Restart { yes: Yes })));
    }
    if healing > 0 && guest.at(3).permille(500) {
        let leaves_ms = guest.at(4).between(FIRST_MS, STORM_MS);
        steps.push(step(leaves_ms, nodes - 1, Verb::Kill(Kill { yes: Yes, lasts: None })));
    }
    steps.sort_by_key(|step| step.at);
    plan.acts = steps.into_iter().map(|step| Act { line: 0, scene: None, what: What::Step(step) }).collect();
    for node in 0..nodes {
        let error = clock(root.at(CLOCK), node);
        if error != ClockError::default() {
            plan.clocks.insert(name(node), error);
        }
    }
    plan
}

fn name(node: u64) -> String {
    format!("n{}", node + 1)
}

pub(super) fn one_of(chance: Chance, values: &[u64]) -> u64 {
    values[chance.below(values.len() as u64) as usize]
}

fn pace(chance: Chance) -> (Gossip, Tokens) {
    let ms = |at: u64, values: &[u64]| Some(Span::of_ms(one_of(chance.at(at), values)));
    let gossip = Gossip {
        interval: ms(0, &[500, 1000, 2000, 2000, 2000, 2000]),
        heartbeat: ms(1, &[2000, 3000, 4000]),
        fanout: Some(one_of(chance.at(2), &[1, 2, 3]) as usize),
        round_timeout: ms(3, &[500, 1000, 2000]),
        max_clock_drift: Some(Span::of_ms(DRIFT_MS)),
        remove_horizon: ms(7, &[1_000, 4_000, DAY_MS, 30 * DAY_MS]),
        part_cells: chance.at(8).permille(300).then(|| one_of(chance.at(9), &[1, 2, 5]) as usize),
    };
    let tokens = Tokens {
        access_ttl: ms(4, &[4_000, 10_000, 600_000]),
        key_lifetime: ms(6, &[6_000, DAY_MS / 24, DAY_MS / 24, DAY_MS, DAY_MS, DAY_MS]),
        jwks_max_age: ms(5, &[500, 2000, 60_000]),
    };
    (gossip, tokens)
}

/// A rate that is off in half of the weathers.
pub(super) fn rate(chance: Chance, most: u64) -> u64 {
    if chance.at(0).permille(500) { 0 } else { chance.at(1).between(1, most) }
}

fn weather(network: Chance, disk: Chance) -> Weather {
    let least_ms = one_of(network.at(0), &[0, 1, 5]);
    let most_ms = least_ms + one_of(network.at(1), &[1, 5, 30, 120]);
    let slow = rate(network.at(2), 150);
    let commit_ms = one_of(disk, &[0, 1, 5, 40]);
    Weather {
        latency: Range { min: Span::of_ms(least_ms), max: Span::of_ms(most_ms) },
        slow: Slow {
            permille: slow,
            up_to: Span::of_ms(if slow == 0 { 0 } else { one_of(network.at(3), &[100, 400, 1500]) }),
        },
        lost_requests: rate(network.at(4), 200),
        lost_replies: rate(network.at(5), 200),
        silent: one_of(network.at(6), &[0, 500, 1000]),
        twice: rate(network.at(7), 200),
        corrupt: rate(network.at(8), 100),
        truncated: if network.at(9).permille(100) { 50 } else { 0 },
        bandwidth: if network.at(10).permille(100) { 64 } else { 0 },
        commit: Range { min: Span::of_ms(commit_ms / 4), max: Span::of_ms(commit_ms) },
    }
}

fn clock(chance: Chance, node: u64) -> ClockError {
    if chance.at(100).permille(400) {
        return ClockError::default();
    }
    ClockError { offset: Shift(chance.at(node).at(1).around(DRIFT_MS / 5)), ppm: chance.at(node).at(2).around(500) }
}

pub(super) fn step(at_ms: u64, on: u64, verb: Verb) -> Step {
    Step { at: Some(Span::of_ms(at_ms)), on: On::One(name(on)), refused: false, verb }
}

fn workload(chance: Chance, nodes: u64) -> Vec<Step> {
    let count = chance.at(0).between(65, 71);
    let clients = chance.at(1).between(1, 8);
    let scopes = chance.at(2).between(1, 4);
    let sessions = 4;
    let one = |n: u64| {
        let draw = chance.at(1000 + n);
        let client = || format!("c{}", draw.at(1).below(clients));
        let scope = || format!("s{}", draw.at(2).below(scopes));
        let token = || format!("t{}", draw.at(3).below(12));
        let session = || format!("u{}", draw.at(4).below(sessions));
        let user = || "alice".to_owned();
        let verb = match draw.at(5).below(100) {
            0..=9 => Verb::CreateClient(CreateClient {
                client: client(),
                auth: Auth::ClientSecretPost,
                name: None,
                scope: String::new(),
            }),
            10..=13 => Verb::EditClient(EditClient {
                client: client(),
                name: Some(format!("{} v{n}", client())),
                scope: None,
            }),
            14..=17 => Verb::DeleteClient(DeleteClient { client: client() }),
            18..=20 => Verb::RotateSecret(RotateSecret { client: client() }),
            21..=25 => Verb::DefineScope(DefineScope { scope: scope(), description: format!("version {n}") }),
            26..=28 => Verb::RemoveScope(RemoveScope { scope: scope() }),
            29..=31 => Verb::Login(Login { user: user(), password: "alice123".into(), name: Some(session()) }),
            32..=33 => Verb::Logout(Logout { session: session() }),
            34 => Verb::EndSessions(EndSessions { user: user() }),
            35..=58 => Verb::Token(Token { token: token(), client: client(), scope: None }),
            59..=63 => Verb::Revoke(Revoke { token: token() }),
            64 => Verb::SetClusterKey(SetClusterKey { key: format!("k{n}") }),
            65 => Verb::RotateKey(RotateKey { yes: Yes }),
            66 => Verb::WithdrawKey(WithdrawKey { of: name(draw.at(6).below(nodes)) }),
            _ => Verb::Introspect(Introspect { token: token(), by: None }),
        };
        step(draw.at(7).between(FIRST_MS, STORM_MS), draw.at(8).below(nodes), verb)
    };
    (0..count).map(one).collect()
}

/// The faults; a family that is on brings some, and at least so many come together.
fn faults(chance: Chance, nodes: u64) -> Vec<Step> {
    const FAMILIES: u64 = 14;
    const LEAST: u64 = 6;
    let on: Vec<u64> = (0..FAMILIES).filter(|family| chance.at(*family).permille(350)).collect();
    if on.is_empty() {
        return Vec::new();
    }
    let count = chance.at(50).between(LEAST, 8);
    (0..count).flat_map(|n| fault(chance.at(1000 + n), n, nodes, &on)).collect()
}

fn fault(draw: Chance, number: u64, nodes: u64, families: &[u64]) -> Vec<Step> {
    let on = draw.at(1).below(nodes);
    let at_ms = draw.at(2).between(FIRST_MS, STORM_MS - 1000);
    let lasts = Some(Span::of_ms(draw.at(3).between(50, 4000)));
    let other = name((on + 1 + draw.at(4).below(nodes.max(2) - 1)) % nodes);
    let down = |most_ms: u64| Some(Span::of_ms(draw.at(5).between(0, most_ms)));
    let verb = match one_of(draw.at(0), families) {
        0 => Verb::Kill(Kill { yes: Yes, lasts: down(3000) }),
        1 => Verb::LoseDisk(LoseDisk { yes: Yes, lasts: down(3000) }),
        2 => return restore(draw, number, at_ms, on),
        3 => Verb::FailDisk(FailDisk { yes: Yes, lasts: down(2500) }),
        4 => Verb::SlowDisk(SlowDisk { by: Span::of_ms(draw.at(5).between(20, 400)), lasts }),
        5 => Verb::Pause(Pause { yes: Yes, lasts }),
        6 => Verb::Partition(Partition { groups: groups(draw.at(5), nodes), lasts }),
        7 => Verb::Cut(Cut { to: other, lasts }),
        8 => Verb::StepClock(StepClock { by: shift(draw.at(5)), lasts }),
        9 => Verb::Replay(Replay { back: draw.at(5).below(40) }),
        10 => Verb::Clog(Clog { to: other, lasts }),
        11 => Verb::FreezeClock(FreezeClock { yes: Yes, lasts }),
        12 => Verb::TearDisk(TearDisk { yes: Yes, lasts: down(2000) }),
        _ => {
            let what = match draw.at(5).below(16) {
                0 => Forgery::Oversized,
                1..=5 => Forgery::Noise,
                6..=10 => Forgery::Truncated,
                _ => Forgery::Tampered,
            };
            Verb::Forge(Forge { what })
        }
    };
    vec![step(at_ms, on, verb)]
}

/// In few plans somebody has the keys of a node, and lies. What he says in two ways nothing could mend, so he does not.
fn lies(chance: Chance, nodes: u64) -> Vec<Step> {
    if nodes < 3 || !chance.permille(30) {
        return Vec::new();
    }
    let on = chance.at(1).below(nodes);
    let one = |n: u64| {
        let draw = chance.at(100 + n);
        let verb = match draw.at(0).below(2) {
            0 => Verb::ForgeDots(ForgeDots { of: name((on + 1 + draw.at(1).below(nodes - 1)) % nodes) }),
            _ => Verb::LieAboutTime(LieAboutTime { by: shift(draw.at(1)) }),
        };
        step(draw.at(2).between(FIRST_MS, STORM_MS), on, verb)
    };
    (0..chance.at(2).between(1, 5)).map(one).collect()
}

/// A copy of the disk, and its return.
fn restore(draw: Chance, number: u64, at_ms: u64, on: u64) -> Vec<Step> {
    let backup = format!("b{number}");
    let taken_ms = at_ms.saturating_sub(draw.at(6).between(100, 8000)).max(1);
    let lasts = Some(Span::of_ms(draw.at(5).between(0, 2000)));
    vec![
        step(taken_ms, on, Verb::Backup(Backup { backup: backup.clone() })),
        step(at_ms, on, Verb::RestoreBackup(RestoreBackup { backup, lasts })),
    ]
}

/// Two groups, or two with a bridge.
fn groups(chance: Chance, nodes: u64) -> Vec<Vec<String>> {
    let (near, far): (Vec<u64>, Vec<u64>) = (0..nodes).partition(|node| chance.at(*node).permille(500));
    let mut groups: Vec<Vec<String>> = [near, far]
        .into_iter()
        .filter(|group| !group.is_empty())
        .map(|group| group.into_iter().map(name).collect())
        .collect();
    if groups.len() == 1 {
        let alone = groups[0].remove(0);
        groups.push(vec![alone]);
    }
    if nodes > 2 && chance.at(100).permille(200) {
        let bridge = groups[0][0].clone();
        groups[1].push(bridge);
    }
    groups
}

/// Clocks that are wrong alike confirm each other. Where they are most of the clocks nobody can tell, and what was stamped by
/// them stands until its time has come; so of two such steps one goes the other way.
fn set_apart(steps: &mut [Step]) {
    let mut taken: Vec<i64> = Vec::new();
    for step in steps {
        let Verb::StepClock(StepClock { by: Shift(by_ms), .. }) = &mut step.verb else { continue };
        if by_ms.abs() > DRIFT_MS as i64 && taken.iter().any(|other| (*other - *by_ms).abs() <= 4 * DRIFT_MS as i64) {
            *by_ms = -*by_ms;
        }
        taken.push(*by_ms);
    }
}

/// A step within the budget, or far beyond it.
fn shift(chance: Chance) -> Shift {
    Shift(match chance.at(0).below(3) {
        0 => chance.at(1).around(DRIFT_MS / 5),
        1 => chance.at(1).around(100 * DRIFT_MS),
        _ => chance.at(1).around(DAY_MS),
    })
}

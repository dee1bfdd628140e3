//! A drawn plan with callers that never rest: applications get tokens, look at those of others, take some back, and people come
//! and go, on all nodes and all through the storm. It changes nothing of what the seed drew for weather, faults and operators.

use super::draw::{FIRST_MS, STORM_MS, draw, draw_for, step};
use super::verb::{Auth, CreateClient, EditClient, Introspect, Login, Logout, Revoke, RotateSecret, Token};
use super::{Act, Chance, Plan, Step, Verb, What};

const BUSY: u64 = 10;

/// Applications; nobody deletes them.
const APPS: u64 = 4;
/// They are registered so soon after the first step, and on another node so soon after that, since some may be away.
const SOON_MS: u64 = 300;
/// Names for their tokens; a later token takes the name of a former one over.
const TOKENS: u64 = 24;
const SESSIONS: u64 = 6;
/// Their requests, at least and at most.
const REQUESTS: (u64, u64) = (380, 420);

/// The plan of this seed, and its callers.
pub fn draw_busy(seed: u64) -> Plan {
    with_callers(draw(seed))
}

/// The plan of this seed for so many nodes, at least two, and its callers.
pub fn draw_busy_for(seed: u64, count: usize) -> Plan {
    with_callers(draw_for(seed, count))
}

fn with_callers(mut plan: Plan) -> Plan {
    let (chance, nodes) = (Chance::of(plan.seed, BUSY), plan.nodes.len() as u64);
    let count = chance.at(0).between(REQUESTS.0, REQUESTS.1);
    let steps = (0..APPS).flat_map(|app| register(chance.at(1).at(app), app, nodes));
    let steps = steps.chain((0..count).map(|number| request(chance.at(2).at(number), number, nodes)));
    plan.acts.extend(steps.map(|step| Act { line: 0, scene: None, what: What::Step(step) }));
    plan.acts.sort_by_key(|act| match &act.what {
        What::Step(step) => step.at,
        What::Expect(_) => None,
    });
    plan
}

fn app(number: u64) -> String {
    format!("a{number}")
}

fn register(chance: Chance, number: u64, nodes: u64) -> [Step; 2] {
    let auth = if chance.at(0).permille(500) { Auth::ClientSecretPost } else { Auth::ClientSecretBasic };
    let create = CreateClient { client: app(number), auth, name: None, scope: String::new() };
    let (at_ms, on) = (chance.at(1).between(FIRST_MS, FIRST_MS + SOON_MS), chance.at(2).below(nodes));
    let verb = Verb::CreateClient(create);
    [step(at_ms, on, verb.clone()), step(at_ms + SOON_MS, (on + 1) % nodes, verb)]
}

fn request(chance: Chance, number: u64, nodes: u64) -> Step {
    let client = app(chance.at(0).below(APPS));
    let token = format!("x{}", chance.at(1).below(TOKENS));
    let session = format!("v{}", chance.at(2).below(SESSIONS));
    let verb = match chance.at(3).below(100) {
        0..=39 => Verb::Token(Token { token, client, scope: None }),
        40..=84 => {
            let by = chance.at(4).permille(500).then_some(client);
            Verb::Introspect(Introspect { token, by })
        }
        85..=90 => Verb::Revoke(Revoke { token }),
        91..=94 => Verb::Login(Login { user: "alice".into(), password: "alice123".into(), name: Some(session) }),
        95..=96 => Verb::Logout(Logout { session }),
        97..=98 => Verb::EditClient(EditClient { name: Some(format!("{client} v{number}")), client, scope: None }),
        _ => Verb::RotateSecret(RotateSecret { client }),
    };
    step(chance.at(5).between(FIRST_MS + SOON_MS, STORM_MS), chance.at(6).below(nodes), verb)
}

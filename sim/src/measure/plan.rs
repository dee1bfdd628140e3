//! The plan of a measurement: a calm cluster in which changes, tokens and their revocations follow each other on one node after
//! the other. Gossip is as a node has it by default.

use crate::plan::verb::{Auth, CreateClient, DefineScope, Revoke, Token, Verb};
use crate::plan::{Act, On, Plan, Range, Span, Step, Tokens, Weather, What};

/// Until then a cluster of any size has met.
const FIRST_MS: u64 = 90_000;
/// Between two changes.
const GAP_MS: u64 = 400;

/// The plan for so many nodes.
pub(super) fn plan(nodes: usize, loss_percent: u64, changes: u64, seed: u64) -> Plan {
    let ms = Span::of_ms;
    let name = |turn: u64| format!("n{}", turn % nodes as u64 + 1);
    let step = |at_ms: u64, on: u64, verb: Verb| {
        let step = Step { at: Some(ms(at_ms)), on: On::One(name(on)), refused: false, verb };
        Act { line: 0, scene: None, what: What::Step(step) }
    };
    let client = || "probe".to_owned();
    let create = CreateClient { client: client(), auth: Auth::ClientSecretPost, name: None, scope: String::new() };
    let mut acts = vec![step(FIRST_MS - 40_000, 0, Verb::CreateClient(create))];
    for turn in 0..changes {
        let at_ms = FIRST_MS + turn * GAP_MS;
        // A walk that visits all alike and stays nowhere.
        let on = turn * 7;
        let define = DefineScope { scope: format!("s{turn}"), description: String::new() };
        acts.push(step(at_ms, on, Verb::DefineScope(define)));
        acts.push(step(
            at_ms + 1,
            on + 1,
            Verb::Token(Token { token: format!("t{turn}"), client: client(), scope: None }),
        ));
        acts.push(step(at_ms + GAP_MS / 2, on + 2, Verb::Revoke(Revoke { token: format!("t{turn}") })));
    }
    Plan {
        story: "Changes and revocations in a healthy cluster.".into(),
        seed,
        forgiving: true,
        until: ms(FIRST_MS + changes * GAP_MS + 60_000),
        tokens: Tokens { jwks_max_age: Some(ms(2_000)), ..Tokens::default() },
        weather: Weather {
            latency: Range { min: ms(1), max: ms(10) },
            lost_requests: 10 * loss_percent,
            lost_replies: 10 * loss_percent,
            silent: 500,
            commit: Range { min: ms(1), max: ms(4) },
            ..Weather::default()
        },
        acts,
        ..Plan::of(nodes)
    }
}

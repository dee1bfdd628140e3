//! A plan in which nothing races: each step waits for the former one, and each thing is changed on one node alone. So it must
//! end alike in all worlds, however rough the weather is and whatever befalls the nodes meanwhile.

use super::draw::{one_of, rate};
use super::expect::Expect;
use super::verb::{
    Auth, Clog, CreateClient, Cut, DefineScope, DeleteClient, EditClient, Heal, Introspect, Kill, Login, Logout,
    Partition, Pause, RemoveScope, Restart, Resume, Revoke, RotateKey, RotateSecret, SlowDisk, Token, Wait, Yes,
};
use super::{Act, Chance, ClockError, Gossip, On, Plan, Range, Shift, Slow, Span, Step, Tokens, Verb, Weather, What};

/// The client that asks about all tokens, and is never changed.
const AUDITOR: &str = "auditor";
const CLIENTS: u64 = 5;
const SCOPES: u64 = 3;
const SESSIONS: u64 = 3;
const TOKENS: u64 = 12;
/// Draws for each thing to do, until one makes sense.
const TRIES: u64 = 6;
/// How long nodes may take to agree where the plan waits for it.
const PATIENCE: Span = Span::of_ms(60_000);

/// The orderly plan of this seed.
pub fn draw_orderly(seed: u64) -> Plan {
    let root = Chance::of(seed, 900);
    let nodes = 2 + root.at(0).below(3) as usize;
    let ms = |at: u64, values: &[u64]| Some(Span::of_ms(one_of(root.at(at), values)));
    let mut plan = Plan {
        story: format!("What seed {seed} drew, in good order."),
        seed,
        gossip: Gossip {
            interval: ms(1, &[100, 250, 500]),
            heartbeat: ms(2, &[1000, 2000]),
            round_timeout: ms(3, &[500, 1000]),
            max_clock_drift: Some(Span::of_ms(10_000)),
            ..Gossip::default()
        },
        tokens: Tokens {
            access_ttl: Some(Span::of_ms(3_600_000)),
            key_lifetime: Some(Span::of_ms(24 * 3_600_000)),
            jwks_max_age: ms(4, &[500, 2000]),
        },
        weather: weather(root.at(5)),
        ..Plan::of(nodes)
    };
    for node in 0..nodes as u64 {
        let error = root.at(6).at(node);
        let error = ClockError { offset: Shift(error.at(0).around(2000)), ppm: error.at(1).around(300) };
        plan.clocks.insert(plan.nodes[node as usize].clone(), error);
    }
    plan.acts = Drawing { root: root.at(7), nodes: nodes as u64, acts: Vec::new(), things: Things::default() }.acts();
    plan
}

fn weather(chance: Chance) -> Weather {
    let slow = rate(chance.at(0), 100);
    Weather {
        latency: Range { min: Span::of_ms(1), max: Span::of_ms(one_of(chance.at(1), &[1, 10, 40])) },
        slow: Slow { permille: slow, up_to: Span::of_ms(if slow == 0 { 0 } else { 200 }) },
        lost_requests: rate(chance.at(2), 200),
        lost_replies: rate(chance.at(3), 200),
        silent: one_of(chance.at(4), &[0, 500]),
        twice: rate(chance.at(5), 200),
        corrupt: rate(chance.at(6), 100),
        truncated: rate(chance.at(7), 50),
        bandwidth: 0,
        commit: Range { min: Span::default(), max: Span::of_ms(one_of(chance.at(8), &[0, 5, 40])) },
    }
}

/// What there is at a point of the plan.
#[derive(Default)]
struct Things {
    /// Clients, and whether each is still there.
    clients: [Option<bool>; CLIENTS as usize],
    scopes: [bool; SCOPES as usize],
    sessions: [Option<bool>; SESSIONS as usize],
    /// Tokens, with the place of their client.
    tokens: Vec<u64>,
    revoked: Vec<u64>,
    /// A node that does not answer now, and how it comes back.
    away: Option<(u64, Verb)>,
}

struct Drawing {
    root: Chance,
    nodes: u64,
    acts: Vec<Act>,
    things: Things,
}

impl Drawing {
    fn acts(mut self) -> Vec<Act> {
        self.agree(true);
        self.does(0, Verb::CreateClient(client(AUDITOR.into(), None)));
        self.agree(false);
        for number in 0..self.root.at(0).between(25, 40) {
            let chance = self.root.at(1).at(number);
            match chance.at(0).below(100) {
                0..=69 => {
                    (0..TRIES).any(|attempt| self.work(chance.at(2).at(attempt), number));
                }
                _ => self.fault(chance.at(1)),
            }
        }
        self.comes_back();
        self.act(On::default(), Verb::Heal(Heal { yes: Yes }));
        self.agree(false);
        for token in 0..self.things.tokens.len() {
            (0..self.nodes).for_each(|node| self.does(node, introspect(token as u64)));
        }
        self.acts
    }

    fn act(&mut self, on: On, verb: Verb) {
        self.acts.push(Act { line: 0, scene: None, what: What::Step(Step { at: None, on, refused: false, verb }) });
    }

    fn does(&mut self, node: u64, verb: Verb) {
        self.act(On::One(name(node)), verb);
    }

    /// Waits until all nodes agree.
    fn agree(&mut self, ready: bool) {
        let expect = Expect {
            within: Some(PATIENCE),
            converged: Some(true),
            ready: ready.then_some(true),
            ..Expect::default()
        };
        self.acts.push(Act { line: 0, scene: None, what: What::Expect(expect) });
    }

    /// Something that clients and operators do, on the one node of the thing; false if it makes no sense now.
    fn work(&mut self, chance: Chance, number: u64) -> bool {
        let thing = chance.at(1).word();
        let away = self.things.away.as_ref().map(|(node, _)| *node);
        let home = |thing: u64| Some(thing % self.nodes).filter(|home| Some(*home) != away);
        let (node, verb) = match chance.at(0).below(10) {
            0..=3 => (home(thing % CLIENTS), self.client(thing % CLIENTS, chance.at(2), number, away)),
            4 | 5 => (home(self.nth_token(thing)), self.token(self.nth_token(thing), chance.at(2))),
            6 | 7 => (home(thing % SCOPES), self.scope(thing % SCOPES, number, away)),
            8 => (home(thing % SESSIONS), self.session(thing % SESSIONS, away)),
            _ => (home(thing), Some(Verb::RotateKey(RotateKey { yes: Yes }))),
        };
        let (Some(node), Some(verb)) = (node, verb) else { return false };
        self.does(node, verb);
        true
    }

    fn client(&mut self, client_at: u64, chance: Chance, number: u64, away: Option<u64>) -> Option<Verb> {
        if Some(client_at % self.nodes) == away {
            return None;
        }
        let is = &mut self.things.clients[client_at as usize];
        let name = format!("c{client_at}");
        match (*is, chance.at(0).below(8)) {
            (None, _) => {
                *is = Some(true);
                Some(Verb::CreateClient(client(name, Some(format!("client {number}")))))
            }
            (Some(false), _) => None,
            (Some(true), 0) => {
                *is = Some(false);
                Some(Verb::DeleteClient(DeleteClient { client: name }))
            }
            (Some(true), 1) => Some(Verb::RotateSecret(RotateSecret { client: name })),
            (Some(true), 2 | 3) => {
                let edit = EditClient { client: name, name: Some(format!("edited {number}")), scope: None };
                Some(Verb::EditClient(edit))
            }
            (Some(true), _) if self.things.tokens.len() as u64 >= TOKENS => None,
            (Some(true), _) => {
                let token = format!("t{}", self.things.tokens.len());
                self.things.tokens.push(client_at);
                Some(Verb::Token(Token { token, client: name, scope: None }))
            }
        }
    }

    /// The place of the client of some token; nobody's if there is none.
    fn nth_token(&self, thing: u64) -> u64 {
        let count = self.things.tokens.len().max(1) as u64;
        self.things.tokens.get((thing % count) as usize).copied().unwrap_or(0)
    }

    fn token(&mut self, client_at: u64, chance: Chance) -> Option<Verb> {
        let token = self.things.tokens.iter().position(|of| *of == client_at)? as u64;
        let is_client = self.things.clients[client_at as usize] == Some(true);
        let is_away = self.things.away.as_ref().is_some_and(|(node, _)| *node == client_at % self.nodes);
        if chance.below(2) == 0 && is_client && !is_away && !self.things.revoked.contains(&token) {
            self.things.revoked.push(token);
            return Some(Verb::Revoke(Revoke { token: format!("t{token}") }));
        }
        Some(introspect(token))
    }

    fn scope(&mut self, scope_at: u64, number: u64, away: Option<u64>) -> Option<Verb> {
        if Some(scope_at % self.nodes) == away {
            return None;
        }
        let is = &mut self.things.scopes[scope_at as usize];
        let scope = format!("s{scope_at}");
        *is = !*is || !number.is_multiple_of(3);
        Some(match *is {
            true => Verb::DefineScope(DefineScope { scope, description: format!("version {number}") }),
            false => Verb::RemoveScope(RemoveScope { scope }),
        })
    }

    fn session(&mut self, session_at: u64, away: Option<u64>) -> Option<Verb> {
        if Some(session_at % self.nodes) == away {
            return None;
        }
        let is = &mut self.things.sessions[session_at as usize];
        let name = format!("u{session_at}");
        match *is {
            None => {
                *is = Some(true);
                let (user, password) = ("alice".into(), "alice123".into());
                Some(Verb::Login(Login { user, password, name: Some(name) }))
            }
            Some(true) => {
                *is = Some(false);
                Some(Verb::Logout(Logout { session: name }))
            }
            Some(false) => None,
        }
    }

    /// Something befalls a node or a link; of nodes, one at a time.
    fn fault(&mut self, chance: Chance) {
        let node = chance.at(1).below(self.nodes);
        let other = name((node + 1 + chance.at(2).below(self.nodes - 1)) % self.nodes);
        let span = Span::of_ms(chance.at(3).between(100, 3000));
        let lasts = Some(span);
        match chance.at(0).below(9) {
            0 | 1 => {
                let groups = (0..self.nodes).map(|node| vec![name(node)]).collect();
                self.act(On::default(), Verb::Partition(Partition { groups, lasts }));
            }
            2 => self.does(node, Verb::Cut(Cut { to: other, lasts })),
            3 => self.does(node, Verb::Clog(Clog { to: other, lasts })),
            4 => self.does(node, Verb::SlowDisk(SlowDisk { by: Span::of_ms(chance.at(4).between(10, 200)), lasts })),
            5 => self.act(On::default(), Verb::Heal(Heal { yes: Yes })),
            6 => self.act(On::default(), Verb::Wait(Wait { span })),
            7 => self.goes(node, Verb::Kill(Kill { yes: Yes, lasts: None }), Verb::Restart(Restart { yes: Yes })),
            _ => self.goes(node, Verb::Pause(Pause { yes: Yes, lasts: None }), Verb::Resume(Resume { yes: Yes })),
        }
    }

    fn goes(&mut self, node: u64, verb: Verb, back: Verb) {
        self.comes_back();
        self.does(node, verb);
        self.things.away = Some((node, back));
    }

    fn comes_back(&mut self) {
        if let Some((node, back)) = self.things.away.take() {
            self.does(node, back);
        }
    }
}

fn name(node: u64) -> String {
    format!("n{}", node + 1)
}

fn client(client: String, name: Option<String>) -> CreateClient {
    CreateClient { client, auth: Auth::ClientSecretPost, name, scope: String::new() }
}

fn introspect(token: u64) -> Verb {
    Verb::Introspect(Introspect { token: format!("t{token}"), by: Some(AUDITOR.into()) })
}

//! What a state means to people: which clients, scopes, tokens and sessions there are, by the names of the plan. No ids, no
//! dots, no clocks: two worlds that ran one plan can be compared by it.

use std::collections::BTreeMap;

use symbolon_core::state::ClientAuthMethod;

use crate::plan::{Plan, Verb};
use crate::worlds::look::{Known, Stand};

/// What a run means: how it ended, and what callers heard of tokens on the way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sense {
    /// How it ended.
    pub meaning: Meaning,
    /// Introspections in their order.
    pub judgements: Vec<Judgement>,
}

impl Sense {
    /// What is different, in a few words; nothing if all is the same. A caller who was refused himself says nothing of a token.
    pub fn difference(&self, other: &Sense) -> Option<String> {
        if let Some(difference) = self.meaning.difference(&other.meaning) {
            return Some(difference);
        }
        let (here, there) = (self.judgements.len(), other.judgements.len());
        if here != there {
            return Some(format!("{here} tokens were judged here, and {there} there"));
        }
        let differ = |(one, other): &(&Judgement, &Judgement)| {
            let heard = one.active.is_some() && other.active.is_some();
            (&one.token, one.node) != (&other.token, other.node) || heard && one.active != other.active
        };
        let (one, other) = self.judgements.iter().zip(&other.judgements).find(differ)?;
        Some(format!("{one:?} here, and {other:?} there"))
    }
}

/// What a caller heard of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// The token's name in the plan.
    pub token: String,
    /// The node that was asked.
    pub node: usize,
    /// Whether it is good; nothing if the caller himself was refused.
    pub active: Option<bool>,
}

/// What one node holds in the end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Meaning {
    /// Clients of the plan; those that are gone or were never made hold nothing.
    pub clients: BTreeMap<String, Option<ClientMeaning>>,
    /// Scopes with their descriptions.
    pub scopes: BTreeMap<String, String>,
    /// Whether each token of the plan is good; nothing if it was never issued.
    pub tokens: BTreeMap<String, Option<bool>>,
    /// Whether each session of the plan is alive; nothing if it was never opened.
    pub sessions: BTreeMap<String, Option<bool>>,
}

/// What a client is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientMeaning {
    /// `client_name`.
    pub name: String,
    /// How it authenticates.
    pub auth: ClientAuthMethod,
    /// What it may ask for.
    pub scopes: Vec<String>,
}

impl Meaning {
    /// What a node holds, of everything that the plan names.
    pub fn of(plan: &Plan, stand: &Stand<'_>, known: &impl Known) -> Meaning {
        let mut meaning = Meaning::default();
        for step in plan.steps() {
            match &step.verb {
                Verb::CreateClient(create) => {
                    let client = known.client(&create.client).and_then(|id| stand.view.client(id));
                    let client = client.map(|client| ClientMeaning {
                        name: client.name.clone(),
                        auth: client.auth_method,
                        scopes: client.scopes.iter().map(ToString::to_string).collect(),
                    });
                    meaning.clients.insert(create.client.clone(), client);
                }
                Verb::Token(token) => {
                    let good = known.token(&token.token).map(|token| stand.accepts(token));
                    meaning.tokens.insert(token.token.clone(), good);
                }
                Verb::Login(login) => {
                    if let Some(name) = &login.name {
                        let alive = known.session(name).map(|cookie| stand.opens(cookie));
                        meaning.sessions.insert(name.clone(), alive);
                    }
                }
                _ => {}
            }
        }
        meaning.scopes =
            stand.view.scopes().map(|(name, scope)| (name.to_string(), scope.description.clone())).collect();
        meaning
    }

    /// What is different, in a few words; nothing if all is the same.
    pub fn difference(&self, other: &Meaning) -> Option<String> {
        let Meaning { clients, scopes, tokens, sessions } = self;
        first("client", clients, &other.clients)
            .or_else(|| first("scope", scopes, &other.scopes))
            .or_else(|| first("token", tokens, &other.tokens))
            .or_else(|| first("session", sessions, &other.sessions))
    }
}

fn first<T: PartialEq + std::fmt::Debug>(
    kind: &str,
    one: &BTreeMap<String, T>,
    other: &BTreeMap<String, T>,
) -> Option<String> {
    let name = one.keys().chain(other.keys()).find(|name| one.get(*name) != other.get(*name))?;
    Some(format!("{kind} {name} is {:?} here and {:?} there", one.get(name), other.get(name)))
}
